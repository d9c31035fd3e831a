import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely'
import { invariant } from '#base/invariant'
import type { Condition, Order, Place, Placed, RunField, RunSearch } from '#tracking'
import { comparison, detail } from '../conditions.ts'
import {
  ascending,
  isAfter,
  keyColumns,
  missingLast,
  orderedBy,
  placed,
  type Key,
} from '../keyset.ts'
import { FEW, narrowEntry } from './run-search-entry.ts'
import type { TrackingTables } from './tables.ts'

/**
 * The runs that a search asks for: their identifiers in order, one more than its limit. It begins with the
 * narrowest condition, which `few` runs at most meet, or with the metric that orders the runs, and only
 * otherwise with all of them.
 */
export async function runSearch(
  db: Kysely<TrackingTables>,
  search: RunSearch,
  few: number = FEW,
): Promise<Placed<string>[]> {
  if (search.experimentIds.length === 0) return []
  const all: Query = {
    search,
    from: sql`runs`,
    joins: search.order.map(valueRow),
    where: [],
    keys: keysOf(search.order),
    after: search.after,
  }
  const entry = await narrowEntry(db, search, few)
  if (entry !== undefined) return found(db, entry === 'scope' ? all : enteredBy(all, entry))
  const numbers = withNumbers(all)
  const first = numbers === undefined ? [] : await found(db, numbers)
  if (first.length <= search.limit) return found(db, all)
  return first.map(({ item, place }) => ({ item, place: [0, ...place] }))
}

interface Query {
  readonly search: RunSearch
  readonly from: RawBuilder<unknown>
  readonly joins: readonly RawBuilder<unknown>[]
  readonly where: readonly RawBuilder<SqlBool>[]
  readonly keys: readonly Key[]
  readonly after: Place | undefined
}

async function found(
  db: Kysely<TrackingTables>,
  { search, from, joins, where, keys, after }: Query,
): Promise<Placed<string>[]> {
  const { experimentIds, lifecycles, conditions, limit } = search
  const all = [...where, ...conditions.map(matches), isAfter(keys, after)]
  const { rows } = await sql<{ run_id: string }>`
    select runs.run_id, ${sql.join(keyColumns(keys))} from ${from} ${sql.join(joins, sql` `)}
    where runs.experiment_id in (${sql.join(experimentIds.map(Number))})
    and runs.lifecycle in (${sql.join(lifecycles)}) and ${sql.join(all, sql` and `)}
    order by ${orderedBy(keys)} limit ${limit + 1}`.execute(db)
  return rows.map((row) => placed(row, keys, row.run_id))
}

// SQLite reads what stands before `cross join` first; PostgreSQL finds the best order by itself.
function enteredBy(all: Query, entry: RawBuilder<unknown>): Query {
  return {
    ...all,
    from: sql`(${entry}) as way cross join runs`,
    where: [sql`runs.run_id = way.run_id`],
  }
}

/**
 * The same search among the runs whose first key, a metric, is a number: they come first of all, and the
 * index of the metric's values has them in order. Nothing when another key comes first, or the page lies
 * beyond the numbers.
 */
function withNumbers({ search, joins, keys, after, ...rest }: Query): Query | undefined {
  const [first] = search.order
  if (first?.field.of !== 'metric' || (after !== undefined && after[0] !== 0)) return undefined
  const bound = after?.[1]
  const from = first.descending ? sql`o0.value <= ${bound}` : sql`o0.value >= ${bound}`
  return {
    ...rest,
    search,
    from: sql`metric_series as o0 cross join runs`,
    joins: joins.slice(1),
    where: [
      sql`o0.key = ${first.field.key} and o0.is_nan = 0 and runs.run_id = o0.run_id`,
      // Said once more than the keys say it, for the index to begin there.
      ...(typeof bound === 'number' ? [sql<SqlBool>`${from}`] : []),
    ],
    keys: keys.slice(1),
    after: after?.slice(1),
  }
}

/** As asked; then the newest start first, and runs of one moment by their identifiers. */
function keysOf(order: readonly Order<RunField>[]): Key[] {
  const asked = order.flatMap(({ field, descending }, at) => {
    const key: Key = { value: valueOf(field, at), kind: kindOf(field), descending }
    if (field.of === 'metric') {
      // Numbers come before NaN, and NaN before what is missing.
      const sort = sql`coalesce(${sql.ref(`o${at}.is_nan`)}, 2)`
      return [ascending(sort, 'number'), key]
    }
    return field.of === 'attribute' && field.name !== 'endMs' ? [key] : missingLast(key)
  })
  const byStart = order.some(({ field }) => field.of === 'attribute' && field.name === 'startMs')
  const start: Key = { value: sql.ref('runs.start_ms'), kind: 'number', descending: true }
  return [...asked, ...(byStart ? [] : [start]), ascending(sql.ref('runs.run_id'), 'text')]
}

export function matches({ field, ...asked }: Condition<RunField>): RawBuilder<SqlBool> {
  if (field.of === 'attribute')
    return comparison(sql.ref(COLUMNS[field.name]), asked.comparator, asked.value)
  if (field.of === 'metric') return metricMatches(field.key, asked)
  if (field.of !== 'dataset') return detail(pairRow(field), sql.ref('pair.value'), asked)
  const used = sql`select 1 from run_datasets used
    join datasets data on data.dataset_id = used.dataset_id where used.run_id = runs.run_id`
  const column = field.name === 'context' ? 'used.context' : `data.${field.name}`
  return detail(used, sql.ref(column), asked)
}

function metricMatches(
  key: string,
  { comparator, value }: Omit<Condition<RunField>, 'field'>,
): RawBuilder<SqlBool> {
  // The plus keeps SQLite from walking the index of values for each run instead of looking the run up.
  const holds = comparison(sql`+m.value`, comparator, value)
  // NaN is unlike every number, and neither below nor above it.
  const matching =
    comparator === '!=' ? sql`(+m.is_nan = 1 or ${holds})` : sql`(+m.is_nan = 0 and ${holds})`
  return sql`exists (select 1 from metric_series m
    where m.run_id = runs.run_id and m.key = ${key} and ${matching})`
}

/** The row of another table that holds the value to order by; a run has one at most. */
function valueRow({ field }: Order<RunField>, at: number): RawBuilder<unknown> {
  if (field.of === 'attribute' || field.of === 'dataset') return sql``
  const table = field.of === 'metric' ? sql.table('metric_series') : pairTable(field)
  const row = `o${at}`
  return sql`left join ${table} as ${sql.table(row)}
    on ${sql.ref(`${row}.run_id`)} = runs.run_id and ${sql.ref(`${row}.key`)} = ${field.key}`
}

function valueOf(field: RunField, at: number): RawBuilder<unknown> {
  invariant(field.of !== 'dataset', 'a run has many datasets, which give it no order')
  return sql.ref(field.of === 'attribute' ? COLUMNS[field.name] : `o${at}.value`)
}

function kindOf(field: RunField): Key['kind'] {
  if (field.of === 'metric') return 'number'
  return field.of === 'attribute' && (field.name === 'startMs' || field.name === 'endMs')
    ? 'number'
    : 'text'
}

function pairRow(field: Extract<RunField, { key: string }>): RawBuilder<unknown> {
  return sql`select 1 from ${pairTable(field)} pair
    where pair.run_id = runs.run_id and pair.key = ${field.key}`
}

function pairTable(field: RunField): RawBuilder<unknown> {
  return sql.table(field.of === 'param' ? 'run_params' : 'run_tags')
}

const COLUMNS = {
  runId: 'runs.run_id',
  name: 'runs.name',
  status: 'runs.status',
  artifactUri: 'runs.artifact_uri',
  userId: 'runs.user_id',
  startMs: 'runs.start_ms',
  endMs: 'runs.end_ms',
} as const
