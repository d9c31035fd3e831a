import {
  PostgresAdapter,
  sql,
  type ColumnDefinitionBuilder,
  type Kysely,
  type RawBuilder,
  type SqlBool,
} from 'kysely'

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

/** Type and making of a key column whose number the database gives. */
export function numberedKey(
  db: Kysely<unknown>,
): ['integer' | 'bigint', (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder] {
  return isPostgres(db)
    ? ['bigint', (column) => column.primaryKey().generatedByDefaultAsIdentity()]
    : // Only under this very name is it SQLite's own number of the row.
      ['integer', (column) => column.primaryKey()]
}

/** Makes the database itself refuse to change or remove rows of a table. */
export async function makeAppendOnly(
  db: Kysely<unknown>,
  { table, why }: { table: string; why: string },
): Promise<void> {
  if (isPostgres(db)) {
    await sql
      .raw(
        `create or replace function refuse_change() returns trigger language plpgsql as $$
          begin raise exception using message = tg_argv[0], errcode = 'restrict_violation'; end $$`,
      )
      .execute(db)
    await sql
      .raw(
        `create trigger ${table}_only_added_to before update or delete or truncate on ${table}
          for each statement execute function refuse_change('${why}')`,
      )
      .execute(db)
    return
  }
  for (const verb of ['update', 'delete'])
    await sql
      .raw(
        `create trigger ${table}_no_${verb} before ${verb} on ${table} begin select raise(abort, '${why}'); end`,
      )
      .execute(db)
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
