import { existsSync, renameSync, rmSync } from 'node:fs'
import type { Kysely } from 'kysely'
import { Problem } from '#base/problem'
import type { Clock } from '#base/clock'
import type { Connection } from './sqlite.ts'

/** One step forward. Steps are never edited after a release and never run backward. */
export interface Migration {
  readonly name: string
  up(db: Kysely<unknown>): Promise<void>
}

/**
 * Brings the database to the newest step, each step in a transaction of its own; a database that holds
 * anything is copied beside itself first. Gives the names of the steps taken. Throws a `conflict` problem
 * when the database was written by a newer version.
 */
export async function migrate(
  {
    connection,
    db,
    file,
    clock,
  }: { connection: Connection; db: Kysely<unknown>; file: string; clock: Clock },
  migrations: readonly Migration[],
): Promise<string[]> {
  connection.exec(
    'create table if not exists migrations (name text primary key, at_ms integer not null)',
  )
  const done = new Set(
    connection
      .prepare('select name from migrations')
      .all()
      .map((row) => (row as { name: string }).name),
  )
  const unknown = [...done].filter(
    (name) => !migrations.some((migration) => migration.name === name),
  )
  if (unknown.length > 0)
    throw new Problem(
      'conflict',
      `${file} was written by a newer version of Orrery (it has ${unknown.join(', ')}); start that version or restore a backup`,
    )
  const due = migrations.filter((migration) => !done.has(migration.name))
  if (due.length > 0 && done.size > 0) backUp(connection, `${file}.before-${due[0]?.name}`)
  for (const migration of due) {
    connection.exec('begin immediate')
    try {
      await migration.up(db)
      connection.prepare('insert into migrations values (?, ?)').run(migration.name, clock.nowMs())
      connection.exec('commit')
    } catch (error) {
      if (connection.inTransaction) connection.exec('rollback')
      throw error
    }
  }
  return due.map((migration) => migration.name)
}

function backUp(connection: Connection, copy: string): void {
  // The copy of an earlier attempt at the same step is as good: nothing was written since.
  if (existsSync(copy)) return
  // A copy that was cut short must never pass for a backup.
  const half = `${copy}.half`
  rmSync(half, { force: true })
  connection.prepare('vacuum into ?').run(half)
  renameSync(half, copy)
}
