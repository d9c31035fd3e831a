import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import type { Catalog, Content, Out } from '#data'
import {
  isMap,
  type FileProblem,
  type LoadedPipelines,
  type ParamMap,
  type PipelineFiles,
  type Stage,
  type StageLock,
} from '#stages'
import { dvcIgnoreRules, gitIgnoreRules, type IgnoreRules } from '#protocols/dvc/ignore'
import { readLockFile, withStage } from '#protocols/dvc/lock-file'
import { readParamsFile } from '#protocols/dvc/params-file'
import { readPipelineFile } from '#protocols/dvc/pipeline-file'
import type { CommandStyle } from '#protocols/dvc/template'
import { printTrackedFile, readTrackedFile, withContent } from '#protocols/dvc/tracked-file'
import { writeWhole } from '#stores/dvc/atomic'
import { gitRootOf } from '#stores/dvc/git'

export interface ProjectFiles extends PipelineFiles, Catalog {
  /** The ignore rules of the project as they hold for what lies in a folder. */
  rulesIn(folder: string): (path: string, kind: 'file' | 'folder') => boolean
}

/** The files of DVC in a project: found by walking it, read and written by the protocol. */
export function openProjectFiles(options: {
  root: string
  commandStyle: CommandStyle
}): ProjectFiles {
  const { root } = options
  const rules = ignoreFiles(root, '.dvcignore', dvcIgnoreRules())
  const read = (path: string) => readFileSync(join(root, path), 'utf8')
  const load = async () => collected(options, rules)
  return {
    load,
    rulesIn: (folder) => rules(folder).ignores,
    values: async (path) => valuesAt(root, path),
    saveLock: async (stage, lock) => {
      const path = lockPath(stage.file)
      const before = existsSync(join(root, path)) ? read(path) : ''
      const after = withStage(before, stage.name, lock)
      if (after !== before) writeWhole(join(root, path), after)
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
      const { stages, locks, tracked, problems } = await load()
      const broken = problems.find(({ file }) => file.endsWith('.dvc'))
      if (broken !== undefined) throw new Problem('invalid', `${broken.file}: ${broken.message}`)
      return [...tracked, ...stages.flatMap((stage) => stageOuts(stage, locks.get(stage.address)))]
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

function stageOuts(stage: Stage, lock: StageLock | undefined): Out[] {
  return stage.outs.map((out) => ({
    path: out.path,
    owner: { kind: 'stage', file: stage.file, address: stage.address },
    content: lock?.outs.find(({ path }) => path === out.written)?.content,
    cached: out.cached,
    push: out.push,
    remote: out.remote,
  }))
}

function lockPath(file: string): string {
  return file.replace(/\.ya?ml$/, '.lock')
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

/** Rules of all ignore files from the top down to a folder, each file read once. */
function ignoreFiles(
  top: string,
  name: string,
  base: IgnoreRules,
): (folder: string) => IgnoreRules {
  const known = new Map<string, IgnoreRules>()
  const rulesIn = (folder: string): IgnoreRules => {
    const found = known.get(folder)
    if (found !== undefined) return found
    const above =
      folder === ''
        ? base
        : rulesIn(folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : '')
    const file = join(top, folder, name)
    const rules = existsSync(file) ? above.with(folder, readFileSync(file, 'utf8')) : above
    known.set(folder, rules)
    return rules
  }
  return rulesIn
}

type Walk = {
  readonly root: string
  readonly ignores: (path: string, kind: 'file' | 'folder') => boolean
  readonly found: Collected
  readonly style: CommandStyle
}

interface Collected {
  stages: Stage[]
  locks: Map<string, StageLock>
  tracked: Out[]
  problems: FileProblem[]
}

function collected(
  options: { root: string; commandStyle: CommandStyle },
  rules: (folder: string) => IgnoreRules,
): LoadedPipelines {
  const found: Collected = { stages: [], locks: new Map(), tracked: [], problems: [] }
  const gitIgnores = gitRules(options.root)
  const walk: Walk = {
    root: options.root,
    style: options.commandStyle,
    found,
    ignores: (path, kind) =>
      rules(path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '').ignores(path, kind) ||
      gitIgnores(path, kind),
  }
  walkFolder(walk, '')
  return found
}

/** What Git leaves out holds no files of DVC; this also keeps the walk out of large folders. */
function gitRules(root: string): Walk['ignores'] {
  const top = gitRootOf(root)
  if (top === undefined) return () => false
  const exclude = join(top, '.git', 'info', 'exclude')
  const base = existsSync(exclude)
    ? gitIgnoreRules().with('', readFileSync(exclude, 'utf8'))
    : gitIgnoreRules()
  const rules = ignoreFiles(top, '.gitignore', base)
  const prefix = relative(top, root)
  return (path, kind) => {
    const whole = prefix === '' ? path : `${prefix}/${path}`
    return rules(whole.includes('/') ? whole.slice(0, whole.lastIndexOf('/')) : '').ignores(
      whole,
      kind,
    )
  }
}

function walkFolder(walk: Walk, folder: string): void {
  const entries = readdirSync(join(walk.root, folder), { withFileTypes: true }).toSorted(
    (one, other) => (one.name < other.name ? -1 : 1),
  )
  const pathOf = (name: string) => (folder === '' ? name : `${folder}/${name}`)
  for (const entry of entries) {
    const path = pathOf(entry.name)
    const named =
      entry.name === 'dvc.yaml' || (entry.name.endsWith('.dvc') && entry.name !== '.dvc')
    if (entry.isDirectory() || !named || walk.ignores(path, 'file')) continue
    if (entry.name === 'dvc.yaml') takePipeline(walk, path)
    else takeTracked(walk, path)
  }
  for (const entry of entries) {
    const path = pathOf(entry.name)
    if (!entry.isDirectory() || walk.ignores(path, 'folder')) continue
    // Another project inside this one has its own data; outputs may hold anything.
    if (existsSync(join(walk.root, path, '.dvc')) || isOut(walk.found, path)) continue
    walkFolder(walk, path)
  }
}

function isOut(found: Collected, path: string): boolean {
  return (
    found.tracked.some((out) => out.path === path) ||
    found.stages.some((stage) => stage.outs.some((out) => out.path === path))
  )
}

function takeTracked(walk: Walk, file: string): void {
  const { value, problems } = readTrackedFile(file, readFileSync(join(walk.root, file), 'utf8'))
  for (const message of problems) walk.found.problems.push({ file, stage: undefined, message })
  const { frozen, imported, fromRepository } = value
  for (const out of value.outs)
    walk.found.tracked.push({
      ...out,
      owner: { kind: 'tracked', file, frozen, imported },
      push: out.push && !fromRepository,
    })
}

function takePipeline(walk: Walk, file: string): void {
  const { root, found, style } = walk
  const load = (path: string) => {
    const whole = join(root, path)
    return existsSync(whole) ? readParamsFile(path, readFileSync(whole, 'utf8')) : undefined
  }
  const { stages, problems } = readPipelineFile(file, readFileSync(join(root, file), 'utf8'), {
    load,
    style,
  })
  for (const problem of problems) found.problems.push({ file, ...problem })
  found.stages.push(...stages)
  const lock = join(root, lockPath(file))
  if (!existsSync(lock)) return
  const read = readLockFile(readFileSync(lock, 'utf8'))
  for (const message of read.problems)
    found.problems.push({ file: lockPath(file), stage: undefined, message })
  for (const stage of stages) {
    const entry = read.stages.get(stage.name)
    if (entry !== undefined) found.locks.set(stage.address, entry)
  }
}
