import type { Actor } from '#ledger'
import type { PipelineRun, RequestState, RunRequest, StageRun } from '#pipelines'
import {
  runRequestToWire,
  stagesToWire,
  type RecordedTurn,
  type ShownRunRequest,
  type ShownRunStage,
} from './run-requests-wire.ts'

/** A run of a pipeline, whoever ran it wherever, as the list of all shows it. */
export interface ShownPipeline {
  readonly id: string
  /** `asked`: this server was asked for it. `recorded`: somebody ran it on another machine and told. */
  readonly kind: 'asked' | 'recorded'
  readonly project: string
  readonly rev: string | null
  readonly branch: string | null
  readonly commit: string | null
  /** It ran with changes that nobody had committed. */
  readonly dirty: boolean
  readonly targets: readonly string[]
  readonly overrides: readonly string[]
  /** Null where it was recorded without a word of who ran it. */
  readonly askedBy: Actor | null
  /** The policy run that set it in motion. */
  readonly cause: string | null
  readonly state: RequestState
  readonly reason: string | null
  /** Stages that somebody has to approve now. */
  readonly waitsFor: readonly string[]
  readonly asked: string
  readonly started: string | null
  readonly ended: string | null
}

export interface ShownPipelines {
  readonly runs: readonly ShownPipeline[]
  /** For `before`; null after the last page. A page may have fewer than were asked for, and more may follow. */
  readonly next: string | null
}

export interface ShownPipelineDetail extends ShownPipeline {
  /** What this server was asked; null for a run that was only recorded. */
  readonly request: ShownRunRequest | null
  readonly stages: readonly ShownRunStage[]
}

/** One stage, with what it read and made. */
export interface ShownPipelineStage extends ShownRunStage {
  readonly deps: StageRun['deps']
  readonly outs: StageRun['outs']
  /** Digest of what it ran in. */
  readonly environment: string | null
}

export interface ShownPipelineNode {
  readonly stage: string
  /** Stages that make what it reads. */
  readonly needs: readonly string[]
  readonly command: string | null
  readonly description: string | null
  readonly approval: boolean
  readonly parts: boolean
}

export interface ShownPipelineGraph {
  /** `commit`: as `dvc.yaml` says. `record`: by what stages read and made, as far as they ran. */
  readonly from: 'commit' | 'record'
  readonly stages: readonly ShownPipelineNode[]
  /** What is wrong with the files of the commit. */
  readonly problems: readonly string[]
}

/** What would come of a run if it were asked for now. */
export interface ShownPipelineCheck {
  readonly commit: string | null
  /** All stages of the project there. */
  readonly stages: readonly ShownPipelineNode[]
  /** Those that the run would look at. */
  readonly chosen: readonly string[]
  /** Why it would be refused; empty where it would not. */
  readonly refused: readonly string[]
}

export function askedToWire(request: RunRequest): ShownPipeline {
  const shown = runRequestToWire(request)
  const { id, project, rev, branch, commit, targets, overrides, askedBy, cause } = shown
  return {
    id,
    kind: 'asked',
    project,
    rev,
    branch,
    commit,
    targets,
    overrides,
    askedBy,
    cause,
    dirty: false,
    state: shown.state,
    reason: shown.reason,
    waitsFor: shown.approvals.flatMap(({ stage, outcome }) =>
      outcome === null && shown.ended === null ? [stage] : [],
    ),
    asked: shown.asked,
    started: shown.started,
    ended: shown.ended,
  }
}

export function recordedToWire(run: PipelineRun): ShownPipeline {
  const { id, project, branch, commit, dirty, cause, reason, startedMs, endedMs } = run
  const started = new Date(startedMs).toISOString()
  return {
    id,
    kind: 'recorded',
    project,
    branch,
    commit,
    dirty,
    cause,
    reason,
    rev: null,
    targets: [],
    overrides: [],
    askedBy: null,
    state: recordedState(run),
    waitsFor: [],
    asked: started,
    started,
    ended: endedMs === null ? null : new Date(endedMs).toISOString(),
  }
}

function recordedState({ state }: PipelineRun): RequestState {
  return state === 'killed' ? 'cancelled' : state
}

export function askedDetail(
  request: RunRequest,
  turns: readonly RecordedTurn[],
): ShownPipelineDetail {
  const stages = stagesToWire(request, turns)
  return { ...askedToWire(request), request: runRequestToWire(request), stages }
}

export function recordedDetail(
  run: PipelineRun & { readonly stageRuns: readonly StageRun[] },
): ShownPipelineDetail {
  const how = {
    state: recordedState(run),
    endedMs: run.endedMs,
    cancelling: null,
    approvals: [],
    pipelineRuns: [run.id],
  }
  return { ...recordedToWire(run), request: null, stages: stagesToWire(how, [run]) }
}
