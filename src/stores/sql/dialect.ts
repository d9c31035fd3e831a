import { PostgresAdapter, sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely'

// All that the databases do not say alike. Everything else is written once, in words that both take.

/** Whether the database is PostgreSQL; only this file may ask. */
function isPostgres(db: Pick<Kysely<unknown>, 'getExecutor'>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

/** The type of a column that holds bytes. */
export function blobType(db: Kysely<unknown>): 'blob' | 'bytea' {
  return isPostgres(db) ? 'bytea' : 'blob'
}

/** The end of `create table` for one whose rows stand in the order of their key, which halves what many small ones take. */
export function clustered(db: Kysely<unknown>): RawBuilder<unknown> {
  // A heap beside the key is the only kind that PostgreSQL has.
  return isPostgres(db) ? sql`` : sql`without rowid`
}

/** Whether a text is like a pattern of `%` and `_`; capitals matter, and a backslash is only a backslash. */
export function caseSensitiveLike(
  column: RawBuilder<unknown>,
  pattern: string,
): RawBuilder<SqlBool> {
  // PostgreSQL takes a backslash for an escape unless told, and SQLite only when told.
  return pattern.includes('\\')
    ? sql`${column} like ${pattern.replaceAll('\\', '\\\\')} escape '\\'`
    : sql`${column} like ${pattern}`
}

/** As `caseSensitiveLike`, but the letters A to Z are like a to z. */
export function caseInsensitiveLike(
  column: RawBuilder<unknown>,
  pattern: string,
): RawBuilder<SqlBool> {
  return caseSensitiveLike(sql`lower(${column})`, lowered(pattern))
}

/** Both databases change these letters alone: SQLite always, PostgreSQL in the collation of our columns. */
function lowered(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}
