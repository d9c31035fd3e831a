import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Logger } from '#base/logger'
import { createReplicas, type Replicas } from '#replicas'
import type { SqlStore } from '#stores/sql/index'
import type { Config } from './settings/config.ts'
import { VERSION } from './version.ts'

/** The servers on one database, this one among them. */
export function replicasOf(
  here: {
    config: Config
    store: SqlStore
    clock: Clock
    ids: Ids
    logger: Logger
    url: () => string
    homeId: string
  },
  told: { onLead(): Promise<void>; onDismissal(reason: string): void },
): Replicas {
  const { config, store, clock, ids, logger } = here
  const id = ids.ulid()
  const startedMs = clock.nowMs()
  return createReplicas({
    read: store.read,
    transact: store.transact,
    presence: store.presence,
    id,
    me: () => ({
      id,
      home: here.homeId,
      url: config.replicaUrl || here.url(),
      version: VERSION,
      startedMs,
    }),
    clock,
    logger,
    // Whoever has endpoints has a prediction log, and that lies in one home.
    isBound: async () => (await store.read.serving.list()).length > 0,
    mayTakeBound: config.takeLead,
    isOutdated: store.isOutdated,
    ...told,
  })
}
