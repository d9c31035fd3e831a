import type { Actor, Fact } from '#ledger'
import type { Lane, RunOrder } from './order.ts'

/** `waiting`: until somebody approves a stage. */
export type RequestState = 'queued' | 'running' | 'waiting' | 'succeeded' | 'failed' | 'cancelled'

/** A run that was asked for, and how far it has come. */
export interface RunRequest {
  readonly id: string
  readonly order: RunOrder
  readonly askedBy: Actor
  readonly lane: Lane | null
  readonly state: RequestState
  /** Why it ended as it did, or what it waits for. */
  readonly reason: string | null
  /** The commit that it runs at; null until that is known. */
  readonly commit: string | null
  readonly branch: string | null
  /** One for each time that it was begun: another follows when the server ended in the midst of one. */
  readonly pipelineRuns: readonly string[]
  /** Whether the last of them is gone on with, because it only waited. */
  readonly resumes: boolean
  /** How often it was let in: names its jobs. */
  readonly turns: number
  readonly approvals: readonly Approval[]
  /** Somebody wants it to end, and it has not yet. */
  readonly cancelling: { readonly by: Actor; readonly reason: string | null } | null
  /** The branch of the origin that has the new lock. */
  readonly lockBranch: string | null
  readonly askedMs: number
  readonly startedMs: number | null
  readonly endedMs: number | null
}

/** What somebody has to agree to before a stage runs. */
export interface Approval {
  readonly stage: string
  readonly message: string | null
  readonly askedMs: number
  /** After this nobody can agree any more; null waits for ever. */
  readonly untilMs: number | null
  readonly decision: Decision | null
}

export interface Decision {
  readonly outcome: 'approved' | 'rejected' | 'timed-out'
  readonly by: Actor
  readonly comment: string | null
  readonly atMs: number
}

export function isOver({ state }: Pick<RunRequest, 'state'>): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled'
}

/** Which of the queued may begin now; both in the order in which they were asked for. */
export function admitted(open: readonly RunRequest[], runsMax: number): RunRequest[] {
  const running = open.filter(({ state }) => state === 'running')
  let room = runsMax - running.length
  const inLane = new Map<string, number>()
  const enter = ({ lane }: RunRequest) => {
    if (lane !== null) inLane.set(lane.name, (inLane.get(lane.name) ?? 0) + 1)
  }
  for (const each of running) enter(each)
  const chosen: RunRequest[] = []
  for (const each of open) {
    if (each.state !== 'queued' || room <= 0) continue
    // Whoever waits for its lane holds up its lane alone.
    if (each.lane !== null && (inLane.get(each.lane.name) ?? 0) >= each.lane.limit) continue
    enter(each)
    room -= 1
    chosen.push(each)
  }
  return chosen
}

export function runRequested({ id, order, lane }: RunRequest): Fact {
  return {
    type: 'run-requested',
    data: {
      request: id,
      project: order.project,
      rev: order.rev ?? null,
      targets: brief(order.targets ?? []),
      overrides: brief(order.overrides ?? []),
      variables: brief(Object.keys(order.variables ?? {})),
      cause: order.cause ?? null,
      lane: lane?.name ?? null,
    },
  }
}

export function runCancelRequested({ id, order }: RunRequest, reason: string | null): Fact {
  return { type: 'run-cancel-requested', data: { request: id, project: order.project, reason } }
}

export function approvalRequested({ id, order }: RunRequest, approval: Approval): Fact {
  const { stage, message, untilMs } = approval
  return {
    type: 'stage-approval-requested',
    data: {
      request: id,
      project: order.project,
      stage,
      message,
      until: untilMs === null ? null : new Date(untilMs).toISOString(),
    },
  }
}

export function approvalDecided(
  { id, order }: RunRequest,
  stage: string,
  { outcome, comment }: Decision,
): Fact {
  const type = `stage-approval-${outcome === 'approved' ? 'given' : outcome === 'rejected' ? 'refused' : 'timed-out'}`
  return { type, data: { request: id, project: order.project, stage, comment } }
}

export function runFinished(request: RunRequest): Fact {
  return {
    type: 'run-finished',
    data: {
      request: request.id,
      project: request.order.project,
      outcome: request.state,
      reason: request.reason === null ? null : request.reason.slice(0, REASON_CHARS_MAX),
      commit: request.commit,
      pipelineRun: request.pipelineRuns.at(-1) ?? null,
      lockBranch: request.lockBranch,
      cause: request.order.cause ?? null,
    },
  }
}

const REASON_CHARS_MAX = 2000
const TOLD_MAX = 50
const TOLD_CHARS_MAX = 200

/** An entry of the ledger has room for some; the request has them all. */
function brief(texts: readonly string[]): string[] {
  return texts.slice(0, TOLD_MAX).map((text) => text.slice(0, TOLD_CHARS_MAX))
}
