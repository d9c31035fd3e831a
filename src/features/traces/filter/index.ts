import { RE2JS } from 're2js'
import { messageOf, Problem } from '#base/problem'
import { clausesIn, orderIn, type Clause, type Comparator } from '#tracking'
import type { TraceOrder } from '../store.ts'
import { traceOrderField, traceTerm, type TraceCondition, type TraceTerm } from './terms.ts'

/** Longer patterns are nobody's question. */
const PATTERN_CHARS_MAX = 1000

/** Reads a filter such as `status = 'ERROR' AND span.name LIKE 'tool%'`. Throws `invalid` with what is wrong. */
export function parseTraceFilter(filter: string | undefined): TraceCondition[] {
  if (filter === undefined || filter.trim() === '') return []
  return clausesIn(filter).map((clause) => {
    const term = traceTerm(clause.entity, clause.key)
    if (term === undefined)
      throw new Problem(
        'invalid',
        `Invalid attribute key ${JSON.stringify(nameOf(clause))}: a search for traces does not know it; see the trace's attributes (status, timestamp_ms, execution_time_ms, name, run_id, text), tags.*, metadata.*, span.*, feedback.*, expectation.*`,
      )
    if (!term.comparators.includes(clause.comparator))
      throw new Problem(
        'invalid',
        `Invalid comparator ${spelled(clause.comparator)} for ${nameOf(clause)}: use one of ${term.comparators.map(spelled).join(', ')}`,
      )
    return { field: term.field, comparator: clause.comparator, value: valueOf(clause, term) }
  })
}

/** Reads an order; whatever it is, it ends with the newest first and the identifier. */
export function parseTraceOrder(keys: readonly string[] | undefined): TraceOrder[] {
  const seen = new Set<string>()
  const order: TraceOrder[] = (keys ?? []).map((text) => {
    const { entity, key, descending } = orderIn(text)
    const field = traceOrderField(entity, key)
    if (field === undefined)
      throw new Problem(
        'invalid',
        `Invalid order_by key ${JSON.stringify(text)}: traces are put in order by timestamp_ms, execution_time_ms, end_time_ms, status, name, request_id, run_id, experiment_id, tags.* or metadata.*`,
      )
    const name = JSON.stringify(field)
    if (seen.has(name))
      throw new Problem('invalid', `order_by contains duplicate fields: ${text} is there twice`)
    seen.add(name)
    return { field, descending }
  })
  const last: TraceOrder[] = [
    { field: { of: 'attribute', name: 'atMs' }, descending: true },
    { field: { of: 'attribute', name: 'traceId' }, descending: false },
  ]
  return [...order, ...last.filter(({ field }) => !seen.has(JSON.stringify(field)))]
}

/** Whether a text holds a match. The engine takes time in proportion to the text, whatever the pattern. */
export function patternOf(pattern: string): (text: string) => boolean {
  const compiled = RE2JS.compile(pattern, RE2JS.DOTALL)
  return (text) => compiled.matcher(text).find()
}

function valueOf(clause: Clause, term: TraceTerm): TraceCondition['value'] {
  const { comparator, value } = clause
  if (comparator === 'is-null' || comparator === 'is-not-null') return null
  if (comparator === 'in' || comparator === 'not-in') {
    if (value.kind === 'list') return value.texts
    throw mistaken(clause, "a list of quoted texts, such as ('a', 'b')")
  }
  const wantsNumber =
    term.takes === 'number' || (term.takes === 'either' && /[<>]/.test(comparator))
  if (wantsNumber) {
    if (value.kind === 'number') return value.number
    throw mistaken(clause, 'a number')
  }
  if (value.kind !== 'text') throw mistaken(clause, 'a text in quotes')
  if (comparator === 'rlike') assertPattern(clause, value.text)
  if (term.field.of === 'prompt' && value.text.split('/').length !== 2)
    throw mistaken(clause, `a prompt and its version: prompt = 'name/version'`)
  return value.text
}

function assertPattern(clause: Clause, pattern: string): void {
  if (pattern.length > PATTERN_CHARS_MAX)
    throw mistaken(clause, `a regular expression of at most ${PATTERN_CHARS_MAX} characters`)
  try {
    patternOf(pattern)
  } catch (error) {
    throw mistaken(clause, `a regular expression as RE2 reads them (${messageOf(error)})`)
  }
}

function mistaken(clause: Clause, wanted: string): Problem {
  return new Problem(
    'invalid',
    `Invalid value for ${nameOf(clause)}: ${spelled(clause.comparator)} compares it with ${wanted}`,
  )
}

function nameOf({ entity, key }: Clause): string {
  return entity === null ? key : `${entity}.${key}`
}

function spelled(comparator: Comparator): string {
  return comparator.replaceAll('-', ' ').toUpperCase()
}
