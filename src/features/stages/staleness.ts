import { sameContent, type Content, type OutChange } from '#data'
import { partsInWords, type PartsReason } from './parts/reason.ts'
import {
  isMap,
  plainParam,
  sameParam,
  type ParamMap,
  type ParamValue,
  type PlainValue,
} from './param.ts'
import {
  isCallback,
  sameCommand,
  type LockedPath,
  type Stage,
  type StageLock,
  type StageOut,
  type StageParams,
} from './stage.ts'

/** Why a stage is not up to date, with what the lock has and what is there now, where there is such. */
export type Reason =
  | { readonly kind: 'forced' }
  | { readonly kind: 'command'; readonly before?: Stage['cmd']; readonly after?: Stage['cmd'] }
  | { readonly kind: 'always' }
  | { readonly kind: 'new' }
  | ({ readonly kind: 'dep'; readonly path: string; readonly change: Change } & ContentsOrVersions)
  /** Makes nothing stale by itself: it tells how much there is to do. */
  | PartsReason
  | { readonly kind: 'params-file'; readonly path: string; readonly change: Change }
  | {
      readonly kind: 'param'
      readonly path: string
      readonly name: string
      readonly change: Change
      readonly before?: PlainValue
      readonly after?: PlainValue
    }
  | ({
      readonly kind: 'out'
      readonly path: string
      readonly change: OutChange
    } & ContentsOrVersions)

interface ContentsOrVersions {
  /** Content of a path; of a dataset, its version. */
  readonly before?: Content | PlainValue
  readonly after?: Content | PlainValue
  /** What differs inside a folder; only where somebody asked for it, since the lists have to be compared. */
  readonly files?: FolderChange
}

/** Paths below a folder. */
export interface FolderChange {
  readonly added: readonly string[]
  readonly modified: readonly string[]
  readonly deleted: readonly string[]
}

export type Change = 'modified' | 'deleted' | 'new'

/** How the project looks now. Each question may cost reading a file, so only those that matter are asked. */
export interface Look {
  /** What is at a path, undefined where nothing is. */
  content(path: string, as: { legacy: boolean }): Promise<Content | undefined>
  /** The values in a file of parameters, undefined where there is no file. */
  params(path: string): Promise<ParamMap | undefined>
  /** The version that a dataset is at. */
  dataset(name: string): Promise<ParamMap | undefined>
  out(out: StageOut, locked: Content | undefined): Promise<OutChange | undefined>
}

/** Everything that makes a stage stale, in the order in which DVC looks: command, dependencies, outputs. */
export async function* reasons(
  stage: Stage,
  lock: StageLock | undefined,
  look: Look,
): AsyncGenerator<Reason> {
  if (lock !== undefined && !sameCommand(lock.cmd, stage.cmd))
    yield { kind: 'command', before: lock.cmd, after: stage.cmd }
  if (!stage.frozen) {
    if (isCallback(stage) || stage.alwaysChanged) yield { kind: 'always' }
    yield* changedDeps(stage, lock, look)
  }
  for (const out of stage.outs) {
    const locked = contentAt(lock?.outs, out.written)
    const change = await look.out(out, locked)
    if (change === undefined) continue
    const now =
      change === 'modified'
        ? await look.content(out.path, { legacy: locked?.legacy ?? false })
        : undefined
    yield { kind: 'out', path: out.path, change, ...beforeAndAfter(locked, now) }
  }
}

/** What is different about files and parameters that the stage reads. */
export async function* changedDeps(
  stage: Stage,
  lock: StageLock | undefined,
  look: Look,
): AsyncGenerator<Reason> {
  for (const { path, written, dataset } of stage.deps) {
    if (dataset !== undefined) {
      const version = await look.dataset(dataset)
      const before = lock?.deps.find((dep) => dep.path === written)?.dataset
      if (version !== undefined && sameParam(version, before)) continue
      yield {
        kind: 'dep',
        path,
        change: version === undefined ? 'deleted' : 'modified',
        ...beforeAndAfter(plain(before), plain(version)),
      }
      continue
    }
    const locked = contentAt(lock?.deps, written)
    const now = await look.content(path, { legacy: locked?.legacy ?? false })
    if (now !== undefined && sameContent(now, locked)) continue
    const change = now === undefined ? 'deleted' : 'modified'
    yield { kind: 'dep', path, change, ...beforeAndAfter(locked, now) }
  }
  for (const params of stage.params) yield* changedParams(params, lock, look)
}

/** The first reason, which is the one that a person wants to hear; undefined when the stage is up to date. */
export async function firstReason(
  stage: Stage,
  lock: StageLock | undefined,
  look: Look,
): Promise<Reason | undefined> {
  for await (const reason of reasons(stage, lock, look))
    return lock === undefined && reason.kind !== 'always' ? { kind: 'new' } : reason
  return undefined
}

/** Every reason that a person wants to hear: one that has never run has no other. */
export async function allReasons(
  stage: Stage,
  lock: StageLock | undefined,
  look: Look,
): Promise<Reason[]> {
  if (lock === undefined) return [{ kind: 'new' }]
  const found: Reason[] = []
  for await (const reason of reasons(stage, lock, look)) found.push(reason)
  return found
}

/** Values by dotted name; of a whole file, its top keys. Names that the file lacks are left out. */
export function valuesOf(keys: readonly string[], values: ParamMap): ParamMap {
  if (keys.length === 0) return values
  return new Map(
    keys.flatMap((key) => {
      const value = lookUp(values, key)
      return value === undefined ? [] : [[key, value] as [string, ParamValue]]
    }),
  )
}

export function inWords(reason: Reason): string {
  if (reason.kind === 'dep')
    return `${reason.path} ${reason.change === 'deleted' ? 'is missing' : 'changed'}`
  if (reason.kind === 'params-file')
    return reason.change === 'deleted'
      ? `${reason.path} is missing`
      : `parameters of ${reason.path} are new to it`
  if (reason.kind === 'param')
    return `parameter ${reason.name} of ${reason.path} ${PARAM_WORDS[reason.change]}`
  if (reason.kind === 'parts') return partsInWords(reason)
  if (reason.kind === 'out') return `its output ${reason.path} ${OUT_WORDS[reason.change]}`
  return PLAIN_WORDS[reason.kind]
}

const PLAIN_WORDS = {
  forced: 'it was asked for with --force',
  command: 'its command changed',
  always: 'it runs every time',
  new: 'it has not run before',
} as const
const PARAM_WORDS = { modified: 'changed', deleted: 'is gone', new: 'is new' } as const
const OUT_WORDS = {
  modified: 'is not what it wrote',
  deleted: 'is missing',
  'not in cache': 'is not in the cache',
} as const

async function* changedParams(
  params: StageParams,
  lock: StageLock | undefined,
  look: Look,
): AsyncGenerator<Reason> {
  const values = await look.params(params.path)
  const { path } = params
  const locked = lock?.params.get(params.written)
  if (values === undefined || locked === undefined) {
    yield { kind: 'params-file', path, change: values === undefined ? 'deleted' : 'new' }
    return
  }
  const now = valuesOf(params.keys, values)
  const names =
    params.keys.length > 0
      ? params.keys
      : [...new Set([...now.keys(), ...locked.keys()].map(String))]
  for (const name of names) {
    const [value, before] = [now.get(name), locked.get(name)]
    if (value !== undefined && before !== undefined && sameParam(value, before)) continue
    const change = value === undefined ? 'deleted' : before === undefined ? 'new' : 'modified'
    yield { kind: 'param', path, name, change, ...beforeAndAfter(plain(before), plain(value)) }
  }
}

function plain(value: ParamValue | undefined): PlainValue | undefined {
  return value === undefined ? undefined : plainParam(value)
}

function beforeAndAfter<T>(before: T | undefined, after: T | undefined): { before?: T; after?: T } {
  return {
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  }
}

function lookUp(values: ParamMap, dotted: string): ParamValue | undefined {
  let value: ParamValue | undefined = values
  for (const step of dotted.split('.')) {
    if (isMap(value)) value = value.get(step) ?? value.get(numberKey(step))
    else if (Array.isArray(value) && /^\d+$/.test(step))
      value = value[Number(step)] as ParamValue | undefined
    else return undefined
  }
  return value
}

/** Keys of YAML may be numbers, which a dotted name can only spell. */
function numberKey(step: string): bigint | string {
  return /^\d+$/.test(step) ? BigInt(step) : step
}

export function contentAt(
  paths: readonly LockedPath[] | undefined,
  written: string,
): Content | undefined {
  return paths?.find(({ path }) => path === written)?.content
}
