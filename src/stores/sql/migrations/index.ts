import type { Migration } from '../migrate.ts'
import { ledgerTables } from './0001-ledger.ts'
import { workTables } from './0002-work.ts'
import { projectTables } from './0003-projects.ts'
import { trackingTables } from './0004-tracking.ts'
import { registryTables } from './0005-registry.ts'
import { servingTables } from './0007-serving.ts'
import { governanceTables } from './0009-governance.ts'
import { automationTables } from './0010-automation.ts'
import { pipelineTables } from './0006-pipelines.ts'
import { monitoringTables } from './0008-monitoring.ts'
import { traceTables } from './0012-traces.ts'
import { webhookTables } from './0013-webhooks.ts'
import { evaluationTables } from './0014-evaluation.ts'
import { viewTables } from './0015-views.ts'
import { registryHistoryTables } from './0016-registry-history.ts'
import { retentionTables } from './0017-retention.ts'
import { importTables } from './0019-imports.ts'
import { replicaTables } from './0020-replicas.ts'
import { searchIndexes } from './0021-search.ts'
import { metricBlockTables } from './0022-metric-blocks.ts'
import { moveTables } from './0024-moves.ts'
import { endpointSettings } from './0025-endpoint-settings.ts'
import { rolloutTables } from './0026-rollouts.ts'
import { logPolicies } from './0027-log-policies.ts'
import { replayTables } from './0030-replays.ts'
import { dataStoreTables } from './0031-data-stores.ts'
import { runRequestTables } from './0032-run-requests.ts'
import { triggerTables } from './0033-triggers.ts'
import { elsewhereTables } from './0035-elsewhere.ts'
import { runBranches } from './0036-run-branches.ts'
import { alertingTables } from './0037-alerting.ts'
import { alertSubjects } from './0039-alert-subjects.ts'
import { logReceiverTables } from './0041-log-receivers.ts'
import { usageTables } from './0042-usage.ts'
import { policyRunVersions } from './0043-policy-run-versions.ts'
import { endpointsElsewhere } from './0041-endpoints-elsewhere.ts'

/** Every step, in order. A new step goes at the end. */
export const migrations: readonly Migration[] = [
  ledgerTables,
  workTables,
  projectTables,
  trackingTables,
  registryTables,
  governanceTables,
  automationTables,
  pipelineTables,
  monitoringTables,
  servingTables,
  traceTables,
  webhookTables,
  evaluationTables,
  viewTables,
  registryHistoryTables,
  retentionTables,
  importTables,
  replicaTables,
  searchIndexes,
  metricBlockTables,
  moveTables,
  endpointSettings,
  rolloutTables,
  logPolicies,
  replayTables,
  dataStoreTables,
  runRequestTables,
  triggerTables,
  elsewhereTables,
  runBranches,
  alertingTables,
  alertSubjects,
  endpointsElsewhere,
  logReceiverTables,
  usageTables,
  policyRunVersions,
]
