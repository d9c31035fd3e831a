import { join } from 'node:path'
import { messageOf } from '#base/problem'
import { createLineage } from '#lineage'
import { createMonitoring, type Monitoring, type TrainingData } from '#monitoring'
import type { Projects } from '#projects'
import type { Registry } from '#registry'
import type { Usage } from '#usage'
import type { Serving } from '#serving'
import type { Analytics } from '#stores/analytics/duckdb/index'
import { askRows } from '#stores/analytics/duckdb/questions'
import type { DatasetFiles } from '../data/dataset-files.ts'
import type { Ground } from '../ground.ts'
import { happeningsIn } from './happenings.ts'
import type { LocalClones } from '../data/clones.ts'
import { judgingThread } from '../judging/workshop.ts'
import { liveContracts } from './live-contracts.ts'
import { namedData } from './named-data.ts'

/** The monitors: windows over the prediction log, compared with what lineage knows of the training. */
export function monitoringOf(
  { config, store, clock, onStop }: Ground,
  parts: {
    files: DatasetFiles
    trainingData: TrainingData
    projects: Projects
    clones: LocalClones
    registry: Registry
    serving: Serving
    analytics: Analytics
    usage: Usage
  },
): Monitoring {
  const { files: datasets, registry, serving, analytics, trainingData } = parts
  const workshop = judgingThread()
  onStop(workshop.stop)
  return createMonitoring({
    workshop,
    read: store.read.monitoring,
    transact: store.transact,
    endpoints: () => serving.endpoints.list(),
    predictions: serving.predictions,
    trainingData,
    namedData: namedData({
      endpoints: () => serving.endpoints.list(),
      projects: parts.projects,
      clones: parts.clones,
      datasets,
      registry,
      folder: join(config.home, 'references'),
    }),
    contracts: liveContracts({
      endpoints: () => serving.endpoints.list(),
      projects: parts.projects,
      clones: parts.clones,
      pipelines: store.read.pipelines,
      registry,
      trainingData,
      columnNames: (file) => analytics.columnNames(file),
      spillFolder: join(config.home, 'spill'),
    }),
    usage: parts.usage.hours,
    profiler: analytics,
    score: serving.score,
    askRows,
    happenings: happeningsIn({
      read: store.read.ledger,
      lineage: createLineage({ read: store.read.ledger }),
      upstream: store.read,
      find: async (name) => (await serving.endpoints.list()).find((each) => each.name === name),
    }),
    clock,
  })
}

/** The monitors look for windows that are over this often, and soon after the log has grown. */
const LOOK_MS = 1000
const SOON_MS = 100

/** Keeps the monitors looking until the server stops. */
export function watchWindows(
  { logger, replicas, onStop }: Ground,
  { monitoring, serving }: { monitoring: Monitoring; serving: Serving },
): void {
  let looking = false
  let soon: NodeJS.Timeout | undefined
  const look = () => {
    soon = undefined
    if (looking || !replicas.leads()) return
    looking = true
    monitoring
      .tick()
      .catch((error: unknown) => {
        logger.error({ error: messageOf(error) }, 'could not look for windows; will look again')
      })
      .finally(() => {
        looking = false
      })
  }
  const timer = setInterval(look, LOOK_MS)
  const unsubscribe = serving.predictions.onGrowth(() => {
    soon ??= setTimeout(look, SOON_MS)
  })
  onStop(() => {
    unsubscribe()
    clearInterval(timer)
    clearTimeout(soon)
  })
}
