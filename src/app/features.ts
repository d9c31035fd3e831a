import { join } from 'node:path'
import type { Governance } from '#governance'
import { createElsewhere, createHomes } from '#elsewhere'
import { createEvaluation } from '#evaluation'
import { createLineage } from '#lineage'
import { createRecordings } from '#pipelines'
import { createProjects } from '#projects'
import { describeMlModel } from '#protocols/mlflow/mlmodel'
import { createRegistry } from '#registry'
import { openAnalytics } from '#stores/analytics/duckdb/index'
import { createTraces } from '#traces'
import { createBrowsing, createTracking } from '#tracking'
import { alertingOf } from './outgoing/alerting.ts'
import { backfillsOf } from './automation/backfills.ts'
import { runData } from './pipelines/run-data.ts'
import { localClones } from './data/clones.ts'
import { dataStoresOf } from './data/datastores.ts'
import { datasetFiles } from './data/dataset-files.ts'
import { datasetsOf } from './data/datasets.ts'
import { governanceOf } from './governance/governing.ts'
import type { Ground } from './ground.ts'
import { monitoringOf } from './monitoring/monitors.ts'
import { trainingData } from './monitoring/training-data.ts'
import { trainingRows } from './converting/training-rows.ts'
import { triggersOf } from './automation/policies.ts'
import { replaysOf } from './serving/replays.ts'
import { assertServesNot, retentionOf } from './data/retention.ts'
import { runsOf } from './pipelines/runs.ts'
import { servingOf } from './serving/serving.ts'
import { shippingOf } from './outgoing/shipping.ts'
import { usageOf } from './monitoring/usage.ts'
import { webhooksOf } from './outgoing/webhooks.ts'

/** Makes the features, each from the ground and the features above it. */
export function createFeatures(ground: Ground) {
  const { config, clock, ids, store, objects } = ground
  const { read, transact } = store
  const clones = localClones(join(config.home, 'projects'))
  const projects = createProjects({ read: read.projects, transact, clones, clock })
  const tracking = trackingOf(ground)
  const browsing = createBrowsing({ read: read.browsing, transact, clock, ids })
  const traces = createTraces({ read: read.traces, transact, tracking, clock, ids })
  const recording = { transact, tracking, objects, clock, ids }
  const recordings = createRecordings({ read: read.pipelines, ...recording })
  const taken = runData(ground, () => ({ ...watched, labelledRows: monitoring.labelledRows }))
  const runs = runsOf(ground, { projects, clones, recordings, runData: taken })
  const registry = createRegistry({
    read: read.registry,
    transact,
    tracking,
    objects,
    describe: describeMlModel,
    guard: {
      check: (model, alias) => governance.checkMove(model, alias),
      checkDeletion: (model, version) => assertServesNot(read.serving, model, version),
    },
    clock,
  })
  const analytics = openAnalytics({ spillFolder: join(config.home, 'spill') })
  ground.onStop(analytics.close)
  const { serving, plane, rollouts, experiments } = servingOf(ground, { registry, analytics })
  const usage = usageOf(ground, plane)
  const files = datasetFiles({ config, projects, clones })
  const trained = trainingData({ registry, pipelines: read.pipelines, datasets: files })
  const watched = { files, projects, clones, registry, serving, analytics, usage }
  const monitoring = monitoringOf(ground, { ...watched, trainingData: trained })
  const replays = replaysOf(ground, { registry, serving })
  const judged = { projects, registry, tracking, serving, monitoring, replays }
  const governance: Governance = governanceOf(ground, judged)
  const datasets = datasetsOf(ground, { projects, clones, tracking, files })
  const homes = createHomes({ projects, datasets })
  const retention = retentionOf(ground, { tracking, registry, serving })
  const told = webhooksOf(ground)
  return {
    shipping: shippingOf(ground, { serving }),
    ...told,
    ...alertingOf(ground, { projects, webhooks: told.webhooks }),
    datastores: dataStoresOf(ground),
    evaluation: createEvaluation({ read: read.evaluation, transact, tracking, clock, ids }),
    projects,
    clones,
    datasets,
    elsewhere: createElsewhere({ read: read.outside, transact, homes, clock, ids }),
    traces,
    tracking,
    browsing,
    recordings,
    ...runs,
    triggers: triggersOf(ground, { projects, clones }),
    backfills: backfillsOf(ground, { projects, requests: runs.requests }),
    registry,
    serving,
    plane,
    usage,
    rollouts,
    experiments,
    monitoring,
    trainingRows: trainingRows({ trainingData: trained, analytics }),
    replays,
    governance,
    lineage: createLineage({ read: read.ledger }),
    retention,
  }
}

function trackingOf({ store, objects, outside, artifactRoot, clock, ids }: Ground) {
  const { read, transact } = store
  const root = artifactRoot === undefined ? {} : { artifactRoot }
  return createTracking({ read: read.tracking, transact, objects, outside, ...root, clock, ids })
}

/** The parts of a running server: what protocols, followers and job handlers are given. */
export type Parts = Ground & ReturnType<typeof createFeatures>
