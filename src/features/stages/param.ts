/**
 * A value as YAML, JSON and TOML files hold it, in the types that Python reads: `bigint` is an int,
 * `number` a float. The two must stay apart, since a lock file prints 1 and 1.0 differently.
 */
export type ParamValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Timestamp
  | readonly ParamValue[]
  | ParamMap

export type ParamKey = null | boolean | bigint | number | string
export type ParamMap = ReadonlyMap<ParamKey, ParamValue>

/** A date or time, kept as it was written: it may stand in a file, but no stage can depend on it. */
export interface Timestamp {
  readonly timestamp: string
}

export function isMap(value: ParamValue | undefined): value is ParamMap {
  return value instanceof Map
}

export function isList(value: ParamValue | undefined): value is readonly ParamValue[] {
  return Array.isArray(value)
}

export function isTimestamp(value: ParamValue | undefined): value is Timestamp {
  return typeof value === 'object' && value !== null && 'timestamp' in value
}

/** Equality as Python's `==` has it: 1 is 1.0 is True, the order of keys is free, NaN equals nothing. */
export function sameParam(one: ParamValue | undefined, other: ParamValue | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  if (isNumeric(one) && isNumeric(other)) return numeric(one) == numeric(other)
  if (isList(one)) return isList(other) && sameList(one, other)
  if (isMap(one)) return isMap(other) && sameMap(one, other)
  if (isTimestamp(one)) return isTimestamp(other) && one.timestamp === other.timestamp
  return one === other
}

/** The value as JSON knows it, for records and people; ints beyond 2^53 become text. */
export function plainParam(value: ParamValue): PlainValue {
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (isList(value)) return value.map(plainParam)
  if (isMap(value))
    return Object.fromEntries([...value].map(([key, each]) => [String(key), plainParam(each)]))
  if (isTimestamp(value)) return value.timestamp
  return value
}

export type PlainValue =
  | null
  | boolean
  | number
  | string
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue }

function isNumeric(value: ParamValue): value is boolean | bigint | number {
  return typeof value === 'boolean' || typeof value === 'bigint' || typeof value === 'number'
}

function numeric(value: boolean | bigint | number): bigint | number {
  return typeof value === 'boolean' ? BigInt(value) : value
}

function sameList(one: readonly ParamValue[], other: readonly ParamValue[]): boolean {
  return one.length === other.length && one.every((each, index) => sameParam(each, other[index]))
}

function sameMap(one: ParamMap, other: ParamMap): boolean {
  if (one.size !== other.size) return false
  for (const [key, value] of one)
    if (!other.has(key) || !sameParam(value, other.get(key))) return false
  return true
}
