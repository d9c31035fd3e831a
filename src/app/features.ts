import { join } from 'node:path'
import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Logger } from '#base/logger'
import type { Governance } from '#governance'
import type { Ledger } from '#ledger'
import type { ObjectStore } from '#objects'
import { createLineage } from '#lineage'
import { createRecordings } from '#pipelines'
import { createProjects } from '#projects'
import { describeMlModel } from '#protocols/mlflow/mlmodel'
import { createRegistry } from '#registry'
import { openAnalytics } from '#stores/analytics/duckdb/index'
import type { SqlStore } from '#stores/sql/index'
import { createTracking } from '#tracking'
import { localClones } from './clones.ts'
import type { Config } from './config.ts'
import { governanceOf } from './governing.ts'
import { monitoringOf } from './monitors.ts'
import { servingOf } from './serving.ts'

/** What every feature is made from. */
export interface Ground {
  readonly config: Config
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  readonly store: SqlStore
  readonly objects: ObjectStore
  readonly ledger: Ledger
  /** The server's own address, once it listens. */
  readonly url: () => string
  /** Registers what a stop has to undo; called in reverse order. */
  onStop(step: () => Promise<void> | void): void
}

/** Makes the features, each from the ground and the features above it. */
export function createFeatures(ground: Ground) {
  const { config, clock, ids, store, objects } = ground
  const { read, transact } = store
  const clones = localClones(join(config.home, 'projects'))
  const projects = createProjects({ read: read.projects, transact, clones, clock })
  const tracking = createTracking({ read: read.tracking, transact, objects, clock, ids })
  const recordings = createRecordings({
    read: read.pipelines,
    transact,
    tracking,
    objects,
    clock,
    ids,
  })
  const registry = createRegistry({
    read: read.registry,
    transact,
    tracking,
    objects,
    describe: describeMlModel,
    guard: { check: (model, alias) => governance.checkMove(model, alias) },
    clock,
  })
  const analytics = openAnalytics({ spillFolder: join(config.home, 'spill') })
  ground.onStop(analytics.close)
  const serving = servingOf(ground, { registry, analytics })
  const monitoring = monitoringOf(ground, { projects, clones, registry, serving, analytics })
  const governance: Governance = governanceOf(ground, {
    projects,
    registry,
    tracking,
    serving,
    monitoring,
  })
  const lineage = createLineage({ read: read.ledger })
  return {
    projects,
    clones,
    tracking,
    recordings,
    registry,
    serving,
    monitoring,
    governance,
    lineage,
  }
}

/** The parts of a running server: what protocols, followers and job handlers are given. */
export type Parts = Ground & ReturnType<typeof createFeatures>
