import { Problem } from '#base/problem'
import {
  dataRef,
  sameContent,
  type Content,
  type DataRef,
  type VersionControl,
  type Workspace,
} from '#data'
import { isTimestamp, isList, isMap, plainParam, type ParamMap, type ParamValue } from '../param.ts'
import {
  isCallback,
  sameCommand,
  type LockedPath,
  type Stage,
  type StageLock,
  type StageOut,
} from '../stage.ts'
import type { StageGround } from './repro-run.ts'
import { changedDeps, contentAt, valuesOf, type Look } from '../staleness.ts'

/** What a stage reads, as it is now. Throws `not-found` for what is missing, before anything is run. */
export async function inputsOf(
  ground: StageGround,
  stage: Stage,
  lock: StageLock | undefined,
): Promise<Pick<StageLock, 'deps' | 'params'>> {
  const deps: LockedPath[] = []
  for (const { path, written, dataset: named } of stage.deps) {
    if (named !== undefined) {
      const dataset = await ground.files.dataset(named)
      if (dataset === undefined)
        throw new Problem(
          'not-found',
          `${stage.address} needs the dataset ${named}, which has no version in dvc.lock; run \`orrery dataset update ${named}\``,
        )
      deps.push({ path: written, content: undefined, dataset })
      continue
    }
    const content = await contentLike(ground.workspace, path, contentAt(lock?.deps, written))
    if (content === undefined)
      throw new Problem('not-found', `${stage.address} needs ${path}, which does not exist`)
    deps.push({ path: written, content })
  }
  const params = new Map<string, ParamMap>()
  for (const { path, written, keys } of stage.params) {
    const values = await ground.files.values(path)
    if (values === undefined)
      throw new Problem(
        'not-found',
        `${stage.address} needs parameters of ${path}, which does not exist`,
      )
    const found = valuesOf(keys, values)
    const missing = keys.filter((key) => !found.has(key))
    if (missing.length > 0)
      throw new Problem(
        'not-found',
        `${stage.address} needs ${missing.join(', ')}, which ${path} does not have`,
      )
    for (const [name, value] of found)
      if (holdsDate(value))
        throw new Problem(
          'invalid',
          `${stage.address} needs ${String(name)} of ${path}, which is a date; DVC cannot keep dates, so put it in quotes`,
        )
    params.set(written, found)
  }
  return { deps, params }
}

/**
 * An earlier run whose outs would be the same: the one in the lock if only the outs are wrong, or one in
 * the run cache with these very inputs. Undefined unless all of its outs can be had.
 */
export async function earlierRun(
  ground: StageGround,
  stage: Stage,
  known: {
    lock: StageLock | undefined
    look: Look
    runCache: boolean
    /** What is not here may be brought from the remote. */
    pull?: boolean
  },
): Promise<StageLock | undefined> {
  if (!isRepeatable(stage)) return undefined
  const { lock, look } = known
  const found = (await isOnlyOuts(stage, lock, look))
    ? lock
    : known.runCache
      ? await ground.runCache.find({
          cmd: stage.cmd,
          ...(await inputsOf(ground, stage, lock)),
          outs: stage.outs.map(({ written }) => ({ path: written, content: undefined })),
        })
      : undefined
  if (found === undefined) return undefined
  const outs: { path: string; content: Content }[] = []
  for (const { path, written } of stage.outs) {
    const content = contentAt(found.outs, written)
    if (content === undefined) return undefined
    outs.push({ path, content })
  }
  if (known.pull === true) await ground.bring?.(outs)
  for (const { content } of outs) if (!(await ground.cache.holds(content))) return undefined
  return found
}

/** Puts the outs of an earlier run into the workspace. */
export async function restoreOuts(
  ground: StageGround,
  stage: Stage,
  run: StageLock,
): Promise<void> {
  for (const out of stage.outs) {
    const content = contentAt(run.outs, out.written)
    if (content === undefined) continue
    const entries = content.md5.endsWith('.dir') ? await ground.cache.tree(content) : undefined
    const measured = entries === undefined ? { content } : { content, entries }
    await ground.workspace.restore(out.path, measured, { force: true, copy: !out.cached })
  }
}

export interface Finishing {
  /** An output that was put there out of the cache: it need not be kept. */
  readonly placed?: string
}

/**
 * Takes what a stage wrote into the cache and writes its lock. The lock comes last: whenever this is
 * interrupted, the old lock is still true.
 */
export async function finishStage(
  ground: StageGround,
  stage: Stage,
  before: StageLock | undefined,
  how: Finishing = {},
): Promise<StageLock> {
  const inputs = await inputsOf(ground, stage, before)
  const outs: LockedPath[] = []
  const repeatable = isRepeatable(stage) && !stage.outs.some(isPlainUncached)
  const touched: string[] = []
  for (const out of stage.outs) {
    const measured = await ground.workspace.measure(out.path)
    if (measured === undefined)
      throw new Problem(
        'not-found',
        `${stage.address} ended without error but did not write ${out.path}; write it, or take it off its outs`,
      )
    // A metric that Git keeps is in the cache as well, for the runs to come that would be the same.
    if ((out.cached || repeatable) && out.path !== how.placed)
      await ground.workspace.keep(out.path, measured)
    if (out.cached) touched.push(...(await ignored(ground.versionControl, stage, out)))
    outs.push({ path: out.written, content: measured.content })
  }
  const lock: StageLock = { cmd: stage.cmd, ...inputs, outs }
  if (repeatable) await ground.runCache.save(lock)
  await ground.files.saveLock(stage, lock)
  await ground.versionControl.stage([...touched, stage.file.replace(/\.ya?ml$/, '.lock')])
  return lock
}

/** Outs as others name them. */
export function outRefs(stage: Stage, lock: StageLock | undefined): DataRef[] {
  return stage.outs.flatMap(({ path, written }) => {
    const content = contentAt(lock?.outs, written)
    return content === undefined ? [] : [dataRef(path, content)]
  })
}

export function depRefs(stage: Stage, deps: readonly LockedPath[]): DataRef[] {
  return stage.deps.flatMap(({ path, written }) => {
    const content = contentAt(deps, written)
    return content === undefined ? [] : [dataRef(path, content)]
  })
}

/** Parameters by name; those of other files than the default one after the file's name. */
export function namedParams(
  params: ReadonlyMap<string, ParamMap>,
): Record<string, ReturnType<typeof plainParam>> {
  return Object.fromEntries(
    [...params].flatMap(([file, values]) =>
      [...values].map(([name, value]) => [
        file === 'params.yaml' ? String(name) : `${file}:${String(name)}`,
        plainParam(value),
      ]),
    ),
  )
}

/** The numbers in a stage's metrics, by their path in the file. */
export async function metricsOf(
  ground: StageGround,
  stage: Stage,
): Promise<Record<string, number>> {
  const metrics: [string, number][] = []
  for (const out of stage.outs) {
    if (out.kind !== 'metric') continue
    // A folder of metrics, or a file in a format of its own, is an output like any other.
    const values = await ground.files.values(out.path).catch(() => undefined)
    if (values !== undefined) metrics.push(...numbersIn(values, ''))
  }
  return Object.fromEntries(metrics.slice(0, METRICS_MAX))
}

/** Metrics of one run that are recorded; a file with more is data, not a summary. */
const METRICS_MAX = 1000

/** How a stage that reads this content would find it; a hash of DVC 2 is kept as long as it is true. */
export async function contentLike(
  workspace: Workspace,
  path: string,
  locked: Content | undefined,
): Promise<Content | undefined> {
  if (locked?.legacy === true) {
    const legacy = (await workspace.measure(path, { legacy: true }))?.content
    if (sameContent(legacy, locked)) return legacy
  }
  return (await workspace.measure(path))?.content
}

function isRepeatable(stage: Stage): boolean {
  return (
    !isCallback(stage) &&
    !stage.alwaysChanged &&
    stage.deps.length + stage.params.length > 0 &&
    stage.outs.length > 0 &&
    // As DVC has it, a run on what is no file of the project is not one to be had again.
    stage.deps.every(({ dataset }) => dataset === undefined) &&
    !stage.outs.some(({ persist }) => persist)
  )
}

function isPlainUncached(out: StageOut): boolean {
  return !out.cached && out.kind === 'out'
}

async function isOnlyOuts(stage: Stage, lock: StageLock | undefined, look: Look): Promise<boolean> {
  if (lock === undefined || !sameCommand(lock.cmd, stage.cmd)) return false
  if (stage.outs.some(({ written }) => contentAt(lock.outs, written) === undefined)) return false
  return (await changedDeps(stage, lock, look).next()).done === true
}

async function ignored(
  versionControl: VersionControl,
  stage: Stage,
  out: StageOut,
): Promise<string[]> {
  if (await versionControl.isTracked(out.path))
    throw new Problem(
      'conflict',
      `${stage.address} writes ${out.path}, which Git tracks; run \`git rm -r --cached ${out.path}\`, or say \`cache: false\` in ${stage.file}`,
    )
  const file = await versionControl.ignore(out.path)
  return file === undefined ? [] : [file]
}

function holdsDate(value: ParamValue): boolean {
  if (isTimestamp(value)) return true
  if (isList(value)) return value.some(holdsDate)
  return isMap(value) && [...value.values()].some(holdsDate)
}

function numbersIn(values: ParamMap, prefix: string): [string, number][] {
  return [...values].flatMap(([key, value]): [string, number][] => {
    const name = `${prefix}${String(key)}`
    // What is no number, or infinite, is in the file for whoever looks; a summary has no place for it.
    if (typeof value === 'number' || typeof value === 'bigint')
      return Number.isFinite(Number(value)) ? [[name, Number(value)]] : []
    return isMap(value) ? numbersIn(value, `${name}.`) : []
  })
}

/** Names a state of the lock, by which a killed run is told from a finished one. */
export function lockToken(lock: StageLock | undefined): string {
  if (lock === undefined) return ''
  const contents = [...lock.deps, ...lock.outs].map(({ path, content }) => [
    path,
    content?.md5 ?? '',
  ])
  return JSON.stringify([lock.cmd, contents, namedParams(lock.params)])
}
