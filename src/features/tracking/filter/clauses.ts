import { Problem } from '#base/problem'
import type { Comparator } from '../search.ts'

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

interface Token {
  readonly kind: 'name' | 'text' | 'number' | 'symbol'
  readonly text: string
  /** The text without its quotes. */
  readonly plain: string
  readonly at: number
}

// A name has parts with dots between; a part that holds odd characters stands in quotes of some kind.
const PART = String.raw`(?:[\p{L}\p{N}_]+|\x60[^\x60]*\x60|"[^"]*"|'[^']*')`
const TOKENS = new RegExp(
  [
    String.raw`(?<space>\s+)`,
    String.raw`(?<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_.]))`,
    String.raw`(?<name>[\p{L}_][\p{L}\p{N}_]*(?:\.${PART})+|[\p{L}_][\p{L}\p{N}_]*|\x60[^\x60]*\x60)`,
    String.raw`(?<text>'(?:[^']|'')*'|"(?:[^"]|"")*")`,
    String.raw`(?<symbol>>=|<=|!=|>|<|=|\(|\)|,)`,
  ].join('|'),
  'uy',
)

/** Reads the clauses of a filter. Throws an `invalid` problem that says where it goes wrong. */
export function clausesIn(filter: string): Clause[] {
  const tokens = tokensOf(filter)
  const clauses: Clause[] = []
  let at = 0
  const next = () => tokens[at++]
  const word = () => tokens[at]?.text.toUpperCase()
  while (at < tokens.length) {
    // Clauses set side by side mean the same as with AND between them, as in MLflow's own server.
    if (word() === 'AND' && clauses.length > 0) at++
    const name = next()
    if (name === undefined) throw wrong(filter, filter.length, 'a clause has to follow AND')
    const { entity, key } = identifierIn(filter, name)
    const comparator = comparatorIn(filter, tokens, at)
    at += comparator.length
    const value = valueIn(filter, tokens, at, comparator.of)
    at += value.length
    clauses.push({ entity, key, comparator: comparator.of, value: value.of })
  }
  return clauses
}

/** Reads `key`, `key ASC` or `key DESC`. */
export function orderIn(order: string): {
  entity: string | null
  key: string
  descending: boolean
} {
  const tokens = tokensOf(order)
  const direction = tokens[1]?.text.toUpperCase() ?? 'ASC'
  if (tokens[0] === undefined || tokens.length > 2 || !['ASC', 'DESC'].includes(direction))
    throw new Problem(
      'invalid',
      `Invalid order_by clause ${JSON.stringify(order)}: write a key, then ASC or DESC`,
    )
  return { ...identifierIn(order, tokens[0]), descending: direction === 'DESC' }
}

function tokensOf(filter: string): Token[] {
  const tokens: Token[] = []
  TOKENS.lastIndex = 0
  while (TOKENS.lastIndex < filter.length) {
    const at = TOKENS.lastIndex
    const groups = TOKENS.exec(filter)?.groups
    if (groups === undefined) throw wrong(filter, at, 'this cannot be read')
    const [kind, text] = Object.entries(groups).find(([, each]) => each !== undefined) as [
      string,
      string,
    ]
    if (kind === 'space') continue
    tokens.push({ kind: kind as Token['kind'], text, plain: unquoted(text), at })
  }
  return tokens
}

function identifierIn(filter: string, token: Token): { entity: string | null; key: string } {
  if (token.kind === 'text') {
    // "run name" is a name here, while 'run name' is a value out of its place.
    if (token.text.startsWith('"')) return { entity: null, key: token.plain }
    throw wrong(filter, token.at, 'a clause begins with the name of a field')
  }
  if (token.kind !== 'name')
    throw wrong(filter, token.at, 'a clause begins with the name of a field')
  const dot = token.text.startsWith('`') ? -1 : token.text.indexOf('.')
  if (dot === -1) return { entity: null, key: token.plain }
  return { entity: token.text.slice(0, dot), key: unquoted(token.text.slice(dot + 1)) }
}

function comparatorIn(
  filter: string,
  tokens: readonly Token[],
  at: number,
): { of: Comparator; length: number } {
  const words = tokens.slice(at, at + 3).map((token) => token.text.toUpperCase())
  for (const [spelled, of] of COMPARATORS)
    if (spelled.every((word, index) => words[index] === word)) return { of, length: spelled.length }
  throw wrong(
    filter,
    tokens[at]?.at ?? filter.length,
    'a comparison has to follow: > >= < <= = != LIKE ILIKE IN IS NULL IS NOT NULL',
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

function valueIn(
  filter: string,
  tokens: readonly Token[],
  at: number,
  comparator: Comparator,
): { of: Clause['value']; length: number } {
  if (comparator === 'is-null' || comparator === 'is-not-null')
    return { of: { kind: 'none' }, length: 0 }
  const token = tokens[at]
  if (token?.kind === 'text') return { of: { kind: 'text', text: token.plain }, length: 1 }
  if (token?.kind === 'number')
    return { of: { kind: 'number', number: Number(token.text) }, length: 1 }
  if (token?.text === '(') return listIn(filter, tokens, at)
  throw wrong(
    filter,
    token?.at ?? filter.length,
    'a value has to follow: a number, a text in quotes, or a list in parentheses',
  )
}

function listIn(filter: string, tokens: readonly Token[], start: number) {
  const texts: string[] = []
  let at = start + 1
  while (tokens[at]?.kind === 'text') {
    texts.push((tokens[at] as Token).plain)
    at++
    if (tokens[at]?.text === ',') at++
  }
  if (tokens[at]?.text !== ')' || texts.length === 0)
    throw wrong(
      filter,
      tokens[at]?.at ?? filter.length,
      "a list holds texts in quotes with commas between: ('a', 'b')",
    )
  return { of: { kind: 'list', texts } as const, length: at + 1 - start }
}

function unquoted(text: string): string {
  const quote = text[0]
  const quoted =
    text.length >= 2 && (quote === '`' || quote === '"' || quote === "'") && text.endsWith(quote)
  return quoted ? text.slice(1, -1) : text
}

function wrong(filter: string, at: number, why: string): Problem {
  return new Problem(
    'invalid',
    `Invalid clause(s) in filter string ${JSON.stringify(filter)} at ${JSON.stringify(filter.slice(at, at + 40))}: ${why}`,
  )
}
