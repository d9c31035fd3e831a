import type { Kysely } from 'kysely'
import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { LedgerReads, LedgerWrites } from '#ledger'
import type { PromotionReads, PromotionWrites } from '#governance'
import type { PolicyRunReads, PolicyRunWrites } from '#automation'
import type { MonitoringReads, MonitoringWrites } from '#monitoring'
import type { PipelineReads, PipelineWrites } from '#pipelines'
import type { ProjectReads, ProjectWrites } from '#projects'
import type { RegistryReads, RegistryWrites } from '#registry'
import type { ServingReads, ServingWrites } from '#serving'
import type { TrackingReads, TrackingWrites } from '#tracking'
import type { WebhookReads, WebhookWrites } from '#webhooks'
import type { WorkReads, WorkWrites } from '#work'
import { groupCommit } from './group-commit.ts'
import { ledgerReads, ledgerWrites } from './ledger.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/index.ts'
import { createNews, type News } from './news.ts'
import { promotionReads, promotionWrites } from './governance.ts'
import { policyRunReads, policyRunWrites } from './automation.ts'
import { monitoringReads, monitoringWrites } from './monitoring.ts'
import { pipelineReads, pipelineWrites } from './pipelines.ts'
import { projectReads, projectWrites } from './projects.ts'
import { kyselyOn, openReader, openWriter } from './sqlite.ts'
import { registryReads, registryWrites } from './registry/index.ts'
import { servingReads, servingWrites } from './serving.ts'
import { trackingReads, trackingWrites } from './tracking/index.ts'
import { webhookReads, webhookWrites } from './webhooks.ts'
import { workReads, workWrites } from './work.ts'

/** Everything that can be read, one part a feature. */
export interface Reads {
  readonly ledger: LedgerReads
  readonly work: WorkReads
  readonly projects: ProjectReads
  readonly tracking: TrackingReads
  readonly registry: RegistryReads
  readonly pipelines: PipelineReads
  readonly monitoring: MonitoringReads
  readonly automation: PolicyRunReads
  readonly governance: PromotionReads
  readonly serving: ServingReads
  readonly webhooks: WebhookReads
}

/** Everything that one transaction can change. */
export interface Writes {
  readonly ledger: LedgerWrites
  readonly work: WorkWrites
  readonly projects: ProjectWrites
  readonly tracking: TrackingWrites
  readonly registry: RegistryWrites
  readonly pipelines: PipelineWrites
  readonly monitoring: MonitoringWrites
  readonly automation: PolicyRunWrites
  readonly governance: PromotionWrites
  readonly serving: ServingWrites
  readonly webhooks: WebhookWrites
}

export interface SqlStore {
  readonly read: Reads
  transact<T>(work: (tx: Writes) => Promise<T>): Promise<T>
  /** Calls `listener` after each commit that may have added to the ledger; gives the way to stop that. */
  onGrowth(listener: () => void): () => void
  /** Calls `listener` after each commit that may have enqueued jobs; gives the way to stop that. */
  onNewWork(listener: () => void): () => void
  /** Waits for the writers and closes the files. */
  close(): Promise<void>
}

/** Opens the metadata store in a SQLite file, migrating it if need be. */
export async function openSqlStore(
  file: string,
  { clock, ids }: { clock: Clock; ids: Ids },
): Promise<SqlStore> {
  const writer = openWriter(file)
  const writing = kyselyOn<unknown>(writer)
  try {
    await migrate({ connection: writer, db: writing, file, clock }, migrations)
  } catch (error) {
    writer.close()
    throw error
  }
  const reader = openReader(file)
  const news = createNews()
  const group = groupCommit(writer, news.tell)
  const writes = noticed(writesOn(writing, { clock, ids }), news)
  let closed = false

  return {
    read: readsOn(kyselyOn<unknown>(reader)),
    transact: async (work) => {
      if (closed) throw new Problem('unavailable', 'the server is stopping; try again')
      try {
        return await group.transact(() => work(writes))
      } catch (error) {
        throw fullDisk(error) ?? error
      }
    },
    onGrowth: (listener) => news.listen('ledger', listener),
    onNewWork: (listener) => news.listen('work', listener),
    close: async () => {
      closed = true
      await group.drained()
      reader.close()
      writer.close()
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

function fullDisk(error: unknown): Problem | undefined {
  return (error as { code?: string }).code === 'SQLITE_FULL'
    ? new Problem(
        'unavailable',
        'the disk of the database is full, so nothing was written; free some space and try again',
      )
    : undefined
}

function readsOn(db: Kysely<unknown>): Reads {
  return {
    ledger: ledgerReads(db),
    work: workReads(db),
    projects: projectReads(db),
    tracking: trackingReads(db),
    registry: registryReads(db),
    pipelines: pipelineReads(db),
    monitoring: monitoringReads(db),
    automation: policyRunReads(db),
    governance: promotionReads(db),
    serving: servingReads(db),
    webhooks: webhookReads(db),
  }
}

function writesOn(db: Kysely<unknown>, world: { clock: Clock; ids: Ids }): Writes {
  return {
    ledger: ledgerWrites(db, world.clock),
    work: workWrites(db, world),
    projects: projectWrites(db),
    tracking: trackingWrites(db),
    registry: registryWrites(db),
    pipelines: pipelineWrites(db),
    monitoring: monitoringWrites(db),
    automation: policyRunWrites(db),
    governance: promotionWrites(db),
    serving: servingWrites(db),
    webhooks: webhookWrites(db),
  }
}
