import type { Content, VersionedFile } from '#data'
import type { ParamMap } from './param.ts'
import type { StageParts } from './parts/parts.ts'
import type { Pin } from './running/pinned.ts'
import type { Resources } from './running/room.ts'
import type { HermeticWish } from './hermetic-wish.ts'

/** A stage of `dvc.yaml`, with templates filled in. Paths are relative to the project's root unless said otherwise. */
export interface Stage {
  /** Unique in the project: `train`, or `models/dvc.yaml:train` for a file in a folder. */
  readonly address: string
  readonly name: string
  readonly file: string
  /** The folder that the command runs in; '' is the root. */
  readonly wdir: string
  /** A list runs one after the other; text of several lines does so too. */
  readonly cmd: string | readonly string[]
  readonly deps: readonly StageDep[]
  readonly params: readonly StageParams[]
  readonly outs: readonly StageOut[]
  /** Its dependencies are not looked at. */
  readonly frozen: boolean
  readonly alwaysChanged: boolean
  readonly description: string | undefined
  /** After which it counts as hanging; undefined takes the default of the run. */
  readonly timeoutMs: number | undefined
  /** What it takes of the machine while it runs; undefined takes it for itself. */
  readonly resources?: Resources | undefined
  /** How often it is tried again when it fails; undefined is never. */
  readonly retries?: Retries | undefined
  /** Somebody has to agree before it runs, where there is anybody to ask. */
  readonly approval?: StageApproval | undefined
  /** The report of tests that it writes, from its folder; undefined takes its outputs that are XML, '' takes none. */
  readonly junit?: string | undefined
  /** Name of the environment that it runs in; undefined takes the project's. */
  readonly environment?: string | undefined
  /** How its work is divided, so that only parts that changed are processed; undefined runs it whole. */
  readonly parts?: StageParts | undefined
  /** Whether it is kept to what it declares; undefined as the run, or the project, wants it. */
  readonly hermetic?: HermeticWish | undefined
  /** Which of the variables that make bytes repeat are pinned; undefined for the usual ones. */
  readonly pin?: Pin | undefined
}

export interface StageApproval {
  /** What is asked of them. */
  readonly message: string | null
  /** After which nobody is waited for any more; null waits for ever. */
  readonly timeoutMs: number | null
}

export interface Retries {
  readonly times: number
  /** Before the first; each later wait is twice as long. */
  readonly waitMs: number
}

export interface StageDep {
  readonly path: string
  /** As `dvc.yaml` has it, relative to the stage's folder: its name in the lock. */
  readonly written: string
  /** The name of a dataset that `dvc.yaml` declares, for `ds://name`: no path, but a version that the lock has. */
  readonly dataset?: string
}

/** Parameters out of one file. */
export interface StageParams {
  readonly path: string
  readonly written: string
  /** Dotted names; none means every key of the file. */
  readonly keys: readonly string[]
}

export interface StageOut {
  readonly path: string
  readonly written: string
  readonly kind: 'out' | 'metric' | 'plot'
  readonly cached: boolean
  /** Left in place when the stage runs again. */
  readonly persist: boolean
  readonly push: boolean
  readonly remote: string | undefined
  /** Of a plot: how it is to be drawn. */
  readonly display?: ParamMap
}

/** What a stage read and wrote when it last ran: its entry in `dvc.lock`, or in the run cache. */
export interface StageLock {
  readonly cmd: string | readonly string[]
  readonly deps: readonly LockedPath[]
  /** By file as written, then by dotted name. */
  readonly params: ReadonlyMap<string, ParamMap>
  readonly outs: readonly LockedPath[]
}

export interface LockedPath {
  /** As written in `dvc.yaml`. */
  readonly path: string
  readonly content: Content | undefined
  /** Of a dataset: its version, as the lock describes it. */
  readonly dataset?: ParamMap
  /** Of data that a bucket keeps in versions: its files, one by one. */
  readonly files?: readonly VersionedFile[]
  /** Of one such file: the version of it, by remote. */
  readonly versions?: ReadonlyMap<string, string>
}

/** What a stage reads of the project's own paths. */
export function pathsRead(stage: Stage): string[] {
  return stage.deps.filter(({ dataset }) => dataset === undefined).map(({ path }) => path)
}

/** Neither reads nor writes anything that is known, so it runs each time. */
export function isCallback(stage: Stage): boolean {
  return stage.deps.length + stage.params.length + stage.outs.length === 0
}

export function sameCommand(one: Stage['cmd'], other: Stage['cmd']): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other
  return one.length === other.length && one.every((each, index) => each === other[index])
}
