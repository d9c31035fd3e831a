import type { Kysely } from 'kysely'
import { Problem } from '#base/problem'
import type { Clock } from '#base/clock'

/** One step forward. Steps are never edited after a release and never run backward. */
export interface Migration {
  readonly name: string
  up(db: Kysely<unknown>): Promise<void>
}

interface Migrations {
  migrations: { name: string; at_ms: number }
}

interface Migrating {
  /** The name of the database, for people. */
  readonly place: string
  readonly db: Kysely<unknown>
  readonly clock: Clock
  /** Runs work in a transaction, while no other process writes. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** Keeps a copy of a database that holds something, before a step changes it. */
  backUp?(step: string): void
}

/**
 * Brings the database to the newest step, each step in a transaction of its own; several processes may do so at
 * once. Gives the names of the steps taken. Throws a `conflict` problem when the database was written by a newer version.
 */
export async function migrate(
  { place, db, clock, alone, backUp }: Migrating,
  migrations: readonly Migration[],
): Promise<string[]> {
  const table = db as Kysely<Migrations>
  const done = async () => {
    await table.schema
      .createTable('migrations')
      .ifNotExists()
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .execute()
    const rows = await table.selectFrom('migrations').select('name').execute()
    return known(
      rows.map((row) => row.name),
      migrations,
      place,
    )
  }
  const takeNext = async () => {
    const before = await done()
    const next = migrations.find((migration) => !before.has(migration.name))
    if (next === undefined) return undefined
    await next.up(db)
    await table.insertInto('migrations').values({ name: next.name, at_ms: clock.nowMs() }).execute()
    return next.name
  }

  const before = await alone(done)
  const due = migrations.find((migration) => !before.has(migration.name))
  if (due !== undefined && before.size > 0) backUp?.(due.name)
  const taken: string[] = []
  for (;;) {
    const name = await alone(takeNext)
    if (name === undefined) return taken
    taken.push(name)
  }
}

function known(
  done: readonly string[],
  migrations: readonly Migration[],
  place: string,
): ReadonlySet<string> {
  const unknown = done.filter((name) => !migrations.some((migration) => migration.name === name))
  if (unknown.length > 0)
    throw new Problem(
      'conflict',
      `${place} was written by a newer version of Orrery (it has ${unknown.join(', ')}); start that version or restore a backup`,
    )
  return new Set(done)
}
