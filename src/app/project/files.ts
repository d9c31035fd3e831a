import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import type { Catalog, Content } from '#data'
import { isMap, type ParamMap, type PipelineFiles } from '#stages'
import { dvcIgnoreRules, gitIgnoreRules, type IgnoreRules } from '#protocols/dvc/ignore'
import { withStage } from '#protocols/dvc/lock-file'
import { readParamsFile } from '#protocols/dvc/params-file'
import type { CommandStyle } from '#protocols/dvc/template'
import { printTrackedFile, withContent } from '#protocols/dvc/tracked-file'
import { writeWhole } from '#stores/dvc/atomic'
import type { Ignores } from '#stores/dvc/measure'
import { gitRootOf, type OnWrite } from '#stores/dvc/git'
import { datasetAt } from './datasets.ts'
import { ignoreFiles, parentOf, treeOnDisk } from './tree.ts'
import { collected, lockPath, outsOf } from './walk.ts'

export interface ProjectFiles extends PipelineFiles, Catalog {
  /** The ignore rules of the project as they hold for what lies in a folder. */
  rulesIn(folder: string): Ignores
}

/** The files of DVC in a project: found by walking it, read and written by the protocol. */
export function openProjectFiles(options: {
  root: string
  commandStyle: CommandStyle
  onWrite?: OnWrite | undefined
}): ProjectFiles {
  const { root, onWrite } = options
  const tree = treeOnDisk(root)
  const own = dvcIgnoreRules()
  const rules = ignoreFiles(tree, '.dvcignore', own)
  const read = (path: string) => readFileSync(join(root, path), 'utf8')
  const load = async () => {
    const gitIgnores = gitRules(root)
    return collected({
      tree,
      commandStyle: options.commandStyle,
      ignores: (path, kind) => rules(parentOf(path)).ignores(path, kind) || gitIgnores(path, kind),
    })
  }
  return {
    load,
    rulesIn: (folder) => {
      const { ignores } = rules(folder)
      const ask: Ignores = (path, kind) => ignores(path, kind)
      return Object.assign(ask, { plain: rules(folder) === own })
    },
    values: async (path) => valuesAt(root, path),
    dataset: async (name) => {
      const { stages } = await load()
      return datasetAt(root, [...new Set(['dvc.yaml', ...stages.map(({ file }) => file)])], name)
    },
    saveLock: async (stage, lock, isLater) => {
      const path = lockPath(stage.file)
      const before = existsSync(join(root, path)) ? read(path) : ''
      const after = withStage(before, stage.name, lock, isLater)
      if (after === before) return
      onWrite?.(path, after)
      writeWhole(join(root, path), after)
    },
    lockDigest: async () => {
      const { stages } = await load()
      const paths = [...new Set(stages.map(({ file }) => lockPath(file)))].filter((path) =>
        existsSync(join(root, path)),
      )
      return paths.length === 0
        ? null
        : sha256(paths.map((path) => `${path}\n${read(path)}`).join('\n'))
    },
    outs: async () => {
      const loaded = await load()
      const broken = loaded.problems.find(({ file }) => file.endsWith('.dvc'))
      if (broken !== undefined) throw new Problem('invalid', `${broken.file}: ${broken.message}`)
      return outsOf(loaded)
    },
    saveTracked: async (file, path, content) => saveTracked(root, { file, path, content }),
  }
}

function saveTracked(root: string, out: { file: string; path: string; content: Content }): void {
  const whole = join(root, out.file)
  const before = existsSync(whole) ? readFileSync(whole, 'utf8') : undefined
  const name = out.path.slice(out.path.lastIndexOf('/') + 1)
  const after =
    before === undefined ? printTrackedFile(name, out.content) : withContent(out.file, before, out)
  if (after !== before) writeWhole(whole, after)
}

function valuesAt(root: string, path: string): ParamMap | undefined {
  const whole = join(root, path)
  if (!existsSync(whole)) return undefined
  const { value, problems } = readParamsFile(path, readFileSync(whole, 'utf8'))
  if (problems.length > 0) throw new Problem('invalid', `${path}: ${problems.join('; ')}`)
  if (value === null) return new Map()
  if (!isMap(value)) throw new Problem('invalid', `${path} must hold a map of names to values`)
  return value
}

/** What Git leaves out holds no files of DVC; this also keeps the walk out of large folders. */
function gitRules(root: string): IgnoreRules['ignores'] {
  const top = gitRootOf(root)
  if (top === undefined) return () => false
  const exclude = join(top, '.git', 'info', 'exclude')
  const base = existsSync(exclude)
    ? gitIgnoreRules().with('', readFileSync(exclude, 'utf8'))
    : gitIgnoreRules()
  const rules = ignoreFiles(treeOnDisk(top), '.gitignore', base)
  const prefix = relative(top, root)
  return (path, kind) => {
    const whole = prefix === '' ? path : `${prefix}/${path}`
    return rules(parentOf(whole)).ignores(whole, kind)
  }
}
