import { existsSync, readdirSync, readFileSync, statSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '#base/problem'
import type { IgnoreRules } from '#protocols/dvc/ignore'

/** A project's files: those on disk now, or those of a commit. */
export interface ProjectTree {
  list(folder: string): readonly { readonly name: string; readonly isFolder: boolean }[]
  /** The text of a file, undefined where there is none. */
  read(path: string): string | undefined
  isFolder(path: string): boolean
}

export function treeOnDisk(root: string): ProjectTree {
  return {
    list: (folder) =>
      readdirSync(join(root, folder), { withFileTypes: true }).map((entry) => ({
        name: entry.name,
        isFolder: entry.isDirectory(),
      })),
    read: (path) => {
      const stats = statSync(join(root, path), { throwIfNoEntry: false })
      if (stats === undefined || stats.isDirectory()) return undefined
      checkReadable(path, stats)
      return readFileSync(join(root, path), 'utf8')
    },
    isFolder: (path) => existsSync(join(root, path)),
  }
}

/** What somebody made by hand or by program is a hundredth of this. */
const FILE_BYTES_MAX = 64 << 20

function checkReadable(path: string, stats: Stats): void {
  if (!stats.isFile())
    throw new Problem('invalid', `${path} is no file; remove it, or name it otherwise`)
  if (stats.size > FILE_BYTES_MAX)
    throw new Problem(
      'limit',
      `${path} has ${stats.size} bytes, and a file that describes data has at most ${FILE_BYTES_MAX}; remove it, or name it otherwise`,
    )
}

/** Rules of all ignore files from the top down to a folder, each file read once. */
export function ignoreFiles(
  tree: ProjectTree,
  name: string,
  base: IgnoreRules,
): (folder: string) => IgnoreRules {
  const known = new Map<string, IgnoreRules>()
  const rulesIn = (folder: string): IgnoreRules => {
    const found = known.get(folder)
    if (found !== undefined) return found
    const above = folder === '' ? base : rulesIn(parentOf(folder))
    const text = tree.read(folder === '' ? name : `${folder}/${name}`)
    const rules = text === undefined || saysNothing(text) ? above : above.with(folder, text)
    known.set(folder, rules)
    return rules
  }
  return rulesIn
}

/** Such as the file that `init` writes; where no rule is added, what holds can be told faster. */
function saysNothing(rules: string): boolean {
  return rules.split('\n').every((line) => line.trim() === '' || line.startsWith('#'))
}

export function parentOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
}
