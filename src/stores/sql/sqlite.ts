import BetterSqlite from 'better-sqlite3'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { Kysely, SqliteDialect, type SqliteDatabase } from 'kysely'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Database } from './database.ts'
import type { Boundaries } from './group-commit.ts'
import { migrate, type Migration } from './migrate.ts'
import { openRoom } from './room.ts'

export type Connection = BetterSqlite.Database

/** Opens the database in a SQLite file, which is made if need be, and migrates it. */
export async function openSqlite(
  file: string,
  { clock, migrations }: { clock: Clock; migrations: readonly Migration[] },
): Promise<Database> {
  const room = await openRoom(file)
  const writer = openWriter(file)
  const writing = kyselyOn<unknown>(writer)
  try {
    await migrateFile({ connection: writer, db: writing, file, clock }, migrations)
  } catch (error) {
    writer.close()
    await room.close()
    throw error
  }
  const reader = openReader(file)
  return {
    reading: kyselyOn<unknown>(reader),
    writing,
    boundaries: boundariesOf(writer),
    isShared: false,
    isOutdated: async () => false,
    reclaim: () => reclaim(writer),
    room,
    problemOf: (error) => {
      const problem = problemOf(error)
      if (problem?.code === 'full') room.ranOut()
      return problem
    },
    close: async () => {
      reader.close()
      writer.close()
      await room.close()
    },
  }
}

/** Pages given back before others may write again. */
const PAGES = 500

/** Gives pages that removed rows have left empty back to the disk. A file from before that was thought of only uses them again. */
async function reclaim(connection: Connection): Promise<void> {
  if (connection.pragma('auto_vacuum', { simple: true }) !== 2) return
  while ((connection.pragma('freelist_count', { simple: true }) as number) > 0) {
    connection.exec(`pragma incremental_vacuum(${PAGES})`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Migrates a file; one that holds anything is copied beside itself first. */
export function migrateFile(
  {
    connection,
    db,
    file,
    clock,
  }: { connection: Connection; db: Kysely<unknown>; file: string; clock: Clock },
  migrations: readonly Migration[],
): Promise<string[]> {
  const { begin, commit, rollback } = boundariesOf(connection)
  return migrate(
    {
      place: file,
      db,
      clock,
      alone: async (work) => {
        await begin()
        try {
          const value = await work()
          await commit()
          return value
        } catch (error) {
          await rollback()
          throw error
        }
      },
      backUp: (step) => backUp(connection, `${file}.before-${step}`),
    },
    migrations,
  )
}

/**
 * Opens a SQLite file for durable writing: WAL, and an fsync at each commit before anybody is answered.
 * Throws a `conflict` problem when the file is something else.
 */
export function openWriter(file: string): Connection {
  const connection = new BetterSqlite(file)
  try {
    // Says so to a new file alone: space of removed rows can then go back to the disk a little at a time.
    connection.pragma('auto_vacuum = incremental')
    connection.pragma('journal_mode = wal')
  } catch (error) {
    connection.close()
    if ((error as { code?: string }).code !== 'SQLITE_NOTADB') throw problemOf(error) ?? error
    throw new Problem(
      'conflict',
      `${file} is not a database; restore it from a backup or choose another --home`,
    )
  }
  connection.pragma('synchronous = full')
  connection.pragma('busy_timeout = 10000')
  connection.pragma('foreign_keys = on')
  strictLike(connection)
  return connection
}

/** Opens a second connection that never waits for the writer. */
export function openReader(file: string): Connection {
  const connection = new BetterSqlite(file, { readonly: true, fileMustExist: true })
  // 64 MiB, taken as it is needed: a search in many runs would else read the same pages again and again.
  connection.pragma('cache_size = -65536')
  connection.pragma('busy_timeout = 10000')
  strictLike(connection)
  return connection
}

/** `like` as standard SQL has it, and so PostgreSQL: capitals matter. */
function strictLike(connection: Connection): void {
  connection.pragma('case_sensitive_like = on')
}

export function boundariesOf(connection: Connection): Boundaries {
  const exec = async (statement: string) => void connection.exec(statement)
  return {
    begin: () => exec('begin immediate'),
    enter: () => exec('savepoint one'),
    leave: () => exec('release one'),
    undo: async () => {
      await exec('rollback to one')
      await exec('release one')
    },
    commit: () => exec('commit'),
    rollback: async () => {
      if (connection.inTransaction) await exec('rollback')
    },
    isOpen: () => connection.inTransaction,
  }
}

export function kyselyOn<Tables>(connection: Connection): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: remembering(connection) }) })
}

/** Statements that are kept prepared; a server has a few hundred, and lists of values make odd ones. */
const PREPARED_MAX = 500
const PREPARED_CHARS_MAX = 4000

/** The connection, but a statement is prepared once: that is a third of what a short one costs. */
function remembering(connection: Connection): SqliteDatabase {
  const prepared = new Map<string, BetterSqlite.Statement>()
  return {
    prepare: (text) => {
      const known = prepared.get(text)
      if (known !== undefined) return known
      // Columns may be others after this, and a kept statement would give the old ones.
      if (/^\s*(create|alter|drop)\b/i.test(text)) prepared.clear()
      const statement = connection.prepare(text)
      if (text.length > PREPARED_CHARS_MAX) return statement
      const [oldest] = prepared.keys()
      if (prepared.size >= PREPARED_MAX && oldest !== undefined) prepared.delete(oldest)
      prepared.set(text, statement)
      return statement
    },
    close: () => {
      connection.close()
    },
  }
}

/** What an error of SQLite means to whoever asked; undefined for those that are bugs. */
export function problemOf(error: unknown): Problem | undefined {
  const code = (error as { code?: string }).code ?? ''
  // A limit of a file's size or a quota is told as a failure to write.
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_WRITE' || code === 'SQLITE_IOERR_SHMSIZE')
    return new Problem(
      'full',
      `the disk of the database takes no more (${code}), so nothing was written; free some space, then send it again`,
    )
  if (code.startsWith('SQLITE_READONLY') || code === 'SQLITE_CANTOPEN')
    return new Problem(
      'unavailable',
      'the database cannot be written, so nothing was; give this user the right to write to the home, and start again',
    )
  return undefined
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
