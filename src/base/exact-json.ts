import { assertUnicode } from './json.ts'

/** JSON's values, with whole numbers that a number would round kept as `bigint`. */
export type ExactJson =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly ExactJson[]
  | { readonly [key: string]: ExactJson }

/** The reviver's third argument, which the language library does not know yet. */
type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown

/**
 * Reads JSON without losing digits, and the tokens that Python's `json` writes beside it: `NaN` is null,
 * infinities are infinities. Throws a `SyntaxError`, or `invalid` for text that is not Unicode.
 */
export function parseExactJson(text: string): ExactJson {
  // Reviving costs several times the plain parse, and only a number beyond 2^53 can need it.
  const parse = (json: string) => {
    const plain = JSON.parse(json) as ExactJson
    if (!hasLargeNumber(plain)) return plain
    return JSON.parse(json, exact as (key: string, value: unknown) => unknown) as ExactJson
  }
  const read = () => {
    try {
      return parse(text)
    } catch (error) {
      if (!/NaN|Infinity/.test(text)) throw error
      return parse(withoutTokens(text))
    }
  }
  const value = read()
  assertUnicode(value, text)
  return value
}

/**
 * The same as Python reads it, which tells 1 from 1.0: what is written as a whole number is a `bigint`, every `number` is
 * a float, and NaN is one.
 */
export function parsePythonNumbers(text: string): ExactJson {
  const read = (json: string) =>
    JSON.parse(json, pythonNumber as (key: string, value: unknown) => unknown) as ExactJson
  try {
    return read(text)
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error
    return read(withoutTokens(text, { nan: NAN }))
  }
}

/** What stands for NaN while the parser reads; nobody writes zero like this. */
const NAN = '0e-31337'

const pythonNumber: Reviver = (_, value, { source }) => {
  if (typeof value !== 'number' || source === undefined) return value
  if (source === NAN) return Number.NaN
  return /^-?\d+$/.test(source) ? BigInt(source) : value
}

const exact: Reviver = (_, value, { source }) =>
  typeof value === 'number' &&
  !Number.isSafeInteger(value) &&
  source !== undefined &&
  /^-?\d+$/.test(source)
    ? BigInt(source)
    : value

/** Without calls to itself, because a body may be deep; and without an iterator, because most of one is long lists. */
function hasLargeNumber(value: ExactJson): boolean {
  const rest: object[] = [[value]]
  for (let next = rest.pop(); next !== undefined; next = rest.pop())
    if (Array.isArray(next) ? isLargeIn(next, rest) : isLargeIn(Object.values(next), rest))
      return true
  return false
}

/** Whether a list has a large number; adds to `rest` what has values of its own. */
function isLargeIn(values: readonly unknown[], rest: object[]): boolean {
  for (let index = 0; index < values.length; index++) {
    const each = values[index]
    if (typeof each === 'number') {
      if (each > Number.MAX_SAFE_INTEGER || each < Number.MIN_SAFE_INTEGER) return true
    } else if (typeof each === 'object' && each !== null) rest.push(each)
  }
  return false
}

/**
 * Replaces the tokens outside of strings; 1e999 is the shortest way to say infinity in JSON. Strings are stepped over
 * without a pattern: one that repeats over a long text has no room for its steps back.
 */
function withoutTokens(text: string, { nan }: { nan: string } = { nan: 'null' }): string {
  const parts: string[] = []
  for (let from = 0; from < text.length;) {
    const quote = text.indexOf('"', from)
    const start = quote === -1 ? text.length : quote
    parts.push(
      text.slice(from, start).replace(/\bNaN\b|-?\bInfinity\b/g, (token) => inJson(token, nan)),
    )
    from = endOfString(text, start)
    parts.push(text.slice(start, from))
  }
  return parts.join('')
}

function inJson(token: string, nan: string): string {
  if (token === 'NaN') return nan
  return token === 'Infinity' ? '1e999' : '-1e999'
}

/** Behind the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text[end - 1 - slashes] === '\\') slashes += 1
    if (slashes % 2 === 0) return end + 1
  }
  return text.length
}

/** Writes JSON with every digit of a `bigint`, and NaN and infinities as Python's `json` does. */
export function printExactJson(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number')
    return Number.isFinite(value) ? JSON.stringify(value) : String(value)
  if (Array.isArray(value)) return `[${value.map(printExactJson).join(',')}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([key, each]) => `${JSON.stringify(key)}:${printExactJson(each)}`)
      .join(',')}}`
  return JSON.stringify(value ?? null)
}
