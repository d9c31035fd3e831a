import type { StagePlots } from '../plots/recorded.ts'
import { Problem } from '#base/problem'
import type {
  Cache,
  Catalog,
  Content,
  DataRef,
  ProjectLock,
  VersionControl,
  Workspace,
} from '#data'
import type { Step } from '../graph/graph.ts'
import type { RunRecorder, StageOutcome } from '../recorder.ts'
import type { PartsKeeping } from '../parts/keeping.ts'
import type { PartsTold } from '../parts/parts.ts'
import type { Machine } from './room.ts'
import type { StageApproval, StageLock } from '../stage.ts'
import type { Selection } from '../graph/selection.ts'
import type { Reason } from '../staleness.ts'
import type { TestReports } from './test-report.ts'
import type { Turn } from './turn.ts'
import type {
  Enclosures,
  Environments,
  Executor,
  OutsAside,
  PipelineFiles,
  PreparedEnvironment,
  RunCache,
} from '../store.ts'
import type { SightReport } from './sight.ts'
import type { WatchWish } from '../hermetic-wish.ts'
import type { Checks } from './verdict.ts'

export interface ReproOptions extends Selection {
  readonly force?: boolean
  /** Whatever needs a stage that ran runs, too. */
  readonly forceDownstream?: boolean
  /** A stage of which nothing but data is missing counts as up to date. */
  readonly allowMissing?: boolean
  /** Brings missing data from the remote. */
  readonly pull?: boolean
  /** False leaves what stages write out of the cache. */
  readonly commit?: boolean
  /** Goes on with everything, also with what needs a stage that failed. */
  readonly ignoreErrors?: boolean
  /** Asked before each stage that would run; false ends it all. */
  readonly confirm?: (stage: string) => Promise<boolean>
  /** Goes on with what does not need a stage that failed. */
  readonly keepGoing?: boolean
  /** How many stages may run at once; without it those that declare what they need run as they have room. */
  readonly jobs?: number
  readonly runCache?: boolean
  /** False runs stages on data that nobody held against its contracts; that is recorded. */
  readonly validate?: boolean
  /** For stages that say nothing of it themselves. */
  readonly timeoutMs?: number
  /** Whether stages are kept to what they declare, where they do not say so themselves; `off` also where they do. */
  readonly hermetic?: WatchWish
  /** Whether somebody has agreed that a stage with `meta.approval` runs, and asks if not; without it nobody is asked. */
  readonly isApproved?: (stage: string, approval: StageApproval) => boolean
  readonly signal?: AbortSignal
  readonly recorder?: RunRecorder
  readonly onEvent?: (event: ReproEvent) => void
}

export type ReproEvent =
  | {
      readonly kind: 'decided'
      readonly step: string
      readonly action: StepAction
      readonly reason: string
      /** Of a stage that is not up to date: every reason, with old and new. */
      readonly reasons?: readonly Reason[]
    }
  | {
      readonly kind: 'started'
      readonly step: string
      readonly commands: readonly string[]
      readonly runId: string
    }
  /** Its outs are about to be taken from the cache. */
  | { readonly kind: 'restoring'; readonly step: string; readonly outs: readonly DataRef[] }
  | { readonly kind: 'output'; readonly step: string; readonly text: string }
  | { readonly kind: 'finished'; readonly step: StepResult }
  | { readonly kind: 'progress'; readonly text: string }

/** `waiting` is for somebody's approval; `committed` is data, or a frozen stage, whose present content was taken as it is. */
export type StepAction = 'run' | 'restored' | 'up-to-date' | 'committed' | 'skipped' | 'waiting'

export interface StepResult {
  readonly name: string
  readonly kind: Step['kind']
  readonly action: StepAction
  readonly outcome: StageOutcome
  /** Why it ran, was restored, or did not have to run. */
  readonly reason: string
  /** Of a stage that was not up to date: every reason, with old and new. */
  readonly reasons?: readonly Reason[]
  /** What went wrong, for a step that did not succeed. */
  readonly failure: string | null
  readonly runId: string | null
  /** Of a stage that was to be kept to what it declares. */
  readonly sight?: SightReport
  readonly outs: readonly DataRef[]
  readonly durationMs: number
  /** Of a stage that ran by parts: what became of them. */
  readonly parts?: PartsTold
}

export interface ReproResult {
  /** `waiting`: all that could be done without approvals is done. */
  readonly outcome: StageOutcome | 'waiting'
  readonly pipelineRunId: string
  readonly steps: readonly StepResult[]
}

/** What finishing and restoring stages needs. */
export interface StageGround {
  readonly workspace: Workspace
  readonly cache: Cache
  readonly versionControl: VersionControl
  readonly files: PipelineFiles
  readonly runCache: RunCache
  /** Brings contents that the cache lacks from the remote, as far as it has them. */
  readonly bring?: (outs: readonly { path: string; content: Content }[]) => Promise<void>
}

export interface ReproGround extends StageGround {
  readonly root: string
  /** The project's name, asked for when a run is recorded. */
  readonly project: () => Promise<string>
  readonly executor: Executor
  /** Without it nobody looks for reports of tests. */
  readonly tests?: TestReports
  /** Without it nobody keeps the plots of stages with their runs. */
  readonly plots?: StagePlots
  /** What contracts say of data; without it nothing is checked. */
  readonly checks?: Checks
  readonly environments: Environments
  /** Without it stages see all that there is. */
  readonly enclosures?: Enclosures
  readonly machine: Machine
  readonly aside: OutsAside
  /** For stages that run by parts. */
  readonly parts: PartsKeeping
  readonly catalog: Catalog
  /** Held from the first step to the last, against another repro. */
  readonly whole: ProjectLock
  /** Held while data and locks are looked at and changed, but not while commands run. */
  readonly brief: ProjectLock
  /** Keeps dvc away from what a command reads and writes; gives what ends it. */
  readonly holdPaths: (paths: {
    read: readonly string[]
    write: readonly string[]
  }) => Promise<() => Promise<void>>
  /** Brings what the cache lacks of these paths from the remote. */
  readonly fetch?: (paths: readonly string[]) => Promise<void>
  readonly versionState: () => Promise<{
    commit: string | null
    branch: string | null
    dirty: boolean
  }>
  /** When the commit at hand was made; undefined where there is none. */
  readonly commitSeconds?: () => Promise<number | undefined>
  readonly nowMs: () => number
}

/** What the steps of one repro share. */
export interface Run {
  readonly ground: ReproGround
  readonly options: ReproOptions
  readonly recorder: RunRecorder
  readonly pipelineRunId: string
  readonly locks: Map<string, StageLock>
  readonly emit: (event: ReproEvent) => void
  /** An environment by its name, prepared once. */
  readonly environment: (name: string | undefined) => Promise<PreparedEnvironment>
  /** When the commit at hand was made, looked up once. */
  readonly commitSeconds: () => Promise<number | undefined>
  /** Whether a path is wholly made by stages or tracked, as against code and settings. */
  readonly isData: (path: string) => boolean
  /** The brief lock, given up while a command runs. */
  readonly turn: Turn
}

export function blank(step: Step): StepResult {
  return {
    name: step.name,
    kind: step.kind,
    action: 'up-to-date',
    outcome: 'succeeded',
    reason: '',
    failure: null,
    runId: null,
    outs: [],
    durationMs: 0,
  }
}

/** A failure that has to be told, as against a fault of this program: what the project or the machine is to blame for. */
export function isExpected(error: unknown): error is Error {
  return error instanceof Problem || (error instanceof Error && 'errno' in error)
}
