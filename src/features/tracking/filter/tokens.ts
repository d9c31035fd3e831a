import { Problem } from '#base/problem'

/** A piece of a filter. Its text is as written, its plain text without the quotes. */
export interface Token {
  readonly kind: 'name' | 'text' | 'number' | 'symbol'
  readonly text: string
  readonly plain: string
  readonly at: number
}

const SPACE = /\s/u
const NAME_START = /[\p{L}_]/u
const NAME_MORE = /[\p{L}\p{N}_]/u
// Each part of a number is read once, so a long one costs no more than its length.
const NUMBER = /-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
const SYMBOLS = ['>=', '<=', '!=', '>', '<', '=', '(', ')', ',']

/**
 * Cuts a filter into pieces in one walk. A name is one piece with its dots and quoted parts, such as
 * metrics.`val loss`. Throws an `invalid` problem at a character that begins nothing.
 */
export function tokensOf(filter: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < filter.length) {
    if (SPACE.test(characterAt(filter, at))) {
      at += 1
      continue
    }
    const next = tokenAt(filter, at)
    tokens.push(next)
    at += next.text.length
  }
  return tokens
}

/** The text without the quotes that stand around all of it. */
export function unquoted(text: string): string {
  const quote = text[0]
  const quoted =
    text.length >= 2 && (quote === '`' || quote === '"' || quote === "'") && text.endsWith(quote)
  return quoted ? text.slice(1, -1) : text
}

/** A refusal that says where in the filter, and what should stand there. */
export function wrongAt(filter: string, at: number, expected: string): Problem {
  const place =
    at >= filter.length
      ? 'at its end'
      : `at character ${at + 1}, ${JSON.stringify(filter.slice(at, at + 40))}`
  return new Problem(
    'invalid',
    `Invalid clause(s) in filter string ${JSON.stringify(filter.slice(0, 500))} ${place}: ${expected}`,
  )
}

function tokenAt(filter: string, at: number): Token {
  const first = characterAt(filter, at)
  if (first === "'" || first === '"') {
    const name = first === '"' ? dottedEnd(filter, quotedEnd(filter, at)) : undefined
    // "run name".x is no name that a search knows; a lone one is a text, which may stand for a name.
    return token('text', filter, { at, end: name ?? textEnd(filter, at) })
  }
  if (first === '`' || NAME_START.test(first))
    return token('name', filter, { at, end: nameEnd(filter, at) })
  NUMBER.lastIndex = at
  const number = NUMBER.exec(filter)?.[0]
  if (number !== undefined) {
    const end = at + number.length
    if (end < filter.length && (NAME_MORE.test(characterAt(filter, end)) || filter[end] === '.'))
      throw wrongAt(filter, at, 'this is no number')
    return token('number', filter, { at, end })
  }
  const symbol = SYMBOLS.find((each) => filter.startsWith(each, at))
  if (symbol !== undefined) return token('symbol', filter, { at, end: at + symbol.length })
  throw wrongAt(filter, at, 'this cannot be read; put odd characters into quotes')
}

function token(
  kind: Token['kind'],
  filter: string,
  { at, end }: { at: number; end: number },
): Token {
  const text = filter.slice(at, end)
  return { kind, text, plain: unquoted(text), at }
}

/** Where a name ends that starts here: `entity.key`, the key in quotes if need be, or a bare word. */
function nameEnd(filter: string, at: number): number {
  const first = filter[at] === '`' ? quotedEnd(filter, at) : wordEnd(filter, at)
  return dottedEnd(filter, first) ?? first
}

/** Where the parts end that follow with dots; undefined if none does. */
function dottedEnd(filter: string, start: number): number | undefined {
  let end = start
  while (filter[end] === '.') {
    const part = end + 1
    const next = '`"\''.includes(filter[part] ?? ' ')
      ? quotedEnd(filter, part)
      : wordEnd(filter, part)
    if (next === part)
      throw wrongAt(
        filter,
        part,
        'a key has to follow the dot, in backticks if it has odd characters',
      )
    end = next
  }
  return end === start ? undefined : end
}

function wordEnd(filter: string, at: number): number {
  let end = at
  while (end < filter.length && NAME_MORE.test(characterAt(filter, end)))
    end += characterAt(filter, end).length
  return end
}

function quotedEnd(filter: string, at: number): number {
  const end = filter.indexOf(filter[at] as string, at + 1)
  if (end === -1) throw wrongAt(filter, at, 'this quote is never closed')
  return end + 1
}

/** A text ends at its quote, except where two of them stand together. */
function textEnd(filter: string, at: number): number {
  let end = quotedEnd(filter, at)
  while (filter[end] === filter[at]) end = quotedEnd(filter, end)
  return end
}

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 32)
}
