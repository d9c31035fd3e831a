import { setImmediate as nextTurn } from 'node:timers/promises'
import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely'
import {
  SOURCE_RUN_KEY,
  type TraceAttribute,
  type TraceCondition,
  type TraceOrder,
  type TraceSearch,
} from '#traces'
import type { Placed } from '#tracking'
import { comparison, detail } from '../conditions.ts'
import { isAfter, keyColumns, missingLast, orderedBy, placed, type Key } from '../keyset.ts'
import { isDecidedHere, survivors } from './decide.ts'
import type { TraceTables } from './tables.ts'

type Db = Kysely<TraceTables>
type Pair = { readonly of: 'tag' | 'metadata'; readonly key: string }
type Said = Extract<TraceCondition['field'], { of: 'assessment' }>

/** Candidates that are looked at together where the database cannot decide. */
const BATCH = 200

/** The traces that a search asks for, in its order; as many as its limit. */
export async function traceSearch(db: Db, search: TraceSearch): Promise<Placed<string>[]> {
  if (search.experimentIds.length === 0) return []
  const undecided = search.conditions.filter(isDecidedHere)
  if (undecided.length === 0) return candidates(db, search)
  const found: Placed<string>[] = []
  for (let { after } = search; ;) {
    const batch = await candidates(db, { ...search, after, limit: BATCH })
    const ids = batch.map(({ item }) => item)
    const kept = await survivors(db, ids, search.conditions)
    found.push(...batch.filter(({ item }) => kept.has(item)))
    if (found.length >= search.limit) return found.slice(0, search.limit)
    if (batch.length < BATCH) return found
    after = batch.at(-1)?.place
    // A search through very many traces lets others in between.
    await nextTurn()
  }
}

async function candidates(
  db: Db,
  { experimentIds, conditions, order, limit, after }: TraceSearch,
): Promise<Placed<string>[]> {
  const keys = order.flatMap(keysOf)
  const scope = sql`traces.experiment_id in (${sql.join(experimentIds.map(Number))})`
  const spans = conditions.filter(({ field }) => isOfSpan(field)).map(spanMatches)
  const holding = [
    scope,
    ...conditions.filter(({ field }) => !isOfSpan(field)).map((each) => matches(each, scope)),
    ...(spans.length === 0
      ? []
      : [
          sql<SqlBool>`exists (select 1 from spans
            where spans.trace_id = traces.trace_id and ${sql.join(spans, sql` and `)})`,
        ]),
    isAfter(keys, after),
  ]
  const { rows } = await sql<{ trace_id: string }>`
    select traces.trace_id, ${sql.join(keyColumns(keys))} from traces
    ${sql.join(order.map(valueRow), sql` `)}
    where ${sql.join(holding, sql` and `)}
    order by ${orderedBy(keys)} limit ${limit}`.execute(db)
  return rows.map((row) => placed(row, keys, row.trace_id))
}

function isOfSpan(field: TraceCondition['field']): boolean {
  return field.of === 'span' || field.of === 'span-attribute'
}

const COLUMNS: Readonly<Record<TraceAttribute, RawBuilder<unknown>>> = {
  traceId: sql.ref('traces.trace_id'),
  experimentId: sql.ref('traces.experiment_id'),
  clientRequestId: sql.ref('traces.client_request_id'),
  state: sql.ref('traces.state'),
  name: sql.ref('traces.name'),
  session: sql.ref('traces.session_id'),
  atMs: sql.ref('traces.at_ms'),
  durationMs: sql.ref('traces.duration_ms'),
  endMs: sql`(traces.at_ms + coalesce(traces.duration_ms, 0))`,
}

const NUMBERS = new Set<TraceAttribute>(['experimentId', 'atMs', 'durationMs', 'endMs'])
const MAY_BE_MISSING = new Set<TraceAttribute>(['clientRequestId', 'name', 'session', 'durationMs'])

function keysOf({ field, descending }: TraceOrder, at: number): Key[] {
  if (field.of !== 'attribute')
    return missingLast({ value: sql.ref(`o${at}.value`), kind: 'text', descending })
  const { name } = field
  const kind = NUMBERS.has(name) ? 'number' : 'text'
  const key: Key = { value: COLUMNS[name], kind, descending }
  return MAY_BE_MISSING.has(name) ? missingLast(key) : [key]
}

/** The row of another table that holds the value to order by; a trace has one at most. */
function valueRow({ field }: TraceOrder, at: number): RawBuilder<unknown> {
  if (field.of !== 'tag' && field.of !== 'metadata') return sql``
  const row = `o${at}`
  return sql`left join ${pairTable(field)} as ${sql.table(row)}
    on ${sql.ref(`${row}.trace_id`)} = traces.trace_id and ${sql.ref(`${row}.key`)} = ${field.key}`
}

/** What the database decides of a condition; the rest is looked at afterwards. */
function matches(condition: TraceCondition, scope: RawBuilder<unknown>): RawBuilder<SqlBool> {
  const { field } = condition
  // What is undecided must at least be there.
  const { comparator, value } =
    condition.comparator === 'rlike'
      ? { comparator: 'is-not-null' as const, value: null }
      : condition
  switch (field.of) {
    case 'attribute':
      return comparison(COLUMNS[field.name], comparator, value)
    case 'tag':
    case 'metadata':
      return detail(pairRow(field), sql.ref('pair.value'), { comparator, value })
    case 'run':
      return runMatches({ comparator, value })
    case 'prompt':
      return sql`exists (select 1 from trace_prompts link
        where link.trace_id = traces.trace_id and link.prompt = ${value})`
    case 'issue':
      return sql`exists (select 1 from assessments issue where issue.trace_id = traces.trace_id
        and issue.kind = 'issue' and issue.name = ${value})`
    case 'assessment':
      return assessmentMatches(field, { comparator, value }, scope)
    case 'span':
    case 'span-attribute':
    default:
      return sql`1 = 1`
  }
}

type Asked = Pick<TraceCondition, 'comparator' | 'value'>

/** The run that made the trace, or one that it was linked to; unlike a run is only what another run made. */
function runMatches(asked: Asked): RawBuilder<SqlBool> {
  const made = pairRow({ of: 'metadata', key: SOURCE_RUN_KEY })
  const own = detail(made, sql.ref('pair.value'), asked)
  const links = sql`select 1 from trace_runs link where link.trace_id = traces.trace_id`
  const linked = detail(links, sql.ref('link.run_id'), asked)
  if (asked.comparator === '!=' || asked.comparator === 'not-in') return own
  return asked.comparator === 'is-null' ? sql`(${own} and ${linked})` : sql`(${own} or ${linked})`
}

/** An assessment of the trace, or one that speaks for the whole session that the trace is in. */
function assessmentMatches(
  { kind, name }: Said,
  { comparator, value }: Asked,
  scope: RawBuilder<unknown>,
): RawBuilder<SqlBool> {
  const said = sql`said.kind = ${kind} and said.name = ${name} and said.valid = 1`
  const isPresence = comparator === 'is-null' || comparator === 'is-not-null'
  const holds = isPresence ? said : sql`${said} and ${valueMatches({ comparator, value })}`
  const found = sql<SqlBool>`(exists (select 1 from assessments said
      where said.trace_id = traces.trace_id and ${holds})
    or traces.session_id in (select other.session_id from assessments said
      join (select * from traces where ${scope}) other on other.trace_id = said.trace_id
      where other.session_id is not null and said.session_scoped = 1 and ${holds}))`
  // A trace of no session is in no list, which "not" must not make unknown.
  return comparator === 'is-null' ? sql`(not coalesce(${found}, false))` : found
}

/** Values are kept as JSON, so a text is asked for with and without its quotes. */
function valueMatches({ comparator, value }: Asked): RawBuilder<SqlBool> {
  if (typeof value === 'number')
    return sql`(said.is_number = 1 and ${comparison(sql.ref('said.number'), comparator, value)})`
  const either = sql<SqlBool>`(said.value = ${value} or said.value = ${JSON.stringify(value)})`
  if (comparator === '=') return either
  if (comparator === '!=') return sql`(not ${either})`
  return comparison(sql.ref('said.value'), comparator, value)
}

/** What the database decides of a condition on a span; all of them are about the same one. */
function spanMatches({ field, comparator, value }: TraceCondition): RawBuilder<SqlBool> {
  if (field.of === 'span-attribute')
    return comparison(sql.ref('spans.content'), 'like', `%${JSON.stringify(field.key)}: %`)
  if (field.of !== 'span' || comparator === 'rlike') return sql`1 = 1`
  return comparison(sql.ref(`spans.${field.name}`), comparator, value)
}

function pairRow(field: Pair): RawBuilder<unknown> {
  return sql`select 1 from ${pairTable(field)} pair
    where pair.trace_id = traces.trace_id and pair.key = ${field.key}`
}

function pairTable({ of }: Pick<Pair, 'of'>): RawBuilder<unknown> {
  return sql.table(of === 'tag' ? 'trace_tags' : 'trace_metadata')
}
