import { Problem } from '#base/problem'
import type { Out } from '#data'
import type { FileProblem, LoadedPipelines, Stage, StageLock } from '#stages'
import { readLockFile } from '#protocols/dvc/lock-file'
import { readParamsFile } from '#protocols/dvc/params-file'
import { readPipelineFile } from '#protocols/dvc/pipeline-file'
import type { CommandStyle } from '#protocols/dvc/template'
import { outPathFault } from '#protocols/dvc/safe-path'
import { readTrackedFile } from '#protocols/dvc/tracked-file'
import type { ProjectTree } from './tree.ts'

/** A file that somebody sent must not make us write, or remove, what is not data of this project. */
function checkOut(file: string, path: string): void {
  const fault = outPathFault(path)
  if (fault !== undefined)
    throw new Problem(
      'invalid',
      `${file}: the output ${JSON.stringify(path)} ${fault}; nothing was done, take it out of the file`,
    )
}

export interface ProjectWalk {
  readonly tree: ProjectTree
  /** What holds no files of DVC. */
  readonly ignores: (path: string, kind: 'file' | 'folder') => boolean
  readonly commandStyle: CommandStyle
}

type Walk = ProjectWalk & { readonly found: Collected }

interface Collected {
  stages: Stage[]
  locks: Map<string, StageLock>
  tracked: Out[]
  problems: FileProblem[]
  pipelineFiles: string[]
}

/** Everything that the DVC files of a project say. */
export function collected(walk: ProjectWalk): LoadedPipelines {
  const found: Collected = {
    stages: [],
    locks: new Map(),
    tracked: [],
    problems: [],
    pipelineFiles: [],
  }
  walkFolder({ ...walk, found }, '')
  return found
}

/** The outs of all that was collected, in the order of their files' paths. */
export function outsOf({ stages, locks, tracked }: LoadedPipelines): Out[] {
  return [...tracked, ...stages.flatMap((stage) => stageOuts(stage, locks.get(stage.address)))]
}

export function lockPath(file: string): string {
  return file.replace(/\.ya?ml$/, '.lock')
}

/** Files whose name alone makes them files of DVC. */
export function isDvcFile(name: string): boolean {
  return name === 'dvc.yaml' || (name.endsWith('.dvc') && name !== '.dvc')
}

function stageOuts(stage: Stage, lock: StageLock | undefined): Out[] {
  return stage.outs.map((out) => {
    const locked = lock?.outs.find(({ path }) => path === out.written)
    return {
      path: out.path,
      owner: { kind: 'stage', file: stage.file, address: stage.address },
      content: locked?.content,
      ...(locked?.files === undefined ? {} : { files: locked.files }),
      ...(locked?.versions === undefined ? {} : { versions: locked.versions }),
      cached: out.cached,
      push: out.push,
      remote: out.remote,
    }
  })
}

function walkFolder(walk: Walk, folder: string): void {
  const entries = walk.tree.list(folder).toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const pathOf = (name: string) => (folder === '' ? name : `${folder}/${name}`)
  for (const { name, isFolder } of entries) {
    const path = pathOf(name)
    if (isFolder || !isDvcFile(name) || walk.ignores(path, 'file')) continue
    if (name === 'dvc.yaml') takePipeline(walk, path)
    else takeTracked(walk, path)
  }
  for (const { name, isFolder } of entries) {
    const path = pathOf(name)
    if (!isFolder || walk.ignores(path, 'folder')) continue
    // Another project inside this one has its own data; outputs may hold anything.
    if (walk.tree.isFolder(`${path}/.dvc`) || isOut(walk.found, path)) continue
    walkFolder(walk, path)
  }
}

function isOut(found: Collected, path: string): boolean {
  return (
    found.tracked.some((out) => out.path === path) ||
    found.stages.some((stage) => stage.outs.some((out) => out.path === path))
  )
}

function takeTracked({ tree, found }: Walk, file: string): void {
  const { value, problems } = readTrackedFile(file, tree.read(file) ?? '')
  for (const message of problems) found.problems.push({ file, stage: undefined, message })
  const { frozen, imported, fromRepository } = value
  for (const { path } of value.outs) checkOut(file, path)
  for (const out of value.outs)
    found.tracked.push({
      ...out,
      owner: { kind: 'tracked', file, frozen, imported },
      push: out.push && !fromRepository,
    })
}

function takePipeline({ tree, found, commandStyle }: Walk, file: string): void {
  const load = (path: string) => {
    const text = tree.read(path)
    return text === undefined ? undefined : readParamsFile(path, text)
  }
  const { stages, problems } = readPipelineFile(file, tree.read(file) ?? '', {
    load,
    style: commandStyle,
  })
  found.pipelineFiles.push(file)
  for (const problem of problems) found.problems.push({ file, ...problem })
  for (const { outs } of stages) for (const { path } of outs) checkOut(file, path)
  found.stages.push(...stages)
  const lock = tree.read(lockPath(file))
  if (lock === undefined) return
  const read = readLockFile(lock)
  for (const message of read.problems)
    found.problems.push({ file: lockPath(file), stage: undefined, message })
  for (const stage of stages) {
    const entry = read.stages.get(stage.name)
    if (entry !== undefined) found.locks.set(stage.address, entry)
  }
}
