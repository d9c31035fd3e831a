import { isList, isMap, plainParam, type ParamKey, type ParamValue } from '../param.ts'

/** A value as Hydra's grammar writes it: one, or several of which each is tried. */
export type Swept = { readonly one: OverrideValue } | { readonly each: readonly OverrideValue[] }

/** Text with `${a.b}` in it is filled in from the parameters when it is laid over them. */
export type OverrideValue = ParamValue | Interpolated

export interface Interpolated {
  readonly interpolated: string
}

export function isInterpolated(value: OverrideValue): value is Interpolated {
  return typeof value === 'object' && value !== null && 'interpolated' in value
}

/** A fault in what somebody wrote after `=`. */
export class OverrideFault extends Error {}

/** Reads all of the text; throws {@link OverrideFault}. */
export function readSwept(text: string): Swept {
  const reader = valueReader(text)
  return reader.whole()
}

type Part =
  | { readonly kind: 'value'; readonly value: OverrideValue }
  | { readonly kind: 'sweep'; readonly values: readonly OverrideValue[] }

interface Argument {
  readonly name: string | undefined
  readonly part: Part
}

const QUOTED = /"(?:(?:\\\\)*|[^]*?[^\\](?:\\\\)*)"|'(?:(?:\\\\)*|[^]*?[^\\](?:\\\\)*)'/y
const CALL = /[A-Za-z_][\w-]*[ \t]*\(/y
const INTERPOLATION = /\$\{[^}]+\}/y
const ESCAPED = /\\[\\()[\]{}:=, \t]/y
const WORD = /[\w/\-\\+.$%*@?| \t]/y
const NAMED = /([A-Za-z_][\w-]*)[ \t]*=[ \t]*/y

function cursorOf(text: string) {
  let at = 0
  const matched = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    at += found?.length ?? 0
    return found
  }
  const blanks = () => matched(/[ \t]*/y)
  return {
    matched,
    blanks,
    rest: () => text.slice(at),
    isAtEnd: () => at >= text.length,
    take: (sign: string): boolean => {
      const before = at
      blanks()
      if (text[at] === sign) {
        at += 1
        blanks()
        return true
      }
      at = before
      return false
    },
  }
}

type Cursor = ReturnType<typeof cursorOf>

function valueReader(text: string) {
  const cursor = cursorOf(text)
  const element = (): Part => {
    if (cursor.take('[')) return { kind: 'value', value: listRest(cursor, element) }
    if (cursor.take('{')) return { kind: 'value', value: mapRest(cursor, element) }
    const call = cursor.matched(CALL)
    if (call !== undefined) return called(call.slice(0, -1).trim(), argumentsRest(cursor, element))
    const quoted = cursor.matched(QUOTED)
    if (quoted !== undefined) return { kind: 'value', value: unquoted(quoted) }
    return { kind: 'value', value: primitive(cursor, { colons: true }) }
  }
  return {
    whole: (): Swept => {
      cursor.blanks()
      if (cursor.isAtEnd()) return { one: '' }
      const parts = [element()]
      while (cursor.take(',')) parts.push(element())
      cursor.blanks()
      if (!cursor.isAtEnd()) throw unexpected(cursor)
      const [first] = parts
      if (parts.length === 1 && first !== undefined)
        return first.kind === 'value' ? { one: first.value } : { each: first.values }
      return { each: parts.map(single) }
    },
  }
}

function listRest(cursor: Cursor, element: () => Part): ParamValue {
  const items: ParamValue[] = []
  if (cursor.take(']')) return items
  do items.push(plain(element()))
  while (cursor.take(','))
  if (!cursor.take(']')) throw unexpected(cursor, ']')
  return items
}

function mapRest(cursor: Cursor, element: () => Part): ParamValue {
  const entries = new Map<ParamKey, ParamValue>()
  if (cursor.take('}')) return entries
  do {
    const key = primitive(cursor, { colons: false })
    if (!cursor.take(':')) throw unexpected(cursor, ':')
    entries.set(key as ParamKey, plain(element()))
  } while (cursor.take(','))
  if (!cursor.take('}')) throw unexpected(cursor, '}')
  return entries
}

function argumentsRest(cursor: Cursor, element: () => Part): Argument[] {
  const found: Argument[] = []
  if (cursor.take(')')) return found
  do {
    cursor.blanks()
    const named = cursor.matched(NAMED)
    found.push({ name: named?.replace(/[ \t]*=[ \t]*$/, ''), part: element() })
  } while (cursor.take(','))
  if (!cursor.take(')')) throw unexpected(cursor, ')')
  return found
}

function unexpected(cursor: Cursor, wanted?: string): OverrideFault {
  const rest = cursor.rest()
  const what = rest === '' ? 'it ends too early' : `"${rest[0]}" stands where it may not`
  const hint = wanted === undefined ? 'put text with signs into quotes' : `"${wanted}" is missing`
  return new OverrideFault(`${what}; ${hint}`)
}

function primitive(cursor: Cursor, { colons }: { colons: boolean }): OverrideValue {
  cursor.blanks()
  const raw: string[] = []
  let [escapes, fills] = [false, false]
  for (;;) {
    const fill = colons ? cursor.matched(INTERPOLATION) : undefined
    const escaped = fill === undefined ? cursor.matched(ESCAPED) : undefined
    const sign = fill ?? escaped?.slice(1) ?? cursor.matched(WORD)
    if (sign !== undefined) {
      raw.push(sign)
      escapes ||= escaped !== undefined
      fills ||= fill !== undefined
    } else if (colons && cursor.matched(/:/y) !== undefined) raw.push(':')
    else break
  }
  if (raw.length === 0) throw unexpected(cursor)
  const joined = raw.join('')
  const written = escapes ? joined : joined.trim()
  if (fills) return { interpolated: written }
  return escapes ? written : typed(written)
}

const INT = /^[-+]?(?:0|[1-9](?:_?\d)*)$/
const FLOAT =
  /^[-+]?(?:(?:0|[1-9](?:_?\d)*)\.|(?:0|[1-9](?:_?\d)*)?\.\d(?:_?\d)*|(?:(?:0|[1-9](?:_?\d)*)\.?|(?:0|[1-9](?:_?\d)*)?\.\d(?:_?\d)*)[eE][-+]?\d(?:_?\d)*)$/

function typed(written: string): ParamValue {
  if (INT.test(written)) return BigInt(written.replaceAll('_', '').replace(/^\+/, ''))
  if (FLOAT.test(written)) return Number(written.replaceAll('_', ''))
  const named = /^([-+]?)(inf|nan)$/i.exec(written)
  if (named !== null)
    return named[2]?.toLowerCase() === 'nan' ? Number.NaN : named[1] === '-' ? -Infinity : Infinity
  if (/^(?:true|false)$/i.test(written)) return written.toLowerCase() === 'true'
  return /^null$/i.test(written) ? null : written
}

/** Only the quote itself, and backslashes before it, are escaped inside quotes. */
function unquoted(quoted: string): OverrideValue {
  const quote = quoted[0] ?? ''
  const inner = quoted
    .slice(1, -1)
    .replaceAll(/(\\+)(['"]|$)/g, (whole, slashes: string, after: string) =>
      after === quote || after === '' ? '\\'.repeat(Math.floor(slashes.length / 2)) + after : whole,
    )
  return /\$\{[^}]+\}/.test(inner) ? { interpolated: inner } : inner
}

function single(part: Part): OverrideValue {
  if (part.kind === 'sweep') throw new OverrideFault('a sweep stands inside another one')
  return part.value
}

function plain(part: Part): ParamValue {
  const value = single(part)
  if (isInterpolated(value))
    throw new OverrideFault('${…} inside a list or a map is not filled in; write the value')
  return value
}

const FUNCTIONS: Readonly<Record<string, (given: readonly Argument[]) => Part>> = {
  choice: (given) => ({ kind: 'sweep', values: positional('choice', given) }),
  range: (given) => ({ kind: 'sweep', values: rangeOf(given) }),
  sort: (given) => sorted(given),
  shuffle: (given) => ({ kind: 'sweep', values: listed('shuffle', given) }),
  int: (given) => cast('int', given, toInt),
  float: (given) => cast('float', given, toFloat),
  str: (given) => cast('str', given, toText),
  bool: (given) => cast('bool', given, toBool),
}

function called(name: string, given: readonly Argument[]): Part {
  const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  if (known !== undefined) return known(given)
  const names = Object.keys(FUNCTIONS).join(', ')
  throw new OverrideFault(`there is no ${name}(…) here; there are ${names}`)
}

function positional(name: string, given: readonly Argument[]): OverrideValue[] {
  const strange = given.find((each) => each.name !== undefined)
  if (strange !== undefined) throw new OverrideFault(`${name}(…) takes no ${strange.name}=`)
  if (given.length === 0) throw new OverrideFault(`${name}() has nothing to choose from`)
  return given.map(({ part }) => single(part))
}

/** What is swept over: one sweep as the only argument, or the arguments themselves. */
function listed(name: string, given: readonly Argument[]): readonly OverrideValue[] {
  const [only] = given
  if (given.length === 1 && only?.part.kind === 'sweep') return only.part.values
  return positional(name, given)
}

function sorted(given: readonly Argument[]): Part {
  const order = given.find(({ name }) => name === 'reverse')
  const values = listed(
    'sort',
    given.filter((each) => each !== order),
  )
  const reverse = order !== undefined && single(order.part) === true
  const compared = [...values].toSorted((one, other) => compare(one, other))
  return { kind: 'sweep', values: reverse ? compared.toReversed() : compared }
}

function compare(one: OverrideValue, other: OverrideValue): number {
  const [left, right] = [one, other].map((each) => (typeof each === 'bigint' ? Number(each) : each))
  const comparable =
    (typeof left === 'number' && typeof right === 'number') ||
    (typeof left === 'string' && typeof right === 'string')
  if (!comparable) throw new OverrideFault('sort(…) takes numbers or texts, not both')
  return left === right ? 0 : (left as number) < (right as number) ? -1 : 1
}

/** More experiments than this at once are a slip of the pen. */
const RANGE_MAX = 100_000

function rangeOf(given: readonly Argument[]): ParamValue[] {
  const unnamed = given.filter(({ name }) => name === undefined).map(({ part }) => single(part))
  const names = unnamed.length === 1 ? ['stop'] : ['start', 'stop', 'step']
  const all = new Map<string, OverrideValue>(
    unnamed.map((value, index) => [names[index] ?? '', value]),
  )
  for (const { name, part } of given) if (name !== undefined) all.set(name, single(part))
  const [start = 0n, stop, step = 1n] = ['start', 'stop', 'step'].map((name) => all.get(name))
  if (!isNumber(start) || !isNumber(stop) || !isNumber(step) || unnamed.length > 3)
    throw new OverrideFault('range(…) takes a start, a stop and a step, which are numbers')
  if (Number(step) === 0) throw new OverrideFault('the step of range(…) must not be 0')
  const isWhole = [start, stop, step].every((each) => typeof each === 'bigint')
  const count = Math.max(0, Math.ceil((Number(stop) - Number(start)) / Number(step)))
  if (!(count <= RANGE_MAX)) throw new OverrideFault(`range(…) has more than ${RANGE_MAX} values`)
  if (isWhole)
    return Array.from({ length: count }, (_, index) => BigInt(start) + BigInt(index) * BigInt(step))
  // Each is the one before it and the step, as people who read 0.1, 0.2, 0.3 expect.
  return Array.from({ length: count }, (_, index) => rounded(Number(start) + index * Number(step)))
}

function rounded(value: number): number {
  return Number(value.toPrecision(15))
}

function isNumber(value: OverrideValue | undefined): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function cast(
  name: string,
  given: readonly Argument[],
  to: (value: ParamValue) => ParamValue,
): Part {
  const [only] = given
  const deep = (value: ParamValue): ParamValue => {
    if (isList(value)) return value.map(deep)
    if (isMap(value)) return new Map([...value].map(([key, each]) => [key, deep(each)]))
    return to(value)
  }
  const each = (value: OverrideValue): ParamValue => {
    if (isInterpolated(value)) throw new OverrideFault(`${name}(…) does not take \${…}`)
    return deep(value)
  }
  if (given.length === 1 && only?.part.kind === 'value')
    return { kind: 'value', value: each(only.part.value) }
  return { kind: 'sweep', values: listed(name, given).map(each) }
}

function toInt(value: ParamValue): ParamValue {
  if (typeof value === 'bigint') return value
  if (typeof value === 'boolean') return value ? 1n : 0n
  const number = typeof value === 'string' ? Number(value.replaceAll('_', '')) : value
  if (typeof number !== 'number' || !Number.isFinite(number) || number === null)
    throw new OverrideFault(`int(…) cannot be made of ${shown(value)}`)
  if (typeof value === 'string' && !INT.test(value))
    throw new OverrideFault(`int(…) cannot be made of "${value}"`)
  return BigInt(Math.trunc(number))
}

function toFloat(value: ParamValue): ParamValue {
  const read = typeof value === 'string' ? typed(value) : value
  if (typeof read === 'boolean' || typeof read === 'bigint') return Number(read)
  if (typeof read === 'number') return read
  throw new OverrideFault(`float(…) cannot be made of ${shown(value)}`)
}

function toText(value: ParamValue): ParamValue {
  return value === null ? 'null' : shown(value)
}

function shown(value: ParamValue): string {
  return typeof value === 'string' ? value : JSON.stringify(plainParam(value))
}

function toBool(value: ParamValue): ParamValue {
  if (typeof value === 'string') {
    if (/^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true'
    throw new OverrideFault(`bool(…) cannot be made of "${value}"`)
  }
  return value !== null && Number(value) !== 0
}
