import type { Kysely } from 'kysely'
import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { LedgerReads, LedgerWrites } from '#ledger'
import type { PromotionReads, PromotionWrites } from '#governance'
import type { PolicyRunReads, PolicyRunWrites } from '#automation'
import type { ProjectReads, ProjectWrites } from '#projects'
import type { WorkReads, WorkWrites } from '#work'
import { groupCommit } from './group-commit.ts'
import { ledgerReads, ledgerWrites, type LedgerTables } from './ledger.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/index.ts'
import { promotionReads, promotionWrites, type GovernanceTables } from './governance.ts'
import { policyRunReads, policyRunWrites, type AutomationTables } from './automation.ts'
import { projectReads, projectWrites, type ProjectTables } from './projects.ts'
import { kyselyOn, openReader, openWriter } from './sqlite.ts'
import { workReads, workWrites, type WorkTables } from './work.ts'

/** Everything that can be read, one part a feature. */
export interface Reads {
  readonly ledger: LedgerReads
  readonly work: WorkReads
  readonly projects: ProjectReads
  readonly automation: PolicyRunReads
  readonly governance: PromotionReads
}

/** Everything that one transaction can change. */
export interface Writes {
  readonly ledger: LedgerWrites
  readonly work: WorkWrites
  readonly projects: ProjectWrites
  readonly automation: PolicyRunWrites
  readonly governance: PromotionWrites
}

export interface SqlStore {
  readonly read: Reads
  transact<T>(work: (tx: Writes) => Promise<T>): Promise<T>
  /** Calls `listener` after each commit; gives the way to stop that. */
  onCommit(listener: () => void): () => void
  /** Waits for the writers and closes the files. */
  close(): Promise<void>
}

/** Opens the metadata store in a SQLite file, migrating it if need be. */
export async function openSqlStore(
  file: string,
  { clock, ids }: { clock: Clock; ids: Ids },
): Promise<SqlStore> {
  const writer = openWriter(file)
  const writing = kyselyOn<LedgerTables>(writer) as unknown as Kysely<unknown>
  await migrate({ connection: writer, db: writing, file, clock }, migrations)
  const reader = openReader(file)
  const reading = kyselyOn<unknown>(reader)
  const listeners = new Set<() => void>()
  const group = groupCommit(writer, () => {
    for (const listener of listeners) listener()
  })
  const writes = writesOn(writing, { clock, ids })
  let closed = false

  return {
    read: readsOn(reading),
    transact: (work) => {
      if (closed)
        return Promise.reject(new Problem('unavailable', 'the server is stopping; try again'))
      return group.transact(() => work(writes))
    },
    onCommit: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: async () => {
      closed = true
      await group.drained()
      reader.close()
      writer.close()
    },
  }
}

function readsOn(db: Kysely<unknown>): Reads {
  return {
    ledger: ledgerReads(db as Kysely<LedgerTables>),
    work: workReads(db as Kysely<WorkTables>),
    projects: projectReads(db as Kysely<ProjectTables>),
    automation: policyRunReads(db as Kysely<AutomationTables>),
    governance: promotionReads(db as Kysely<GovernanceTables>),
  }
}

function writesOn(db: Kysely<unknown>, world: { clock: Clock; ids: Ids }): Writes {
  return {
    ledger: ledgerWrites(db as Kysely<LedgerTables>, world.clock),
    work: workWrites(db as Kysely<WorkTables>, world),
    projects: projectWrites(db as Kysely<ProjectTables>),
    automation: policyRunWrites(db as Kysely<AutomationTables>),
    governance: promotionWrites(db as Kysely<GovernanceTables>),
  }
}
