import { statSync } from 'node:fs'
import { join } from 'node:path'
import { dvcIgnoreRules } from '#protocols/dvc/ignore'
import { ignoreFiles, parentOf, treeOnDisk } from './tree.ts'

export interface IgnoreVerdict {
  readonly ignored: boolean
  readonly rule:
    | { readonly file: string; readonly line: number; readonly pattern: string }
    | undefined
}

/** Whether `.dvcignore` files leave a path of the project out, and by which rule. */
export function ignoreVerdict(root: string, path: string): IgnoreVerdict {
  if (path === '') return { ignored: false, rule: undefined }
  const rules = ignoreFiles(treeOnDisk(root), '.dvcignore', dvcIgnoreRules())(parentOf(path))
  const isFolder = statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() === true
  const { ignored, rule } = rules.judge(path, isFolder ? 'folder' : 'file')
  if (rule === undefined) return { ignored, rule }
  const { folder, line, pattern } = rule
  return { ignored, rule: { file: join(folder, '.dvcignore'), line, pattern } }
}
