import { sql, type Kysely } from 'kysely'
import { type BrowsingReads, type RunAttribute, type RunColumn, type RunRow } from '#tracking'
import { chunksOf } from '../chunks.ts'
import { runSearch } from '../tracking/run-search.ts'
import type { TrackingTables } from '../tracking/tables.ts'
import { experimentIdsIn, inQuery } from './scope.ts'
import { childCounts, parentsOf } from './tree.ts'

type Db = Kysely<TrackingTables>
type Value = string | number | null
/** Values of some columns by run, then by column as it is spelled. */
type Values = Map<string, Map<string, Value>>

export function rowReads(db: Db): Pick<BrowsingReads, 'browseRuns' | 'runRows' | 'countRuns'> {
  return {
    browseRuns: async ({ scope, ...search }) =>
      runSearch(db, { ...search, experimentIds: await experimentIdsIn(db, scope) }),
    runRows: async (runIds, columns) => {
      const rows: RunRow[] = []
      for (const chunk of chunksOf(runIds)) rows.push(...(await rowsOf(db, chunk, columns)))
      return rows
    },
    countRuns: async (query) => {
      const { rows } = await sql<{ runs: number }>`
        select count(*) as runs from runs where ${inQuery(query)}`.execute(db)
      return rows[0]?.runs ?? 0
    },
  }
}

async function rowsOf(
  db: Db,
  runIds: readonly string[],
  columns: readonly RunColumn[],
): Promise<RunRow[]> {
  const values = await attributesOf(db, runIds, columns)
  await addMetrics(db, values, keysOf(columns, 'metric'))
  await addPairs(db, values, { of: 'param', keys: keysOf(columns, 'param') })
  await addPairs(db, values, { of: 'tag', keys: keysOf(columns, 'tag') })
  return runIds.flatMap((runId) => {
    const own = values.get(runId)
    if (own === undefined) return []
    return [{ runId, values: columns.map((column) => own.get(nameOf(column)) ?? null) }]
  })
}

/** Where the attributes stand that are columns of their own. */
const ATTRIBUTES: Readonly<Partial<Record<RunAttribute, keyof TrackingTables['runs']>>> = {
  run_name: 'name',
  status: 'status',
  user_id: 'user_id',
  start_time: 'start_ms',
  end_time: 'end_ms',
  artifact_uri: 'artifact_uri',
  lifecycle_stage: 'lifecycle',
  experiment_id: 'experiment_id',
}

async function attributesOf(
  db: Db,
  runIds: readonly string[],
  columns: readonly RunColumn[],
): Promise<Values> {
  const asked = new Set(
    columns.flatMap((column) => (column.of === 'attribute' ? [column.name] : [])),
  )
  const plain = [...asked].flatMap((name) => {
    const column = ATTRIBUTES[name]
    return column === undefined ? [] : [{ name, column }]
  })
  let query = db
    .selectFrom('runs')
    .select('runs.run_id')
    .where('runs.run_id', 'in', [...runIds])
  query = query.select(plain.map(({ column }) => `runs.${column}` as const))
  if (asked.has('experiment_name'))
    query = query
      .innerJoin('experiments', 'experiments.experiment_id', 'runs.experiment_id')
      .select('experiments.name as experiment_name')
  const rows = (await query.execute()) as Record<string, Value>[]
  const values: Values = new Map()
  for (const row of rows) {
    const own = new Map(plain.map(({ name, column }) => [attribute(name), row[column] ?? null]))
    own.set(attribute('experiment_name'), row['experiment_name'] ?? null)
    const id = own.get(attribute('experiment_id'))
    if (typeof id === 'number') own.set(attribute('experiment_id'), String(id))
    values.set(String(row['run_id']), own)
  }
  await addFamily(db, values, asked)
  return values
}

async function addFamily(db: Db, values: Values, asked: ReadonlySet<RunAttribute>): Promise<void> {
  const runIds = [...values.keys()]
  if (asked.has('parent_run_id'))
    for (const [runId, parent] of await parentsOf(db, runIds))
      values.get(runId)?.set(attribute('parent_run_id'), parent)
  if (!asked.has('child_count')) return
  const counts = await childCounts(db, runIds, ['active'])
  for (const [runId, own] of values) own.set(attribute('child_count'), counts.get(runId) ?? 0)
}

async function addMetrics(db: Db, values: Values, keys: readonly string[]): Promise<void> {
  if (keys.length === 0 || values.size === 0) return
  const rows = await db
    .selectFrom('metric_series')
    .select(['run_id', 'key', 'value', 'is_nan'])
    .where('run_id', 'in', [...values.keys()])
    .where('key', 'in', [...keys])
    .execute()
  for (const { run_id, key, value, is_nan } of rows)
    values.get(run_id)?.set(nameOf({ of: 'metric', key }), is_nan === 1 ? 'NaN' : value)
}

async function addPairs(
  db: Db,
  values: Values,
  { of, keys }: { of: 'param' | 'tag'; keys: readonly string[] },
): Promise<void> {
  if (keys.length === 0 || values.size === 0) return
  const rows = await db
    .selectFrom(of === 'param' ? 'run_params' : 'run_tags')
    .select(['run_id', 'key', 'value'])
    .where('run_id', 'in', [...values.keys()])
    .where('key', 'in', [...keys])
    .execute()
  for (const { run_id, key, value } of rows) values.get(run_id)?.set(nameOf({ of, key }), value)
}

function keysOf(columns: readonly RunColumn[], of: 'metric' | 'param' | 'tag'): string[] {
  return [...new Set(columns.flatMap((column) => (column.of === of ? [column.key] : [])))]
}

function nameOf(column: RunColumn): string {
  return column.of === 'attribute' ? attribute(column.name) : `${column.of}.${column.key}`
}

function attribute(name: RunAttribute): string {
  return `attribute.${name}`
}
