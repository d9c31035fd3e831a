/** The kinds of values that a contract knows, as the Open Data Contract Standard names them. */
export const LOGICAL_TYPES = [
  'string',
  'integer',
  'number',
  'boolean',
  'date',
  'timestamp',
  'time',
  'object',
  'array',
  'map',
  'vector',
] as const

export type LogicalType = (typeof LOGICAL_TYPES)[number]

/** A single value as a contract writes it; days and times are text. */
export type Plain = string | number | boolean

/** Warnings are told; errors are failures. */
export type Severity = 'error' | 'warning'

/** Between bounds, which count themselves unless they are said to be exclusive. */
export interface Bounds {
  readonly min?: Plain
  readonly max?: Plain
  readonly exclusiveMin?: Plain
  readonly exclusiveMax?: Plain
}

export const DRIFT_METHODS = [
  'psi',
  'jensen-shannon',
  'kolmogorov-smirnov',
  'l-infinity',
  'js-divergence',
] as const

/** Distances from a reference; the last two are TFDV's, to the digit. */
export type DriftMethod = (typeof DRIFT_METHODS)[number]

/** What is looked at. All but the last five count rows that are not as they should be. */
export type Test =
  | { readonly kind: 'column'; readonly column: string }
  | {
      readonly kind: 'other-columns'
      /** Those that the contract names. */
      readonly columns: readonly string[]
    }
  | { readonly kind: 'type'; readonly column: string; readonly type: LogicalType }
  | { readonly kind: 'nulls'; readonly column: string }
  | { readonly kind: 'missing'; readonly column: string; readonly values: readonly Plain[] }
  | { readonly kind: 'set'; readonly column: string; readonly values: readonly Plain[] }
  | { readonly kind: 'pattern'; readonly column: string; readonly pattern: string }
  | {
      readonly kind: 'range'
      readonly column: string
      readonly type: LogicalType
      readonly bounds: Bounds
    }
  | {
      readonly kind: 'length'
      readonly column: string
      readonly of: 'text' | 'list'
      readonly min: number | undefined
      readonly max: number | undefined
    }
  | { readonly kind: 'multiple'; readonly column: string; readonly of: number }
  | { readonly kind: 'nan'; readonly column: string }
  | { readonly kind: 'infinite'; readonly column: string }
  | { readonly kind: 'duplicates'; readonly columns: readonly string[] }
  | {
      readonly kind: 'reference'
      readonly columns: readonly string[]
      /** The dataset that is pointed at, of this contract or among its others, and its columns in the same order. */
      readonly dataset: string
      readonly to: readonly string[]
      /** Why nobody can look; undefined where it is looked at. */
      readonly unchecked?: string
    }
  | { readonly kind: 'rows' }
  | { readonly kind: 'distinct'; readonly column: string }
  | { readonly kind: 'age'; readonly column: string; readonly of: 'newest' | 'oldest' }
  | { readonly kind: 'sql'; readonly column: string | undefined; readonly query: string }
  | {
      readonly kind: 'drift'
      readonly column: string
      readonly method: DriftMethod
      /** Where the reference data is, relative to the project's root. */
      readonly reference: string
    }

export type TestKind = Test['kind']

/** What a measured number has to be. */
export type Limit =
  | { readonly operator: Comparison; readonly value: number; readonly unit: Unit }
  | {
      readonly operator: 'between' | 'not-between'
      readonly low: number
      readonly high: number
      readonly unit: Unit
    }

export type Comparison = '=' | '!=' | '>' | '>=' | '<' | '<='

/** `percent` is of all rows of the dataset. */
export type Unit = 'rows' | 'percent'

/** No row may break it. */
export const NONE: Limit = { operator: '=', value: 0, unit: 'rows' }

export interface Rule {
  /** Stays the same for as long as the contract says the same: `flights.carrier.set`. */
  readonly id: string
  readonly severity: Severity
  readonly test: Test
  readonly limit: Limit
  /** What the contract's author says of it. */
  readonly description: string | undefined
}

/**
 * Whether a number is within its limit. Between is exclusive at both ends, as the standard's page has it
 * ("equal to > and <"); not between is what is outside or on an end.
 */
export function isWithin(limit: Limit, measured: number): boolean {
  if ('low' in limit) {
    const between = measured > limit.low && measured < limit.high
    return (limit.operator === 'between') === between
  }
  return HOLDS[limit.operator](measured, limit.value)
}

const HOLDS: Readonly<Record<Comparison, (measured: number, value: number) => boolean>> = {
  '=': (measured, value) => measured === value,
  '!=': (measured, value) => measured !== value,
  '>': (measured, value) => measured > value,
  '>=': (measured, value) => measured >= value,
  '<': (measured, value) => measured < value,
  '<=': (measured, value) => measured <= value,
}

const WORDS: Readonly<Record<Comparison, string>> = {
  '=': 'be',
  '!=': 'not be',
  '>': 'be more than',
  '>=': 'be at least',
  '<': 'be less than',
  '<=': 'be at most',
}

/** `be at most 5 %`, after "must". */
export function limitInWords(limit: Limit): string {
  const unit = limit.unit === 'percent' ? ' %' : ''
  if ('low' in limit)
    return `${limit.operator === 'between' ? 'be' : 'not be'} between ${limit.low} and ${limit.high}${unit}`
  return `${WORDS[limit.operator]} ${limit.value}${unit}`
}
