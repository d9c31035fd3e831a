import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import type { Handler } from '#work'
import { admit, begin, requestIn, type RequestDependencies, type RequestTx } from './admission.ts'
import { approvals, type Approvals } from './approvals.ts'
import { checkedOrder, type RunOrder } from './order.ts'
import { isOver, runCancelRequested, runRequested, type RunRequest } from './request.ts'
import type { RequestPage } from './request-store.ts'
import { runHandler } from './run-job.ts'

/** Runs that people and policies ask for, which the server does in its own clones, some at a time. */
export interface Requests<Tx extends RequestTx> extends Approvals {
  /** Throws `not-found` for an unknown project, `invalid` for an order that cannot be run. */
  ask(actor: Actor, order: RunOrder): Promise<RunRequest>
  /** The same inside a transaction, for those who keep why they ask. */
  askIn(tx: Tx, actor: Actor, order: RunOrder): Promise<RunRequest>
  /** Throws `not-found`. */
  get(id: string): Promise<RunRequest>
  /** Newest first. */
  list(page: RequestPage): Promise<RunRequest[]>
  /** Those that are queued, running or waiting, oldest first. */
  open(): Promise<RunRequest[]>
  /** Ends a run with all its processes. Throws `conflict` for one that is over. */
  cancel(actor: Actor, id: string, reason: string | null): Promise<RunRequest>
  /** The request once it is over. Rejects when the signal is aborted. */
  ended(id: string, signal: AbortSignal): Promise<RunRequest>
  readonly handlers: readonly Handler[]
}

/** More are not kept waiting for one project. */
const QUEUED_MAX = 1000

export function createRequests<Tx extends RequestTx>(
  dependencies: RequestDependencies<Tx>,
): Requests<Tx> {
  const { read, transact, clock, ids, runsMax } = dependencies
  const aborts = new Map<string, AbortController>()
  const get = async (id: string) => requestIn(await read.find(id), id)

  const askIn = async (tx: RequestTx, actor: Actor, order: RunOrder): Promise<RunRequest> => {
    const id = checkedOrder(order).id ?? ids.ulid()
    const known = await tx.requests.find(id)
    if (known !== undefined) return sameOrder(known, order)
    const request = await requestOf(tx, { id, actor, order, nowMs: clock.nowMs() })
    await tx.requests.save(request)
    await tx.ledger.append(actor, [runRequested(request)])
    await admit(tx, runsMax)
    return request
  }

  return {
    askIn,
    ask: (actor, order) => transact((tx) => askIn(tx, actor, order)),
    get,
    list: (page) => read.list(page),
    open: () => read.open(),
    cancel: async (actor, id, reason) => {
      const request = await transact((tx) => cancelIn(tx, { actor, id, reason, clock }))
      aborts.get(id)?.abort()
      return request
    },
    ended: (id, signal) => endOf(dependencies, id, signal),
    ...approvals(dependencies),
    handlers: [runHandler(dependencies, aborts), approvals(dependencies).timeouts],
  }
}

async function requestOf(
  tx: RequestTx,
  { id, actor, order, nowMs }: { id: string; actor: Actor; order: RunOrder; nowMs: number },
): Promise<RunRequest> {
  const project = await tx.projects.find(order.project)
  if (project === undefined)
    throw new Problem(
      'not-found',
      `there is no project ${order.project}; "orrery project list" lists them, "orrery project add" adds one`,
    )
  const waiting = (await tx.requests.open()).filter(
    (each) => each.state === 'queued' && each.order.project === order.project,
  )
  if (waiting.length >= QUEUED_MAX)
    throw new Problem(
      'limit',
      `${QUEUED_MAX} runs of ${order.project} are waiting already; cancel some, or ask again later`,
    )
  const branch = order.rev ?? project.branch
  return {
    id,
    order,
    askedBy: actor,
    lane: order.lane === undefined ? { name: `${order.project}@${branch}`, limit: 1 } : order.lane,
    state: 'queued',
    reason: null,
    commit: order.commit ?? null,
    branch,
    pipelineRuns: [],
    resumes: false,
    turns: 0,
    approvals: [],
    cancelling: null,
    lockBranch: null,
    askedMs: nowMs,
    startedMs: null,
    endedMs: null,
  }
}

/** The same name for another order is a mistake that must not be taken for an answer. */
function sameOrder(known: RunRequest, order: RunOrder): RunRequest {
  if (wordsOf(known.order) === wordsOf(order)) return known
  throw new Problem(
    'conflict',
    `the run ${known.id} was asked for with another order; give this one a name of its own`,
  )
}

function wordsOf({
  project,
  rev,
  targets = [],
  overrides = [],
  variables = {},
  force,
  data = [],
}: RunOrder): string {
  const named = Object.entries(variables).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([project, rev ?? null, targets, overrides, named, force ?? false, data])
}

async function cancelIn(
  tx: RequestTx,
  { actor, id, reason, clock }: { actor: Actor; id: string; reason: string | null; clock: Clock },
): Promise<RunRequest> {
  const request = requestIn(await tx.requests.find(id), id)
  if (isOver(request))
    throw new Problem('conflict', `the run ${id} ${request.state} already; there is nothing to end`)
  if (request.cancelling !== null) return request
  await tx.ledger.append(actor, [runCancelRequested(request, reason)])
  const cancelling: RunRequest = { ...request, cancelling: { by: actor, reason } }
  await tx.requests.save(cancelling)
  // One that is not running has its turn at once, to clear away what it left.
  return request.state === 'running'
    ? cancelling
    : begin(tx, { ...cancelling, startedMs: request.startedMs ?? clock.nowMs() })
}

async function endOf<Tx extends RequestTx>(
  { read, onGrowth }: RequestDependencies<Tx>,
  id: string,
  signal: AbortSignal,
): Promise<RunRequest> {
  let wake: (() => void) | undefined
  const unsubscribe = onGrowth(() => wake?.())
  const stop = () => wake?.()
  signal.addEventListener('abort', stop)
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve
      })
      signal.throwIfAborted()
      const request = requestIn(await read.find(id), id)
      if (isOver(request)) return request
      await changed
    }
  } finally {
    signal.removeEventListener('abort', stop)
    unsubscribe()
  }
}
