import type { Actor } from '#ledger'
import type { Approval, RequestState, RunRequest, StageRun, TestCounts } from '#pipelines'

/** A run that was asked for, as lists show it. */
export interface ShownRunRequest {
  readonly id: string
  readonly project: string
  readonly rev: string | null
  readonly branch: string | null
  readonly commit: string | null
  readonly targets: readonly string[]
  readonly overrides: readonly string[]
  readonly variables: Readonly<Record<string, string>>
  readonly force: boolean
  /** The policy run that asked for it. */
  readonly cause: string | null
  readonly lane: string | null
  readonly askedBy: Actor
  readonly state: RequestState
  readonly reason: string | null
  /** Somebody wants it to end, and it has not yet. */
  readonly cancelling: boolean
  readonly approvals: readonly ShownApproval[]
  /** The recordings of it, one for each time that it was begun. */
  readonly pipelineRuns: readonly string[]
  readonly lockBranch: string | null
  readonly asked: string
  readonly started: string | null
  readonly ended: string | null
}

export interface ShownApproval {
  readonly stage: string
  readonly message: string | null
  readonly asked: string
  readonly until: string | null
  /** Null while it is waited for. */
  readonly outcome: 'approved' | 'rejected' | 'timed-out' | null
  readonly by: Actor | null
  readonly comment: string | null
  readonly decided: string | null
}

export type ShownStageState =
  | 'queued'
  /** For somebody's approval. */
  | 'waiting'
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'up-to-date'
  | 'restored'
  | 'skipped'

export interface ShownRunStage {
  readonly stage: string
  readonly state: ShownStageState
  readonly reason: string | null
  /** The recording that its log and its tests are of; null where it did not begin. */
  readonly pipelineRun: string | null
  /** Its MLflow run; null where no command ran. */
  readonly run: string | null
  readonly started: string | null
  readonly ended: string | null
  /** Null where it writes no report of tests. */
  readonly tests: TestCounts | null
}

export interface ShownRunDetail extends ShownRunRequest {
  readonly stages: readonly ShownRunStage[]
}

/** What `/run-requests/:id/events` sends: `run` whenever something changed, `log` as stages print, `end` when it is over. */
export interface ShownLogPiece {
  readonly stage: string
  readonly pipelineRun: string
  /** Bytes of the stage's log that come before the text. */
  readonly from: number
  readonly next: number
  readonly text: string
}

export function runRequestToWire(request: RunRequest): ShownRunRequest {
  const { order, lane, askedMs, startedMs, endedMs, cancelling } = request
  const { id, branch, commit, askedBy, state, reason, pipelineRuns, lockBranch } = request
  return {
    id,
    project: order.project,
    rev: order.rev ?? null,
    branch,
    commit,
    targets: order.targets ?? [],
    overrides: order.overrides ?? [],
    variables: order.variables ?? {},
    force: order.force ?? false,
    cause: order.cause ?? null,
    lane: lane?.name ?? null,
    askedBy,
    state,
    reason,
    cancelling: cancelling !== null && endedMs === null,
    approvals: request.approvals.map(approvalToWire),
    pipelineRuns,
    lockBranch,
    asked: new Date(askedMs).toISOString(),
    started: timeOf(startedMs),
    ended: timeOf(endedMs),
  }
}

function approvalToWire({ stage, message, askedMs, untilMs, decision }: Approval): ShownApproval {
  return {
    stage,
    message,
    asked: new Date(askedMs).toISOString(),
    until: timeOf(untilMs),
    outcome: decision?.outcome ?? null,
    by: decision?.by ?? null,
    comment: decision?.comment ?? null,
    decided: timeOf(decision?.atMs ?? null),
  }
}

/** The recordings of a request, oldest first, with their stages. */
export interface RecordedTurn {
  readonly stages: readonly string[]
  readonly stageRuns: readonly StageRun[]
}

type TurnsOf = Pick<RunRequest, 'state' | 'endedMs' | 'cancelling' | 'approvals' | 'pipelineRuns'>

/** Each stage once, with what is known of it from whenever it last did something. */
export function stagesToWire(request: TurnsOf, turns: readonly RecordedTurn[]): ShownRunStage[] {
  const names = [...new Set(turns.toReversed().flatMap(({ stages }) => stages))]
  return names.map((stage) => stageToWire(request, turns, stage))
}

function stageToWire(
  request: TurnsOf,
  turns: readonly RecordedTurn[],
  stage: string,
): ShownRunStage {
  const recorded = turns.flatMap(({ stageRuns }) =>
    stageRuns.filter((each) => each.stage === stage),
  )
  const last = recorded.at(-1)
  // A later turn finds done what an earlier one did: that is what happened in this run.
  const done = recorded.find(({ state }) => state === 'succeeded')
  const seen = last?.run === null ? (done ?? last) : last
  const isLast = seen?.pipelineRun === request.pipelineRuns.at(-1)
  return {
    stage,
    ...stateOf(request, stage, { seen, isLast }),
    pipelineRun: seen?.pipelineRun ?? null,
    run: seen?.run ?? null,
    started: timeOf(seen?.startedMs ?? null),
    ended: timeOf(seen?.endedMs ?? null),
    tests: seen?.tests ?? null,
  }
}

function stateOf(
  request: TurnsOf,
  stage: string,
  { seen, isLast }: { seen: StageRun | undefined; isLast: boolean },
): Pick<ShownRunStage, 'state' | 'reason'> {
  const isOpen = request.endedMs === null
  const asked = request.approvals.find((each) => each.stage === stage)
  if (seen === undefined || (seen.state === 'killed' && isOpen && !isLast)) {
    if (isOpen && asked !== undefined && asked.decision === null)
      return { state: 'waiting', reason: asked.message }
    if (isOpen) return { state: 'queued', reason: null }
    return request.state === 'cancelled'
      ? { state: 'cancelled', reason: null }
      : { state: 'skipped', reason: skippedBecause(asked) }
  }
  if (seen.state !== 'killed') return { state: seen.state, reason: seen.reason }
  if (isOpen && request.cancelling === null) return { state: 'queued', reason: seen.reason }
  return { state: request.state === 'failed' ? 'failed' : 'cancelled', reason: seen.reason }
}

function skippedBecause(asked: Approval | undefined): string {
  if (asked?.decision?.outcome === 'rejected') return `${asked.decision.by.id} rejected it`
  if (asked?.decision?.outcome === 'timed-out') return 'nobody approved it in time'
  return 'the run ended before it'
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
