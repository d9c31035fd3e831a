import BetterSqlite from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'

export type Connection = BetterSqlite.Database

/** Opens a SQLite file for durable writing: WAL, and an fsync at each commit before anybody is answered. */
export function openWriter(file: string): Connection {
  const connection = new BetterSqlite(file)
  connection.pragma('journal_mode = wal')
  connection.pragma('synchronous = full')
  connection.pragma('busy_timeout = 10000')
  connection.pragma('foreign_keys = on')
  return connection
}

/** Opens a second connection that never waits for the writer. */
export function openReader(file: string): Connection {
  const connection = new BetterSqlite(file, { readonly: true, fileMustExist: true })
  connection.pragma('busy_timeout = 10000')
  return connection
}

export function kyselyOn<Tables>(connection: Connection): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) })
}
