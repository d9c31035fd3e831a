import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { Problem } from '#base/problem'

export type Row = Readonly<Record<string, string | number | null>>

/** Rows of an MLflow database, of whichever release: a table that it does not have is empty. */
export interface SqlReader {
  /** Rows whose columns hold one of the values each. */
  rows(table: string, where: Readonly<Record<string, readonly string[]>>, order: string): Row[]
  page(
    table: string,
    page: { key: string; after: string; experimentId: string; limit: number },
  ): Row[]
  count(table: string, column: string, values: readonly string[]): number
  /** Points of a run in the order of their `place` in the database, which one index gives. */
  points(runId: string, after: number, limit: number): Row[]
  pointCounts(runIds: readonly string[]): Row[]
  close(): void
}

/** What every release from 2.0 on has. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  experiments: ['experiment_id', 'name', 'artifact_location', 'lifecycle_stage', 'creation_time'],
  runs: ['run_uuid', 'name', 'status', 'start_time', 'end_time', 'artifact_uri', 'experiment_id'],
  metrics: ['key', 'value', 'timestamp', 'run_uuid', 'step', 'is_nan'],
  latest_metrics: ['key', 'run_uuid'],
  params: ['key', 'value', 'run_uuid'],
  tags: ['key', 'value', 'run_uuid'],
  experiment_tags: ['key', 'value', 'experiment_id'],
  registered_models: ['name', 'creation_time', 'last_updated_time'],
  model_versions: ['name', 'version', 'source', 'run_id', 'current_stage', 'run_link'],
}
const VALUES_MAX = 500

export function openSqlReader(file: string): SqlReader {
  if (!existsSync(file)) throw new Problem('not-found', `there is no file ${file}`)
  const db = opened(file)
  const columns = new Map<string, Set<string>>()
  const columnsOf = (table: string): Set<string> => {
    const known = columns.get(table)
    if (known !== undefined) return known
    const found = new Set(
      (db.pragma(`table_info("${table}")`) as { name: string }[]).map(({ name }) => name),
    )
    columns.set(table, found)
    return found
  }
  assertReadable(file, columnsOf)
  const has = (table: string, column: string) => columnsOf(table).has(column)
  const all = (text: string, ...values: readonly (string | number)[]) =>
    db
      .prepare(text)
      .safeIntegers()
      .all(...values)
      .map((row) => plain(row as Raw))
  /** Only the default workspace, where the release knows any. */
  const here = (table: string) => (has(table, 'workspace') ? ` and workspace = 'default'` : '')

  return {
    rows: (table, where, order) => {
      const names = Object.keys(where)
      if (![...names, order].every((name) => has(table, name))) return []
      const [name] = names
      const head = `select * from "${table}" where 1 = 1${names.length > 0 ? here(table) : ''}`
      if (name === undefined) return all(`${head} order by "${order}"`)
      return piecesOf(where[name] ?? []).flatMap((values) =>
        all(`${head} and "${name}" in (${marks(values)}) order by "${order}"`, ...values),
      )
    },
    page: (table, { key, after, experimentId, limit }) =>
      has(table, key)
        ? all(
            `select * from "${table}" where experiment_id = ? and "${key}" > ? order by "${key}" limit ?`,
            Number(experimentId) > Number.MAX_SAFE_INTEGER ? experimentId : Number(experimentId),
            after,
            limit,
          )
        : [],
    count: (table, column, values) =>
      has(table, column)
        ? piecesOf(values).reduce(
            (sum, piece) =>
              sum +
              Number(
                all(
                  `select count(*) as n from "${table}" where "${column}" in (${marks(piece)})`,
                  ...piece,
                )[0]?.['n'],
              ),
            0,
          )
        : 0,
    ...metricReads(db, all),
    close: () => db.close(),
  }
}

function metricReads(
  db: Database.Database,
  all: (text: string, ...values: readonly (string | number)[]) => Row[],
): Pick<SqlReader, 'points' | 'pointCounts'> {
  const points = db.prepare(
    `select rowid as place, "key", value, timestamp, step, is_nan from metrics
    where run_uuid = ? and rowid > ? order by rowid limit ?`,
  )
  return {
    points: (runId, after, limit) => points.all(runId, after, limit) as Row[],
    pointCounts: (runIds) =>
      piecesOf(runIds).flatMap((ids) =>
        all(
          `select run_uuid, "key", count(*) as count from metrics where run_uuid in (${marks(ids)}) group by run_uuid, "key"`,
          ...ids,
        ),
      ),
  }
}

function opened(file: string): Database.Database {
  try {
    const db = new Database(file, { readonly: true, fileMustExist: true, timeout: 30_000 })
    db.prepare('select count(*) from sqlite_master').get()
    return db
  } catch (error) {
    throw new Problem('invalid', `${file} cannot be read as a SQLite database: ${String(error)}`)
  }
}

function assertReadable(file: string, columnsOf: (table: string) => Set<string>): void {
  if (columnsOf('experiments').size === 0 || columnsOf('runs').size === 0)
    throw new Problem(
      'invalid',
      `${file} is no database of an MLflow server; name the file of its --backend-store-uri`,
    )
  for (const [table, names] of Object.entries(NEEDED))
    for (const name of names)
      if (!columnsOf(table).has(name))
        throw new Problem(
          'unsupported',
          `${file} was written by an MLflow before 2.0 (${table} has no ${name}); copy it, bring the copy up to date with "mlflow db upgrade sqlite:///COPY", and import that`,
        )
}

type Raw = Record<string, string | number | bigint | null>

/** Numbers as numbers; one with more digits than those have, as a text. */
function plain(row: Raw): Row {
  const found: Record<string, string | number | null> = {}
  for (const [name, value] of Object.entries(row))
    found[name] =
      typeof value !== 'bigint'
        ? value
        : Number.isSafeInteger(Number(value))
          ? Number(value)
          : String(value)
  return found
}

function marks(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ')
}

function piecesOf<T>(values: readonly T[]): T[][] {
  const pieces: T[][] = []
  for (let start = 0; start < values.length; start += VALUES_MAX)
    pieces.push(values.slice(start, start + VALUES_MAX))
  return pieces
}
