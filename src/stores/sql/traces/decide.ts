import { sql, type Kysely, type RawBuilder } from 'kysely'
import { invariant } from '#base/invariant'
import { patternOf, SOURCE_RUN_KEY, textIn, type TraceCondition } from '#traces'
import type { TraceTables } from './tables.ts'

// What no database decides alike, or in bounded time: regular expressions, and attributes inside the text of a span.

type Test = (text: string) => boolean

export function isDecidedHere({ field, comparator }: TraceCondition): boolean {
  return comparator === 'rlike' || field.of === 'span-attribute'
}

/** Which of the traces meet the conditions that the database has left open. */
export async function survivors(
  db: Kysely<TraceTables>,
  traceIds: readonly string[],
  conditions: readonly TraceCondition[],
): Promise<ReadonlySet<string>> {
  let left = new Set(traceIds)
  const open = conditions.filter(isDecidedHere)
  for (const condition of open.filter(({ field }) => !isOfSpan(field))) {
    if (left.size === 0) return left
    const test = testOf(condition)
    const { rows } = await sql<{ trace_id: string; value: string | null }>`
      ${valuesFor(condition.field, [...left])}`.execute(db)
    left = new Set(
      rows.flatMap(({ trace_id, value }) => (value !== null && test(value) ? [trace_id] : [])),
    )
  }
  if (left.size === 0 || !open.some(({ field }) => isOfSpan(field))) return left
  return spanSurvivors(
    db,
    [...left],
    conditions.filter(({ field }) => isOfSpan(field)),
  )
}

function isOfSpan(field: TraceCondition['field']): boolean {
  return field.of === 'span' || field.of === 'span-attribute'
}

function valuesFor(field: TraceCondition['field'], ids: readonly string[]): RawBuilder<unknown> {
  const among = sql`trace_id in (${sql.join(ids)})`
  switch (field.of) {
    case 'attribute':
      return sql`select trace_id, ${sql.ref(TEXT_COLUMNS[field.name] ?? 'trace_id')} as value
        from traces where ${among}`
    case 'tag':
      return sql`select trace_id, value from trace_tags where key = ${field.key} and ${among}`
    case 'metadata':
      return sql`select trace_id, value from trace_metadata where key = ${field.key} and ${among}`
    case 'run':
      return sql`select trace_id, value from trace_metadata
          where key = ${SOURCE_RUN_KEY} and ${among}
        union all select trace_id, run_id as value from trace_runs where ${among}`
    case 'assessment':
      return sql`select trace_id, value from assessments
        where kind = ${field.kind} and name = ${field.name} and valid = 1 and ${among}`
    case 'prompt':
    case 'issue':
    case 'span':
    case 'span-attribute':
    default:
      throw new Error('these are not compared by pattern here')
  }
}

const TEXT_COLUMNS: Readonly<Record<string, string>> = {
  traceId: 'trace_id',
  clientRequestId: 'client_request_id',
  state: 'state',
  name: 'name',
  session: 'session_id',
}

/** Traces with a span that meets every condition on spans. */
async function spanSurvivors(
  db: Kysely<TraceTables>,
  traceIds: readonly string[],
  conditions: readonly TraceCondition[],
): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('spans')
    .select(['trace_id', 'name', 'type', 'status', 'content'])
    .where('trace_id', 'in', traceIds)
    .execute()
  const tests = conditions.map((condition) => ({ field: condition.field, test: testOf(condition) }))
  const found = new Set<string>()
  for (const row of rows) {
    if (found.has(row.trace_id)) continue
    const meets = tests.every(({ field, test }) => {
      const text = textOf(row, field)
      return text !== null && test(text)
    })
    if (meets) found.add(row.trace_id)
  }
  return found
}

type SpanTexts = Pick<TraceTables['spans'], 'name' | 'type' | 'status' | 'content'>

function textOf(row: SpanTexts, field: TraceCondition['field']): string | null {
  if (field.of === 'span') return row[field.name]
  invariant(field.of === 'span-attribute', 'only spans are asked here')
  const { attributes } = JSON.parse(row.content) as { attributes: Record<string, string> }
  const json = Object.hasOwn(attributes, field.key) ? attributes[field.key] : undefined
  return json === undefined ? null : (textIn(json) ?? json)
}

function testOf({ comparator, value }: TraceCondition): Test {
  if (comparator === 'in' || comparator === 'not-in') {
    const listed = new Set((value as readonly unknown[]).map(String))
    return (text) => listed.has(text) === (comparator === 'in')
  }
  const asked = String(value)
  if (comparator === '=') return (text) => text === asked
  if (comparator === '!=') return (text) => text !== asked
  if (comparator === 'rlike') return patternOf(asked)
  if (comparator === 'like') return patternOf(likePattern(asked))
  invariant(comparator === 'ilike', 'spans are compared as texts')
  const test = patternOf(likePattern(asked.toLowerCase()))
  return (text) => test(text.toLowerCase())
}

/** A pattern of `%` and `_` as a regular expression. */
function likePattern(like: string): string {
  const parts = like
    .split(/([%_])/)
    .map((part) => ({ '%': '.*', _: '.' })[part] ?? part.replaceAll(/[^\p{L}\p{N}\s]/gu, '\\$&'))
  return `^(?:${parts.join('')})$`
}
