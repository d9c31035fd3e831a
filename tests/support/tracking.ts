import Fastify, { type FastifyInstance } from 'fastify'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { openSeal } from '#app/home/seal'
import { createEvaluation } from '#evaluation'
import type { Entry } from '#ledger'
import { mlflowProtocol } from '#protocols/mlflow/index'
import { describeMlModel } from '#protocols/mlflow/mlmodel'
import { mlflowDialect } from '#protocols/mlflow/webhook-messages'
import { openDestinations } from '#protocols/webhooks/send'
import { createRegistry, type AliasGuard, type Registry } from '#registry'
import { openLocalObjects } from '#stores/objects/local'
import { openSqlStore, type SqlStore } from '#stores/sql/index'
import { createTraces } from '#traces'
import { createTracking, type Tracking } from '#tracking'
import { createWebhooks, standardDialect } from '#webhooks'
import { databaseFor } from './database.ts'

export const USER = { kind: 'user', id: 'test' } as const

export interface TrackingWorld {
  readonly clock: ReturnType<typeof manualClock>
  readonly store: SqlStore
  readonly tracking: Tracking
  readonly registry: Registry
  /** The protocol over both, without a network. */
  readonly http: FastifyInstance
  /** What the ledger tells of the types named, oldest first. */
  facts(...types: string[]): Promise<Entry[]>
  close(): Promise<void>
}

/** Tracking and the registry as the server has them: real stores, a clock that stands still. */
export async function openTracking(guard?: AliasGuard): Promise<TrackingWorld> {
  const home = await mkdtemp(join(tmpdir(), 'orrery-tracking-'))
  const clock = manualClock()
  const ids = countedIds()
  const store = await openSqlStore((await databaseFor(home)) || join(home, 'orrery.db'), {
    clock,
    ids,
  })
  const objects = await openLocalObjects(join(home, 'objects'))
  const { transact } = store
  const tracking = createTracking({ read: store.read.tracking, transact, objects, clock, ids })
  await tracking.experiments.ensureDefault()
  const registry = createRegistry({
    read: store.read.registry,
    transact,
    tracking,
    objects,
    clock,
    describe: describeMlModel,
    guard: guard ?? { check: async () => undefined },
  })
  const http = Fastify({ bodyLimit: 64 * 1024 })
  const evaluation = createEvaluation({
    read: store.read.evaluation,
    transact,
    tracking,
    clock,
    ids,
  })
  const webhooks = createWebhooks({
    read: store.read.webhooks,
    transact,
    dialects: { standard: standardDialect, mlflow: mlflowDialect, openlineage: standardDialect },
    destinations: openDestinations({ schemes: ['https'], allowPrivate: false, agent: 'test' }),
    seal: await openSeal(join(home, 'keys')),
    clock,
    ids,
  })
  const traces = createTraces({ read: store.read.traces, transact, tracking, clock, ids })
  await mlflowProtocol(http, { tracking, traces, registry, webhooks, evaluation, actor: USER })
  return {
    clock,
    store,
    tracking,
    registry,
    http,
    facts: (...types) => store.read.ledger.list({ after: -1, limit: 1000, types }),
    close: async () => {
      await http.close()
      await store.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}
