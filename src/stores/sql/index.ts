import type { Kysely } from 'kysely'
import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { LedgerReads, LedgerWrites } from '#ledger'
import type { DataStoreReads, DataStoreWrites } from '#datastores'
import type { OutsideReads, OutsideWrites } from '#elsewhere'
import type { PromotionReads, PromotionWrites } from '#governance'
import type { AlertingReads, AlertingWrites } from '#alerting'
import type { ShippingReads, ShippingWrites } from '#shipping'
import type { AutomationReads, AutomationWrites } from '#automation'
import type { MonitoringReads, MonitoringWrites } from '#monitoring'
import type { PipelineReads, PipelineWrites, RequestReads, RequestWrites } from '#pipelines'
import type { ProjectReads, ProjectWrites } from '#projects'
import type { EvaluationReads, EvaluationWrites } from '#evaluation'
import type { RegistryReads, RegistryWrites } from '#registry'
import type { ReplayReads, ReplayWrites } from '#replay'
import type { Presence, ReplicaReads, ReplicaWrites } from '#replicas'
import type { RetentionReads, RetentionWrites } from '#retention'
import type { RolloutReads, RolloutWrites } from '#rollouts'
import type { ServingReads, ServingWrites } from '#serving'
import type { TraceReads, TraceWrites } from '#traces'
import type { BrowsingReads, BrowsingWrites, TrackingReads, TrackingWrites } from '#tracking'
import type { UsageReads, UsageWrites } from '#usage'
import type { WebhookReads, WebhookWrites } from '#webhooks'
import type { WorkReads, WorkWrites } from '#work'
import type { Database } from './database.ts'
import { dataStoreReads, dataStoreWrites } from './datastores.ts'
import { outsideReads, outsideWrites } from './elsewhere.ts'
import { groupCommit } from './group-commit.ts'
import { ledgerReads, ledgerWrites } from './ledger.ts'
import { migrations } from './migrations/index.ts'
import { createNews, type News } from './news.ts'
import { promotionReads, promotionWrites } from './governance.ts'
import { automationReads, automationWrites } from './triggers.ts'
import { alertingReads, alertingWrites } from './alerting.ts'
import { shippingReads, shippingWrites } from './shipping.ts'
import { monitoringReads, monitoringWrites } from './monitoring.ts'
import { pipelineReads, pipelineWrites } from './pipelines.ts'
import { projectReads, projectWrites } from './projects.ts'
import { openPostgres } from './postgres/index.ts'
import { refuseMoved } from './moving/refuse.ts'
import { isPostgresUrl, withoutSecrets } from './postgres/url.ts'
import { openSqlite } from './sqlite.ts'
import { evaluationReads, evaluationWrites } from './evaluation.ts'
import { registryReads, registryWrites } from './registry/index.ts'
import { replayReads, replayWrites } from './replay.ts'
import { replicaReads, replicaWrites } from './replicas.ts'
import { retentionReads, retentionWrites } from './retention/index.ts'
import { requestReads, requestWrites } from './run-requests.ts'
import { rolloutReads, rolloutWrites } from './rollouts.ts'
import { servingReads, servingWrites } from './serving.ts'
import { traceReads, traceWrites } from './traces/index.ts'
import { browsingReads, browsingWrites } from './browsing/index.ts'
import { trackingReads, trackingWrites } from './tracking/index.ts'
import { usageReads, usageWrites } from './usage.ts'
import { webhookReads, webhookWrites } from './webhooks.ts'
import { workReads, workWrites } from './work.ts'

/** Everything that can be read, one part a feature. */
export interface Reads {
  readonly ledger: LedgerReads
  readonly work: WorkReads
  readonly replay: ReplayReads
  readonly replicas: ReplicaReads
  readonly projects: ProjectReads
  readonly datastores: DataStoreReads
  readonly tracking: TrackingReads
  readonly browsing: BrowsingReads
  readonly traces: TraceReads
  readonly evaluation: EvaluationReads
  readonly registry: RegistryReads
  readonly pipelines: PipelineReads
  readonly requests: RequestReads
  readonly outside: OutsideReads
  readonly monitoring: MonitoringReads
  readonly alerting: AlertingReads
  readonly shipping: ShippingReads
  readonly automation: AutomationReads
  readonly governance: PromotionReads
  readonly serving: ServingReads
  readonly usage: UsageReads
  readonly rollouts: RolloutReads
  readonly retention: RetentionReads
  readonly webhooks: WebhookReads
}

/** Everything that one transaction can change. */
export interface Writes {
  readonly ledger: LedgerWrites
  readonly work: WorkWrites
  readonly replay: ReplayWrites
  readonly replicas: ReplicaWrites
  readonly projects: ProjectWrites
  readonly datastores: DataStoreWrites
  readonly tracking: TrackingWrites
  readonly browsing: BrowsingWrites
  readonly traces: TraceWrites
  readonly evaluation: EvaluationWrites
  readonly registry: RegistryWrites
  readonly pipelines: PipelineWrites
  readonly requests: RequestWrites
  readonly outside: OutsideWrites
  readonly monitoring: MonitoringWrites
  readonly alerting: AlertingWrites
  readonly shipping: ShippingWrites
  readonly automation: AutomationWrites
  readonly governance: PromotionWrites
  readonly serving: ServingWrites
  readonly usage: UsageWrites
  readonly rollouts: RolloutWrites
  readonly retention: RetentionWrites
  readonly webhooks: WebhookWrites
}

export interface SqlStore {
  readonly read: Reads
  /** Whether other processes may write to it at the same time. */
  readonly isShared: boolean
  /** Which processes are there, where several may be. */
  readonly presence: Presence | undefined
  /** Whether a newer version has migrated the database under this process, which then can use it no longer. */
  isOutdated(): Promise<boolean>
  /** Whether the disk is full, and only what frees space is taken. */
  isFull(): boolean
  /** Gives the space of removed rows back to the disk, as far as the database can. */
  reclaim(): Promise<void>
  transact<T>(work: (tx: Writes) => Promise<T>): Promise<T>
  /** Calls `listener` after each commit, of whichever process, that may have added to the ledger; gives the way to stop that. */
  onGrowth(listener: () => void): () => void
  /** Calls `listener` after each commit, of whichever process, that may have enqueued jobs; gives the way to stop that. */
  onNewWork(listener: () => void): () => void
  /** Waits for the writers and closes the database. */
  close(): Promise<void>
}

interface World {
  readonly clock: Clock
  readonly ids: Ids
}

/** Opens the metadata store in a SQLite file or at a `postgres://` URL, migrating it if need be. */
export async function openSqlStore(place: string, { clock, ids }: World): Promise<SqlStore> {
  const news = createNews()
  const database = await (isPostgresUrl(place)
    ? openPostgres(place, { clock, migrations, news })
    : openSqlite(place, { clock, migrations }))
  try {
    await refuseMoved(database.reading, isPostgresUrl(place) ? withoutSecrets(place) : place)
  } catch (error) {
    await database.close()
    throw error
  }
  return storeOn(database, { clock, ids, news })
}

function storeOn(database: Database, { clock, ids, news }: World & { news: News }): SqlStore {
  const group = groupCommit(database.boundaries, news.tell)
  const writes = noticed(writesOn(database.writing, { clock, ids }), news)
  let closed = false
  return {
    read: readsOn(database.reading),
    isShared: database.isShared,
    presence: database.presence,
    isOutdated: database.isOutdated,
    isFull: () => database.room?.isFull() ?? false,
    reclaim: database.reclaim,
    transact: async (work) => {
      if (closed) throw new Problem('unavailable', 'the server is stopping; try again')
      database.room?.assertRoom()
      try {
        return await group.transact(() => work(writes))
      } catch (error) {
        throw database.problemOf(error) ?? error
      }
    },
    onGrowth: (listener) => news.listen('ledger', listener),
    onNewWork: (listener) => news.listen('work', listener),
    close: async () => {
      closed = true
      await group.drained()
      await database.close()
    },
  }
}

/** The same writes, but those that others wait for make news. */
function noticed(writes: Writes, news: News): Writes {
  const { ledger, work } = writes
  return {
    ...writes,
    ledger: {
      ...ledger,
      append: (actor, facts) => {
        news.add('ledger')
        return ledger.append(actor, facts)
      },
    },
    work: {
      ...work,
      enqueue: (jobs) => {
        news.add('work')
        return work.enqueue(jobs)
      },
    },
  }
}

function readsOn(db: Kysely<unknown>): Reads {
  return {
    ledger: ledgerReads(db),
    work: workReads(db),
    replay: replayReads(db),
    replicas: replicaReads(db),
    projects: projectReads(db),
    datastores: dataStoreReads(db),
    tracking: trackingReads(db),
    browsing: browsingReads(db),
    traces: traceReads(db),
    evaluation: evaluationReads(db),
    registry: registryReads(db),
    pipelines: pipelineReads(db),
    requests: requestReads(db),
    outside: outsideReads(db),
    monitoring: monitoringReads(db),
    alerting: alertingReads(db),
    shipping: shippingReads(db),
    automation: automationReads(db),
    governance: promotionReads(db),
    serving: servingReads(db),
    usage: usageReads(db),
    rollouts: rolloutReads(db),
    retention: retentionReads(db),
    webhooks: webhookReads(db),
  }
}

function writesOn(db: Kysely<unknown>, world: { clock: Clock; ids: Ids }): Writes {
  return {
    ledger: ledgerWrites(db, world.clock),
    work: workWrites(db, world),
    replay: replayWrites(db),
    replicas: replicaWrites(db),
    projects: projectWrites(db),
    datastores: dataStoreWrites(db),
    tracking: trackingWrites(db),
    browsing: browsingWrites(db),
    traces: traceWrites(db),
    evaluation: evaluationWrites(db),
    registry: registryWrites(db),
    pipelines: pipelineWrites(db),
    requests: requestWrites(db),
    outside: outsideWrites(db),
    monitoring: monitoringWrites(db),
    alerting: alertingWrites(db),
    shipping: shippingWrites(db),
    automation: automationWrites(db),
    governance: promotionWrites(db),
    serving: servingWrites(db),
    usage: usageWrites(db),
    rollouts: rolloutWrites(db),
    retention: retentionWrites(db),
    webhooks: webhookWrites(db),
  }
}
