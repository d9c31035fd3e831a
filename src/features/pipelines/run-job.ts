import { messageOf, Problem } from '#base/problem'
import { platformActor, type Actor } from '#ledger'
import type { Handler } from '#work'
import {
  admit,
  begin,
  requestIn,
  RUN_PIPELINE,
  type RequestDependencies,
  type RequestTx,
} from './admission.ts'
import { askApproval } from './approvals.ts'
import { isOver, runFinished, type RunRequest } from './request.ts'
import type { RunResult } from './turn.ts'

const ATTEMPTS_MAX = 5

/** Runs what was let in. May start over after a crash: what was recorded as open is closed first, and finished stages are found done. */
export function runHandler<Tx extends RequestTx>(
  dependencies: RequestDependencies<Tx>,
  aborts: Map<string, AbortController>,
): Handler {
  const { read, runsMax } = dependencies
  const turns = turnsOf(dependencies)
  return {
    kind: RUN_PIPELINE,
    // Who is let in was decided before: none has to wait here.
    concurrency: runsMax + CANCELLED_AT_ONCE_MAX,
    attemptsMax: ATTEMPTS_MAX,
    run: async ({ payload }, stopping) => {
      const { request: id } = payload as { request: string }
      const abort = new AbortController()
      aborts.set(id, abort)
      try {
        const request = await read.find(id)
        if (request?.state !== 'running') return
        const ended = endBefore(request)
        if (ended !== undefined) return await turns.finish(request, ended)
        await takeTurn(turns, request, { stopping, abort: abort.signal })
      } finally {
        aborts.delete(id)
      }
    },
    abandoned: async ({ payload }, reason) => {
      const request = await read.find((payload as { request: string }).request)
      if (request !== undefined && !isOver(request))
        await turns.finish(request, { state: 'failed', reason })
    },
  }
}

/** Runs that are cancelled while they wait are cleared away beside those that run. */
const CANCELLED_AT_ONCE_MAX = 4

async function takeTurn(
  turns: ReturnType<typeof turnsOf>,
  request: RunRequest,
  { stopping, abort }: { stopping: AbortSignal; abort: AbortSignal },
): Promise<void> {
  const signal = AbortSignal.any([stopping, abort])
  let result: RunResult
  try {
    result = await turns.run(request, signal)
  } catch (error) {
    // When the server stops, its next start goes on with it and closes what is open.
    if (stopping.aborted) throw error
    if (abort.aborted) return turns.finish(request, CANCELLED)
    await turns.close(request.id, messageOf(error))
    const isHopeless = error instanceof Problem && error.code !== 'unavailable'
    if (!isHopeless) throw error
    return turns.finish(request, { state: 'failed', reason: error.message })
  }
  if (result.outcome === 'waiting') return turns.pause(request.id)
  return turns.finish(
    request,
    result.outcome === 'succeeded'
      ? { state: 'succeeded', reason: null, lockBranch: result.lockBranch }
      : { state: 'failed', reason: result.reason },
  )
}

type End = Pick<RunRequest, 'reason'> & {
  readonly state: 'succeeded' | 'failed' | 'cancelled'
  readonly lockBranch?: string | null
}

const CANCELLED: End = { state: 'cancelled', reason: null }

/** How a run ends that must not be gone on with. */
function endBefore({ cancelling, approvals }: RunRequest): End | undefined {
  if (cancelling !== null) return CANCELLED
  const no = approvals.find(({ decision }) => decision !== null && decision.outcome !== 'approved')
  if (no?.decision === undefined || no.decision === null) return undefined
  const { outcome, by, comment } = no.decision
  const why = comment === null ? '' : `: ${comment}`
  return {
    state: 'failed',
    reason:
      outcome === 'rejected'
        ? `${by.id} rejected stage ${no.stage}${why}`
        : `nobody approved stage ${no.stage} in time; run it again to ask again`,
  }
}

/** The steps of a request's life, each kept in one transaction. */
function turnsOf<Tx extends RequestTx>({
  read,
  transact,
  recordings,
  runPipeline,
  runsMax,
  clock,
}: RequestDependencies<Tx>) {
  const close = closer({ read, recordings })
  const change = (id: string, how: (present: RunRequest) => Partial<RunRequest>) =>
    transact(async (tx) => {
      const present = requestIn(await tx.requests.find(id), id)
      const next: RunRequest = { ...present, ...how(present) }
      await tx.requests.save(next)
      return next
    })

  return {
    close,
    run: async ({ id, resumes, pipelineRuns }: RunRequest, signal: AbortSignal) => {
      const last = pipelineRuns.at(-1)
      const resumed = resumes ? last : undefined
      if (resumed === undefined) await close(id, 'the server was stopped while it ran')
      const pipelineRun = resumed ?? `${id}.${pipelineRuns.length + 1}`
      const request = await change(id, (present) => ({
        resumes: false,
        startedMs: present.startedMs ?? clock.nowMs(),
        pipelineRuns:
          resumed === undefined ? [...present.pipelineRuns, pipelineRun] : present.pipelineRuns,
      }))
      return runPipeline.run({
        request,
        pipelineRun,
        signal,
        noteCommit: async (at) => void (await change(id, () => at)),
        askApproval: (need) => transact((tx) => askApproval(tx, id, need, clock.nowMs())),
      })
    },
    /** It goes on when somebody has decided, which may be by now. */
    pause: (id: string) =>
      transact(async (tx) => {
        const present = requestIn(await tx.requests.find(id), id)
        const open = present.approvals.filter(({ decision }) => decision === null)
        const paused: RunRequest = { ...present, resumes: true }
        if (present.cancelling !== null) {
          await begin(tx, paused)
          return
        }
        await tx.requests.save(
          open.length === 0
            ? { ...paused, state: 'queued' }
            : {
                ...paused,
                state: 'waiting',
                reason: `waiting for approval of ${open.map(({ stage }) => stage).join(', ')}`,
              },
        )
        await admit(tx, runsMax)
      }),
    finish: finisher({ read, transact, runPipeline, runsMax, clock }, close),
  }
}

type Close = (id: string, reason: string, outcome?: 'killed' | 'failed') => Promise<void>

/** Ends what is recorded as open of the last turn. */
function closer({
  read,
  recordings,
}: Pick<RequestDependencies<RequestTx>, 'read' | 'recordings'>): Close {
  return async (id: string, reason: string, outcome: 'killed' | 'failed' = 'killed') => {
    const { pipelineRuns, order } = requestIn(await read.find(id), id)
    const last = pipelineRuns.at(-1)
    if (last === undefined) return
    await recordings
      .finish(actorOf({ order }), last, { outcome, reason, lockDigest: null })
      .catch((error: unknown) => {
        // It came to its end before anything was recorded.
        if (!(error instanceof Problem && error.code === 'not-found')) throw error
      })
  }
}

function finisher<Tx extends RequestTx>(
  {
    read,
    transact,
    runPipeline,
    runsMax,
    clock,
  }: Pick<RequestDependencies<Tx>, 'read' | 'transact' | 'runPipeline' | 'runsMax' | 'clock'>,
  close: Close,
) {
  return async (request: RunRequest, end: End) => {
    const { id } = request
    const { cancelling } = requestIn(await read.find(id), id)
    const told = end.state === 'cancelled' ? cancelledBy(cancelling) : end.reason
    await close(id, told ?? 'it ended', end.state === 'failed' ? 'failed' : 'killed')
    await runPipeline.clear(request)
    await transact(async (tx) => {
      const present = requestIn(await tx.requests.find(id), id)
      if (isOver(present)) return
      const ended: RunRequest = { ...present, ...end, reason: told, endedMs: clock.nowMs() }
      await tx.requests.save(ended)
      const by = end.state === 'cancelled' ? present.cancelling?.by : undefined
      await tx.ledger.append(by ?? actorOf(present), [runFinished(ended)])
      await admit(tx, runsMax)
    })
  }
}

function cancelledBy(cancelling: RunRequest['cancelling']): string {
  const { by, reason } = cancelling ?? { by: { id: 'nobody' }, reason: null }
  return `cancelled by ${by.id}${reason === null ? '' : `: ${reason}`}`
}

/** The platform, for the policy run where one asked. */
function actorOf({ order }: Pick<RunRequest, 'order'>): Actor {
  return platformActor(order.cause === undefined ? 'runs' : `policy-run:${order.cause}`)
}
