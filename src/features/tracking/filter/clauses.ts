import { Problem } from '#base/problem'
import type { Comparator } from '../search.ts'
import { tokensOf, unquoted, wrongAt, type Token } from './tokens.ts'

/** One clause of a filter as it was written: `entity.key comparator value`. */
export interface Clause {
  /** What stands before the first dot, such as `metrics`; absent for a bare name. */
  readonly entity: string | null
  readonly key: string
  readonly comparator: Comparator
  readonly value:
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'number'; readonly number: number }
    | { readonly kind: 'list'; readonly texts: readonly string[] }
    | { readonly kind: 'none' }
}

/** More than any person writes; each is a condition of one statement, whose depth has a limit in a database. */
const CLAUSES_MAX = 100
/** In all lists together: a database takes some tens of thousands of values with a statement, and one may be used more than once. */
const LISTED_MAX = 8000

/** Reads the pieces of one filter from left to right. */
interface Reader {
  /** Takes the next pieces if they are these words or signs, in any case. */
  take(...words: string[]): boolean
  takeKind(kind: Token['kind']): Token | undefined
  isAtEnd(): boolean
  /** A refusal at the next piece. */
  expected(what: string): Problem
}

/**
 * Reads the clauses of a filter:
 *
 *     filter     = { AND | clause }
 *     clause     = name comparison
 *     comparison = sign value | [I]LIKE value | [NOT] IN list | IS [NOT] NULL
 *     value      = number | text
 *     list       = "(" text { "," text } [ "," ] ")"
 *
 * Clauses side by side mean the same as with AND between them, and an AND too many means nothing: so does
 * MLflow's own server read them. Throws an `invalid` problem that says where it goes wrong.
 */
export function clausesIn(filter: string): Clause[] {
  const reader = readerOf(filter)
  const clauses: Clause[] = []
  let listed = 0
  while (!reader.isAtEnd()) {
    if (reader.take('AND')) continue
    if (clauses.length === CLAUSES_MAX)
      throw new Problem(
        'invalid',
        `a filter has at most ${CLAUSES_MAX} comparisons; use IN (…) for many values, or search several times`,
      )
    const clause = clauseIn(reader)
    if (clause.value.kind === 'list') listed += clause.value.texts.length
    if (listed > LISTED_MAX)
      throw new Problem(
        'invalid',
        `the lists of a filter have at most ${LISTED_MAX} values together; search several times`,
      )
    clauses.push(clause)
  }
  return clauses
}

/** Reads `key`, `key ASC` or `key DESC`. */
export function orderIn(order: string): {
  entity: string | null
  key: string
  descending: boolean
} {
  const reader = readerOf(order)
  try {
    const name = nameIn(reader)
    const descending = reader.take('DESC')
    if (!descending) reader.take('ASC')
    if (reader.isAtEnd()) return { ...name, descending }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
  }
  throw new Problem(
    'invalid',
    `Invalid order_by clause ${JSON.stringify(order.slice(0, 500))}: write a key, then ASC or DESC`,
  )
}

function clauseIn(reader: Reader): Clause {
  const name = nameIn(reader)
  const comparator = comparatorIn(reader)
  return { ...name, comparator, value: valueIn(reader, comparator) }
}

function nameIn(reader: Reader): { entity: string | null; key: string } {
  const name = reader.takeKind('name')
  if (name === undefined) {
    // "run name" may be a name, while 'run name' is a value out of its place.
    const text = reader.expected('a clause begins with the name of a field, such as metrics.auc')
    const quoted = reader.takeKind('text')
    if (quoted?.text.startsWith('"') !== true) throw text
    return { entity: null, key: quoted.plain }
  }
  const dot = dotOf(name.text)
  if (dot === -1) return { entity: null, key: name.plain }
  return { entity: unquoted(name.text.slice(0, dot)), key: unquoted(name.text.slice(dot + 1)) }
}

/** The dot behind the entity, which may stand in backticks. */
function dotOf(name: string): number {
  return name.indexOf('.', name.startsWith('`') ? name.indexOf('`', 1) : 0)
}

function comparatorIn(reader: Reader): Comparator {
  for (const [spelled, comparator] of COMPARATORS) if (reader.take(...spelled)) return comparator
  throw reader.expected(
    'a comparison has to follow: > >= < <= = != LIKE ILIKE IN, NOT IN, IS NULL or IS NOT NULL; a key with spaces or odd characters stands in backticks',
  )
}

const COMPARATORS: readonly (readonly [readonly string[], Comparator])[] = [
  [['IS', 'NOT', 'NULL'], 'is-not-null'],
  [['IS', 'NULL'], 'is-null'],
  [['NOT', 'IN'], 'not-in'],
  [['IN'], 'in'],
  [['LIKE'], 'like'],
  [['ILIKE'], 'ilike'],
  [['RLIKE'], 'rlike'],
  ...(['=', '!=', '<', '<=', '>', '>='] as const).map((sign) => [[sign], sign] as const),
]

function valueIn(reader: Reader, comparator: Comparator): Clause['value'] {
  if (comparator === 'is-null' || comparator === 'is-not-null') return { kind: 'none' }
  if (comparator === 'in' || comparator === 'not-in') return listIn(reader)
  const text = reader.takeKind('text')
  if (text !== undefined) return { kind: 'text', text: text.plain }
  const number = reader.takeKind('number')
  if (number !== undefined) return { kind: 'number', number: Number(number.text) }
  throw reader.expected('a value has to follow: a number, or a text in quotes')
}

function listIn(reader: Reader): Clause['value'] {
  const texts: string[] = []
  if (!reader.take('('))
    throw reader.expected("a list in parentheses has to follow, such as ('a', 'b')")
  do {
    const text = reader.takeKind('text')
    if (text === undefined && texts.length > 0 && reader.take(')')) return { kind: 'list', texts }
    if (text === undefined) throw reader.expected('a list holds texts in quotes')
    texts.push(text.plain)
  } while (reader.take(','))
  if (!reader.take(')'))
    throw reader.expected('a comma has to follow, or the parenthesis that closes the list')
  return { kind: 'list', texts }
}

function readerOf(filter: string): Reader {
  const tokens = tokensOf(filter)
  let next = 0
  return {
    take: (...words) => {
      const fits = words.every((word, index) => {
        const token = tokens[next + index]
        return token !== undefined && token.kind !== 'text' && token.text.toUpperCase() === word
      })
      if (fits) next += words.length
      return fits
    },
    takeKind: (kind) => (tokens[next]?.kind === kind ? tokens[next++] : undefined),
    isAtEnd: () => next >= tokens.length,
    expected: (what) => wrongAt(filter, tokens[next]?.at ?? filter.length, what),
  }
}
