import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import { platformActor, type Actor, type LedgerWrites } from '#ledger'
import type { PredictionQueries } from '#serving'
import type { Handler, WorkWrites } from '#work'
import { replayEnded, replayFinished, replayRequested } from './facts.ts'
import type { Kind } from './outcome.ts'
import { isOver, type Replay, type ReplayOutcome } from './replay.ts'
import { run, type Answer } from './run.ts'
import type { ReplayReads, ReplayWrites } from './store.ts'

export interface ReplayRequest {
  readonly endpoint: string
  readonly model: string
  readonly version: number
  /** Before the end, in event time. */
  readonly since: { readonly agoMs: number } | { readonly fromMs: number }
  /** Exclusive; the newest prediction without it. */
  readonly toMs?: number
  readonly limit?: number
  /** Amounts that lie no further apart are the same. */
  readonly tolerance?: number
  readonly kind?: Kind | 'auto'
  /** Names the request, so that asking twice is asking once. */
  readonly id?: string
}

export interface ReplayTx {
  readonly replay: ReplayWrites
  readonly work: WorkWrites
  readonly ledger: LedgerWrites
}

export interface Replays {
  /** Asks for a replay, which is run as a job. Throws `not-found` for an unknown endpoint or version. */
  request(actor: Actor, request: ReplayRequest): Promise<Replay>
  /** The same, run at once by the caller; one that is over already comes back as it is. */
  perform(actor: Actor, request: ReplayRequest & { id: string }): Promise<Replay>
  /** Throws `not-found`. */
  get(id: string): Promise<Replay>
  list(page: { limit: number; before?: string; endpoint?: string }): Promise<Replay[]>
  /** Ends one that is not over. Throws `conflict` for one that is. */
  cancel(actor: Actor, id: string): Promise<Replay>
  readonly handler: Handler
}

export const RUN_REPLAY = 'run-replay'

const LIMIT = 10_000
export const REPLAY_ROWS_MAX = 200_000

export interface ReplayDependencies<Tx extends ReplayTx> {
  readonly read: ReplayReads
  readonly transact: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>
  readonly predictions: Pick<PredictionQueries, 'window' | 'watermark'>
  /** Throws `not-found`. */
  readonly checkEndpoint: (endpoint: string) => Promise<unknown>
  /** Throws `not-found`. */
  readonly checkVersion: (model: string, version: number) => Promise<unknown>
  readonly answer: Answer
  readonly clock: Clock
  readonly ids: Ids
}

export function createReplays<Tx extends ReplayTx>(dependencies: ReplayDependencies<Tx>): Replays {
  const { read, transact, clock } = dependencies
  const get = async (id: string) => {
    const found = await read.find(id)
    if (found === undefined) throw new Problem('not-found', `there is no replay ${id}`)
    return found
  }
  const ask = asker(dependencies)
  const settle = settler(dependencies)
  const perform = performer(dependencies, { get, settle })
  return {
    get,
    list: (page) => read.list(page),
    request: (actor, request) => ask(actor, request, 'job'),
    perform: async (actor, request) => perform((await ask(actor, request, 'caller')).id),
    cancel: async (actor, id) => {
      await get(id)
      const cancelled = { state: 'cancelled', endedMs: clock.nowMs() } as const
      const replay = await settle(id, cancelled, actor)
      if (replay.outcome.state !== 'cancelled')
        throw new Problem('conflict', `replay ${id} is over already; there is nothing to cancel`)
      return replay
    },
    handler: {
      kind: RUN_REPLAY,
      concurrency: 1,
      attemptsMax: 3,
      run: async ({ payload }, signal) => {
        await perform((payload as { replay: string }).replay, signal)
      },
      abandoned: async ({ payload }, reason) => {
        const { replay } = payload as { replay: string }
        await settle(replay, { state: 'failed', endedMs: clock.nowMs(), reason })
      },
    },
  }

  function asker(world: ReplayDependencies<Tx>) {
    return async (actor: Actor, request: ReplayRequest, by: 'job' | 'caller'): Promise<Replay> => {
      const replay = await replayOf(world, request)
      return transact(async (tx) => {
        const known = await tx.replay.find(replay.id)
        if (known !== undefined) return known
        await tx.replay.save(replay)
        await tx.ledger.append(actor, [replayRequested(replay)])
        const payload = { replay: replay.id }
        if (by === 'job')
          await tx.work.enqueue([{ kind: RUN_REPLAY, key: `${RUN_REPLAY}:${replay.id}`, payload }])
        return replay
      })
    }
  }
}

async function replayOf<Tx extends ReplayTx>(
  world: ReplayDependencies<Tx>,
  request: ReplayRequest,
): Promise<Replay> {
  const { endpoint, model, version, since, limit = LIMIT, tolerance = 0, kind = 'auto' } = request
  await world.checkEndpoint(endpoint)
  await world.checkVersion(model, version)
  if (!(limit >= 1 && limit <= REPLAY_ROWS_MAX))
    throw new Problem('invalid', `a replay has 1 to ${REPLAY_ROWS_MAX} rows`)
  const newestMs = await world.predictions.watermark(endpoint)
  if (newestMs === null)
    throw new Problem(
      'conflict',
      `${endpoint} has logged no predictions yet, so there is nothing to replay`,
    )
  const toMs = request.toMs ?? newestMs + 1
  const fromMs = 'fromMs' in since ? since.fromMs : Math.max(0, toMs - since.agoMs)
  if (fromMs >= toMs)
    throw new Problem(
      'invalid',
      `the span ends (${new Date(toMs).toISOString()}) before it begins (${new Date(fromMs).toISOString()}); give an earlier --since or a later --until`,
    )
  return {
    id: request.id ?? world.ids.ulid(),
    endpoint,
    model,
    version,
    options: { fromMs, toMs, limit, tolerance, kind },
    createdMs: world.clock.nowMs(),
    outcome: { state: 'waiting' },
  }
}

const SAVE_MS = 1000

const tickMs = (): number => performance.now()

function performer<Tx extends ReplayTx>(
  world: ReplayDependencies<Tx>,
  {
    get,
    settle,
  }: {
    get: (id: string) => Promise<Replay>
    settle: (id: string, outcome: ReplayOutcome) => Promise<Replay>
  },
) {
  const { clock } = world
  return async (id: string, signal?: AbortSignal): Promise<Replay> => {
    const replay = await get(id)
    if (isOver(replay)) return replay
    let savedMs = 0
    const onProgress = async (done: number, total: number) => {
      signal?.throwIfAborted()
      if (clock.nowMs() - savedMs < SAVE_MS) return
      savedMs = clock.nowMs()
      const now = await settle(id, { state: 'running', done, total })
      if (isOver(now)) throw new Cancelled()
    }
    try {
      const result = await run(replay, { ...world, tickMs, onProgress })
      return await settle(id, { state: 'finished', endedMs: clock.nowMs(), result })
    } catch (error) {
      if (error instanceof Cancelled) return get(id)
      throw error
    }
  }
}

class Cancelled extends Error {}

/** Moves a replay on, unless it is over. */
function settler<Tx extends ReplayTx>({ transact }: ReplayDependencies<Tx>) {
  return (id: string, outcome: ReplayOutcome, actor: Actor = platformActor('replay')) =>
    transact(async (tx) => {
      const present = await tx.replay.find(id)
      if (present === undefined) throw new Problem('not-found', `there is no replay ${id}`)
      if (isOver(present)) return present
      const replay: Replay = { ...present, outcome }
      await tx.replay.save(replay)
      if (outcome.state === 'finished')
        await tx.ledger.append(actor, [replayFinished(replay, outcome.result.report)])
      if (outcome.state === 'failed')
        await tx.ledger.append(actor, [replayEnded(replay, 'failed', outcome.reason)])
      if (outcome.state === 'cancelled')
        await tx.ledger.append(actor, [replayEnded(replay, 'cancelled', 'it was cancelled')])
      return replay
    })
}
