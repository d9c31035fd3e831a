import BetterSqlite from 'better-sqlite3'
import { Kysely, SqliteDialect, type SqliteDatabase } from 'kysely'
import { Problem } from '#base/problem'

export type Connection = BetterSqlite.Database

/**
 * Opens a SQLite file for durable writing: WAL, and an fsync at each commit before anybody is answered.
 * Throws a `conflict` problem when the file is something else.
 */
export function openWriter(file: string): Connection {
  const connection = new BetterSqlite(file)
  try {
    connection.pragma('journal_mode = wal')
  } catch (error) {
    connection.close()
    if ((error as { code?: string }).code !== 'SQLITE_NOTADB') throw error
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
  connection.pragma('busy_timeout = 10000')
  strictLike(connection)
  return connection
}

/** `like` as standard SQL has it, and so PostgreSQL: capitals matter. */
function strictLike(connection: Connection): void {
  connection.pragma('case_sensitive_like = on')
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
