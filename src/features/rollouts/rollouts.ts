import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import { createTurns } from '#base/turns'
import { versionName, type Pulse } from '#inference'
import { platformActor, type Actor, type LedgerWrites, type Transact } from '#ledger'
import type { Gradual, PredictionQueries, Serving, ServingReads, ServingWrites } from '#serving'
import { batchOf } from './evidence.ts'
import * as facts from './facts.ts'
import { qualityGuardOf, withTruths } from './quality.ts'
import {
  isGivenUp,
  isOpen,
  looked,
  newRollout,
  ordered,
  sharesOf,
  superseded,
  type Order,
  type Rollout,
} from './rollout.ts'
import { planOf } from './settings.ts'
import type { RolloutReads, RolloutWrites } from './store.ts'

export interface Rollouts<Wide> {
  /** Newest first. Throws `not-found` for an endpoint that there is not. */
  list(endpoint: string, page: { before?: string; limit: number }): Promise<Rollout[]>
  /** The newest of an endpoint. Throws `not-found` where there was none. */
  newest(endpoint: string): Promise<Rollout>
  /** Does what a person says. Throws `conflict` where it does not fit. */
  order(actor: Actor, endpoint: string, order: Order, reason: string | null): Promise<Rollout>
  /** Looks at all that are under way, after what was seen since the last look. */
  look(pulses: readonly Pulse[]): Promise<void>
  /** What serving has to know. */
  readonly gradual: Gradual<Wide>
}

interface Tx {
  readonly rollouts: RolloutWrites
  readonly serving: ServingWrites
  readonly ledger: LedgerWrites
}

interface Dependencies<Wide extends Tx> {
  readonly read: { readonly rollouts: RolloutReads; readonly serving: ServingReads }
  readonly transact: Transact<Wide>
  readonly divide: Serving['divide']
  /** Predictions and what turned out to be true of them. */
  readonly window: PredictionQueries['window']
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
}

/** Who is named in facts that guards decide. */
const GUARDS = platformActor('rollouts')

/** Evidence that was not kept yet when the server dies is lost: this much of it. */
const KEPT_EVERY_MS = 1000

export function createRollouts<Wide extends Tx>(dependencies: Dependencies<Wide>): Rollouts<Wide> {
  const { read, transact, clock, logger } = dependencies
  const inTurn = createTurns()
  /** What was seen of rollouts beyond what is kept of them. */
  const ahead = new Map<string, { rollout: Rollout; keptMs: number }>()
  const moves = mover(dependencies)

  const lookAt = async (kept: Rollout, pulses: readonly Pulse[]): Promise<void> => {
    const known = ahead.get(kept.id)
    const nowMs = clock.nowMs()
    const rollout = await judge(dependencies, known?.rollout ?? kept, nowMs)
    const batches = pulses
      .filter(({ endpoint }) => endpoint === rollout.endpoint)
      .map((pulse) => batchOf(pulse, rollout))
    const { rollout: next, verdict } = looked(rollout, batches, nowMs)
    if (verdict !== 'stays') {
      // What was seen stays seen if the move cannot be made now; it is tried again.
      ahead.set(kept.id, { rollout: { ...next, ...stillOpen(rollout) }, keptMs: nowMs })
      await moves(GUARDS, next, verdict)
      ahead.delete(kept.id)
      return
    }
    const isDue = known === undefined || nowMs - known.keptMs >= KEPT_EVERY_MS
    ahead.set(kept.id, { rollout: next, keptMs: isDue ? nowMs : (known?.keptMs ?? nowMs) })
    if (isDue) await transact((tx) => keep(tx, next))
  }

  return {
    list: async (endpoint, page) => {
      await assertEndpoint(read.serving, endpoint)
      return read.rollouts.list(endpoint, page)
    },
    newest: async (endpoint) => {
      await assertEndpoint(read.serving, endpoint)
      const newest = await read.rollouts.newest(endpoint)
      if (newest === undefined) throw noRollout(endpoint)
      return ahead.get(newest.id)?.rollout ?? newest
    },
    order: (actor, endpoint, order, reason) =>
      inTurn(endpoint, async () => {
        await assertEndpoint(read.serving, endpoint)
        const newest = await read.rollouts.newest(endpoint)
        if (newest === undefined) throw noRollout(endpoint)
        const rollout = isOpen(newest) ? (ahead.get(newest.id)?.rollout ?? newest) : newest
        const next = ordered(rollout, order, { nowMs: clock.nowMs(), reason })
        if (order === 'undo') await assertStands(read.serving, rollout)
        await moves(actor, next, order)
        ahead.delete(next.id)
        return next
      }),
    look: async (pulses) => {
      const open = await read.rollouts.open()
      for (const id of ahead.keys()) if (!open.some((each) => each.id === id)) ahead.delete(id)
      await Promise.all(
        open.map(async ({ endpoint }) => {
          try {
            await inTurn(endpoint, async () => {
              const newest = await read.rollouts.newest(endpoint)
              if (newest !== undefined && isOpen(newest)) await lookAt(newest, pulses)
            })
          } catch (error) {
            logger.error({ endpoint, error: messageOf(error) }, 'a rollout could not go on')
          }
        }),
      )
    },
    gradual: gradualOf(dependencies),
  }
}

function stillOpen({ state, step, endedMs, reason }: Rollout) {
  return { state, step, endedMs, reason }
}

/** Truths are looked for so often: they come late anyway, and reading them takes the log. */
const JUDGED_EVERY_MS = 5000

async function judge<Wide extends Tx>(
  { window, logger }: Dependencies<Wide>,
  rollout: Rollout,
  nowMs: number,
): Promise<Rollout> {
  const guard = qualityGuardOf(rollout)
  if (guard === undefined) return rollout
  if (nowMs - guard.settleMs - rollout.judgedMs < JUDGED_EVERY_MS) return rollout
  try {
    return await withTruths(rollout, window, nowMs)
  } catch (error) {
    const { endpoint } = rollout
    logger.error({ endpoint, error: messageOf(error) }, 'truths could not be looked for')
    return rollout
  }
}

/** Keeps what was seen of a rollout, unless it has ended meanwhile. */
async function keep({ rollouts }: Tx, rollout: Rollout): Promise<void> {
  const kept = await rollouts.find(rollout.id)
  if (kept !== undefined && isOpen(kept)) await rollouts.save(rollout)
}

/** Divides traffic as a decision says, and puts both on record in one transaction. */
function mover<Wide extends Tx>({ read, transact, divide }: Dependencies<Wide>) {
  return async (
    actor: Actor,
    next: Rollout,
    decision: Parameters<typeof facts.rolloutDecided>[1],
  ): Promise<void> => {
    const { endpoint, from, to } = next
    const live = next.state === 'completed' ? to : from
    const { old, fresh } = sharesOf(next)
    const weights = isOpen(next)
      ? [
          { revision: from, weight: old },
          { revision: to, weight: fresh },
        ]
      : [{ revision: live, weight: 1 }]
    const versions = await versionsOf(read.serving, next, live)
    await divide(endpoint, { live, weights }, () =>
      transact(async ({ rollouts, serving, ledger }) => {
        const kept = await rollouts.find(next.id)
        if (decision !== 'undo' && (kept === undefined || !isOpen(kept)))
          throw new Problem('conflict', `this rollout of endpoint ${endpoint} has ended meanwhile`)
        await rollouts.save(next)
        await serving.saveAnswering(endpoint, { live, weights })
        await ledger.append(actor, [facts.rolloutDecided(next, decision, versions)])
      }),
    )
  }
}

/** What a decision is about, in versions of models. */
async function versionsOf(serving: ServingReads, { endpoint, state, to }: Rollout, live: number) {
  const named = async (number: number) => {
    const revision = await serving.findRevision(endpoint, number)
    return revision === undefined ? undefined : versionName(revision)
  }
  const modelVersion = await named(live)
  const givenUp = isGivenUp(state) ? await named(to) : undefined
  return {
    ...(modelVersion === undefined ? {} : { modelVersion }),
    ...(givenUp === undefined ? {} : { givenUp }),
  }
}

function gradualOf<Wide extends Tx>({ read, clock, ids }: Dependencies<Wide>): Gradual<Wide> {
  return {
    underWay: async (endpoint) => {
      const newest = await read.rollouts.newest(endpoint)
      return newest !== undefined && isOpen(newest)
        ? { from: newest.from, to: newest.to }
        : undefined
    },
    givenUp: async (endpoint) => {
      const newest = await read.rollouts.newest(endpoint)
      return newest !== undefined && isGivenUp(newest.state) ? newest.to : undefined
    },
    begin: async ({ rollouts, ledger }, actor, { endpoint, from, to }) => {
      const config = endpoint.delivery?.rollout
      if (config == null) throw new Error('a rollout begins where one is declared')
      const start = { id: ids.ulid(), endpoint: endpoint.name, from, to, plan: planOf(config) }
      const rollout = newRollout(start, clock.nowMs())
      await rollouts.save(rollout)
      await ledger.append(actor, [facts.rolloutStarted(rollout)])
    },
    supersede: async ({ rollouts, ledger }, actor, endpoint) => {
      const newest = await rollouts.newest(endpoint)
      if (newest === undefined || !isOpen(newest)) return
      const ended = superseded(newest, clock.nowMs())
      await rollouts.save(ended)
      await ledger.append(actor, [facts.rolloutDecided(ended, 'superseded')])
    },
  }
}

async function assertEndpoint(serving: ServingReads, name: string): Promise<void> {
  if ((await serving.find(name)) === undefined)
    throw new Problem(
      'not-found',
      `there is no endpoint ${name}; "orrery endpoints" lists those that there are`,
    )
}

/** Throws `conflict` when something else has come to serve since. */
async function assertStands(serving: ServingReads, { endpoint, to }: Rollout): Promise<void> {
  const live = (await serving.find(endpoint))?.live
  if (live?.number !== to)
    throw new Problem(
      'conflict',
      `revision ${to} serves at endpoint ${endpoint} no more, so its rollout cannot be undone; "orrery traffic ${endpoint} REVISION=100" puts another in place`,
    )
}

function noRollout(endpoint: string): Problem {
  return new Problem(
    'not-found',
    `endpoint ${endpoint} has had no rollout in steps; declare "rollout" for it in orrery.yaml`,
  )
}
