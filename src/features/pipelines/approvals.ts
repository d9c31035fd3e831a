import { Problem } from '#base/problem'
import { platformActor, type Actor } from '#ledger'
import type { Handler } from '#work'
import { admit, requestIn, type RequestDependencies, type RequestTx } from './admission.ts'
import {
  approvalDecided,
  approvalRequested,
  type Approval,
  type Decision,
  type RunRequest,
} from './request.ts'
import type { ApprovalNeed } from './turn.ts'

export interface Approvals {
  /** Says whether a stage that waits may run. Throws `conflict` when it waits for nobody. */
  decide(
    actor: Actor,
    id: string,
    decision: { stage: string; outcome: 'approved' | 'rejected'; comment: string | null },
  ): Promise<RunRequest>
}

const APPROVAL_TIMEOUT = 'stage-approval-timeout'

export function approvals<Tx extends RequestTx>({
  transact,
  clock,
  runsMax,
}: Pick<RequestDependencies<Tx>, 'transact' | 'clock' | 'runsMax'>): Approvals & {
  timeouts: Handler
} {
  const settle = (
    actor: Actor,
    id: string,
    stage: string,
    decision: Omit<Decision, 'by' | 'atMs'>,
  ) =>
    transact(async (tx) => {
      const request = requestIn(await tx.requests.find(id), id)
      const open = request.approvals.find((each) => each.stage === stage && each.decision === null)
      if (open === undefined || request.cancelling !== null) throw nothingWaits(request, stage)
      const made: Decision = { ...decision, by: actor, atMs: clock.nowMs() }
      const decided: RunRequest = {
        ...request,
        approvals: request.approvals.map((each) =>
          each === open ? { ...each, decision: made } : each,
        ),
        // One that runs still, for the sake of other stages, goes on when it has come to the end of them.
        ...(request.state === 'waiting' ? { state: 'queued', reason: null, resumes: true } : {}),
      }
      await tx.requests.save(decided)
      await tx.ledger.append(actor, [approvalDecided(request, stage, made)])
      await admit(tx, runsMax)
      return decided
    })
  return {
    decide: (actor, id, { stage, outcome, comment }) =>
      settle(actor, id, stage, { outcome, comment }),
    timeouts: {
      kind: APPROVAL_TIMEOUT,
      concurrency: 1,
      attemptsMax: 5,
      run: async ({ payload }) => {
        const { request, stage } = payload as { request: string; stage: string }
        try {
          await settle(platformActor('approvals'), request, stage, {
            outcome: 'timed-out',
            comment: null,
          })
        } catch (error) {
          // Somebody decided in time, or the run is over.
          if (!(error instanceof Problem && error.code === 'conflict')) throw error
        }
      },
    },
  }
}

function nothingWaits(request: RunRequest, stage: string): Problem {
  const decided = request.approvals.find((each) => each.stage === stage)?.decision
  if (decided !== undefined && decided !== null)
    return new Problem(
      'conflict',
      `stage ${stage} of run ${request.id} was ${decided.outcome} already by ${decided.by.id}`,
    )
  const waiting = request.approvals.filter(({ decision }) => decision === null)
  return new Problem(
    'conflict',
    waiting.length === 0
      ? `run ${request.id} waits for nobody's approval; it is ${request.state}`
      : `stage ${stage} of run ${request.id} waits for no approval; ${waiting.map((each) => each.stage).join(', ')} does`,
  )
}

/** Notes that a stage waits; told again, it waits still. */
export async function askApproval(
  tx: RequestTx,
  id: string,
  { stage, message, timeoutMs }: ApprovalNeed,
  nowMs: number,
): Promise<void> {
  const request = requestIn(await tx.requests.find(id), id)
  if (request.approvals.some((each) => each.stage === stage)) return
  const approval: Approval = {
    stage,
    message,
    askedMs: nowMs,
    untilMs: timeoutMs === null ? null : nowMs + timeoutMs,
    decision: null,
  }
  await tx.requests.save({ ...request, approvals: [...request.approvals, approval] })
  await tx.ledger.append(platformActor('runs'), [approvalRequested(request, approval)])
  if (approval.untilMs !== null)
    await tx.work.enqueue([
      {
        kind: APPROVAL_TIMEOUT,
        key: `${APPROVAL_TIMEOUT}:${id}:${stage}`,
        payload: { request: id, stage },
        runAfterMs: approval.untilMs,
      },
    ])
}
