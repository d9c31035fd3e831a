import type { Clock } from '#base/clock'
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import type { Alerting } from '#alerting'
import type { Datasets } from '#datasets'
import type { DataStores } from '#datastores'
import type { Elsewhere } from '#elsewhere'
import type { Explain } from '#explanations'
import type { Governance } from '#governance'
import type { Monitoring } from '#monitoring'
import type { Experiments, Rollouts } from '#rollouts'
import type { Serving } from '#serving'
import type { Actor, Ledger } from '#ledger'
import type { Lineage } from '#lineage'
import type { ObjectStore } from '#objects'
import type { Backfills, Policies, PolicyRunReads } from '#automation'
import type { Recordings } from '#pipelines'
import type { Projects } from '#projects'
import type { Usage } from '#usage'
import type { Webhooks } from '#webhooks'
import type { Registry } from '#registry'
import type { Replays } from '#replay'
import type { Replicas } from '#replicas'
import type { Traces } from '#traces'
import type { Browsing, Tracking } from '#tracking'
import { answerProblems } from './errors.ts'
import { eventRoutes } from './events.ts'
import { ledgerRoutes } from './ledger.ts'
import { alertingRoutes } from './alerting.ts'
import { activityRoutes, type Activity } from './activity.ts'
import { dataRoutes } from './data.ts'
import { importRoutes } from './imports.ts'
import { comparisonRoutes, type CompareRoles } from './comparison.ts'
import { dataStoreRoutes } from './data-stores.ts'
import { endpointLiveRoutes, type EndpointLife } from './endpoint-live.ts'
import { endpointRoutes } from './endpoints.ts'
import { modelFileRoutes } from './model-files.ts'
import { monitorRoutes } from './monitors.ts'
import { monitoringRoutes } from './monitoring.ts'
import { explanationRoutes } from './explanations.ts'
import { predictionRoutes } from './predictions.ts'
import { promotionRoutes } from './promotions.ts'
import { policyRoutes } from './automation.ts'
import { backtestRoutes } from './backtests.ts'
import { backfillRoutes } from './backfills.ts'
import { lineageRoutes, type TracedPrediction } from './lineage.ts'
import { outsideLineageRoutes, outsideRef } from './outside-lineage.ts'
import { pipelineRunRoutes } from './pipeline-runs.ts'
import { pipelinesRoutes, type PipelinesParts } from './pipelines.ts'
import { overviewRoutes, type EndpointTraffic } from './overview.ts'
import { replayRoutes } from './replays.ts'
import { reportRoutes, type ReportParts } from './reports.ts'
import { replicaRoutes } from './replicas.ts'
import { runRequestRoutes, type RunRequestParts } from './run-requests.ts'
import { stageLogRoutes, type StageLogParts } from './stage-logs.ts'
import { retentionRoutes, type RetentionParts } from './retention.ts'
import { projectRoutes } from './projects.ts'
import { folderRoutes } from './folders.ts'
import { registryHistoryRoutes } from './registry-history.ts'
import { endpointExperimentRoutes } from './endpoint-experiment.ts'
import { rolloutRoutes } from './rollouts.ts'
import { runRoutes } from './runs.ts'
import { usageRoutes } from './usage.ts'
import { viewRoutes } from './views.ts'
import { logReceiverRoutes, type LogParts } from './log-receivers.ts'
import { toldPredictionRoutes } from './told-predictions.ts'
import { toldProfileRoutes, type ReadProfile } from './told-profiles.ts'
import { trainingRowRoutes, type TrainingRows } from './training-rows.ts'
import { traceRoutes } from './traces.ts'
import { webhookRoutes } from './webhooks.ts'

/** What the REST API speaks to. Each part is a feature's door. */
export interface ApiParts
  extends Activity, PipelinesParts, RetentionParts, RunRequestParts, StageLogParts {
  /** Who is asking. */
  readonly actor: Actor
  readonly version: string
  readonly ledger: Ledger
  readonly replicas: Replicas
  readonly projects: Projects
  readonly datastores: DataStores
  readonly recordings: Recordings
  readonly datasets: Datasets
  readonly browsing: Browsing
  readonly lineage: Lineage
  readonly elsewhere: Elsewhere
  readonly tracking: Tracking
  readonly traces: Traces
  readonly registry: Registry
  readonly objects: Pick<ObjectStore, 'open'>
  readonly trainingRows: TrainingRows
  readonly governance: Governance
  readonly monitoring: Monitoring
  readonly reports: ReportParts
  readonly readProfile: ReadProfile
  readonly replays: Replays
  readonly serving: Serving
  readonly usage: Usage
  readonly clock: Clock
  readonly plane: EndpointLife
  readonly servingHost: string
  readonly rollouts: Pick<Rollouts<never>, 'list' | 'newest' | 'order'>
  readonly experiments: Pick<Experiments, 'standing'>
  readonly explain: Explain['explain']
  readonly webhooks: Webhooks
  readonly logs: Omit<LogParts, 'actor'>
  readonly alerting: Alerting
  readonly compareRoles: CompareRoles
  readonly backfills: Backfills
  readonly policies: Policies
  readonly policyRuns: PolicyRunReads
  tracedPrediction(this: void, id: string, endpoint?: string): Promise<TracedPrediction>
  onGrowth(listener: () => void): () => void
  /** What endpoints answer at this moment. */
  traffic?(this: void): Promise<readonly EndpointTraffic[]>
}

/** Our own REST API, `/api/v1`, with its OpenAPI document made from the schemas that validate. */
export async function apiProtocol(app: FastifyInstance, parts: ApiParts): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Orrery', version: parts.version, license: { name: 'Apache-2.0' } },
    },
  })
  answerProblems(app)
  app.removeContentTypeParser('text/plain')
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  ledgerRoutes(app, parts.ledger)
  eventRoutes(app, parts)
  overviewRoutes(app, parts)
  replicaRoutes(app, parts.replicas)
  projectRoutes(app, parts.projects, parts.actor)
  dataStoreRoutes(app, parts.datastores, parts.actor)
  pipelineRunRoutes(app, parts.recordings, parts.actor)
  runRequestRoutes(app, parts)
  stageLogRoutes(app, parts)
  pipelinesRoutes(app, parts)
  dataRoutes(app, parts.datasets)
  policyRoutes(app, parts)
  backfillRoutes(app, parts.backfills, parts.actor)
  lineageRoutes(app, {
    ...parts,
    refOf: (node) => outsideRef(parts.elsewhere, node),
    purgeOf: (thing) => parts.retention.purgeOf(thing),
  })
  outsideLineageRoutes(app, parts.elsewhere)
  folderRoutes(app, parts.browsing, parts.actor)
  runRoutes(app, parts.browsing)
  viewRoutes(app, parts.browsing, parts.actor)
  registryHistoryRoutes(app, parts.registry)
  modelFileRoutes(app, parts)
  trainingRowRoutes(app, parts)
  promotionRoutes(app, parts.governance, parts.actor)
  comparisonRoutes(app, parts.compareRoles)
  activityRoutes(app, parts)
  traceRoutes(app, parts)
  endpointRoutes(app, parts.serving, parts.actor)
  endpointLiveRoutes(app, parts)
  rolloutRoutes(app, parts)
  endpointExperimentRoutes(app, parts)
  predictionRoutes(app, parts.serving)
  await toldPredictionRoutes(app, parts.serving, parts.actor)
  toldProfileRoutes(app, parts, parts.actor)
  usageRoutes(app, parts)
  explanationRoutes(app, parts.explain)
  monitorRoutes(app, parts.monitoring)
  backtestRoutes(app, parts.monitoring)
  reportRoutes(app, parts.reports)
  monitoringRoutes(app, parts.monitoring)
  replayRoutes(app, parts.replays, parts.actor)
  retentionRoutes(app, parts)
  webhookRoutes(app, parts.webhooks, parts.actor)
  alertingRoutes(app, parts.alerting, parts.actor)
  logReceiverRoutes(app, { ...parts.logs, actor: parts.actor })
  importRoutes(app, parts)
}
