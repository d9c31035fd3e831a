import type { Plain, TableColumn, Test } from '#contracts'
import { listOf, literal, quoted } from './text.ts'
import { castFor, isFloat, isOfType } from './types.ts'

/** Tests that look at each row by itself. */
export type RowTest = Extract<
  Test,
  {
    kind:
      | 'type'
      | 'nulls'
      | 'missing'
      | 'set'
      | 'pattern'
      | 'range'
      | 'length'
      | 'multiple'
      | 'nan'
      | 'infinite'
  }
>

export function isRowTest(test: Test): test is RowTest {
  return Object.hasOwn(BROKEN, test.kind)
}

/** What is true of the rows that break a test, false or null of the others. Null breaks no rule but those about nulls. */
export function isBroken(test: RowTest, column: TableColumn): string {
  return BROKEN[test.kind](test as never, column)
}

const BROKEN: {
  readonly [K in RowTest['kind']]: (
    test: Extract<RowTest, { kind: K }>,
    column: TableColumn,
  ) => string
} = {
  nulls: (_, { name }) => `${quoted(name)} is null`,
  missing: ({ values }, column) =>
    values.length === 0
      ? `${quoted(column.name)} is null`
      : `(${quoted(column.name)} is null or ${isOneOf(column, values)})`,
  type: (test, column) => isMistyped(test, column),
  set: ({ values }, column) => `not ${isOneOf(column, values)}`,
  pattern: ({ pattern }, column) => `not regexp_matches(${asText(column)}, ${literal(pattern)})`,
  range: (test, column) => isOutside(test, column),
  length: (test, column) => isOfOtherLength(test, column),
  multiple: ({ of }, column) => isNoMultiple(of, column),
  nan: (_, column) => (isFloat(column) ? `isnan(${quoted(column.name)})` : 'false'),
  infinite: (_, column) => (isFloat(column) ? `isinf(${quoted(column.name)})` : 'false'),
}

function asText(column: TableColumn): string {
  const name = quoted(column.name)
  return column.physicalType === 'VARCHAR' ? name : `cast(${name} as varchar)`
}

function isOneOf(column: TableColumn, values: readonly Plain[]): string {
  const numbers = values.filter((value) => typeof value === 'number')
  const isNumber = column.type === 'integer' || column.type === 'number'
  if (isNumber && numbers.length === values.length) {
    const isWhole = column.type === 'integer' && numbers.every((value) => Number.isInteger(value))
    const name = quoted(column.name)
    return isWhole
      ? `list_contains(${listOf(numbers)}::${column.physicalType === 'HUGEINT' ? 'hugeint' : 'bigint'}[], ${name})`
      : `list_contains(${listOf(numbers)}::double[], ${name}::double)`
  }
  return `list_contains(${listOf(values.map(String))}, ${asText(column)})`
}

function isMistyped(test: Extract<RowTest, { kind: 'type' }>, column: TableColumn): string {
  if (isOfType(column, test.type)) return 'false'
  const name = quoted(column.name)
  const cast = castFor(test.type)
  // What a text file holds is of a type if it reads as one; a typed file says itself what it holds.
  if (!column.guessed || cast === undefined) return `${name} is not null`
  const text = asText(column)
  const isReadable = `try_cast(${text} as ${cast}) is null`
  const isWhole =
    test.type === 'integer' ? ` or not regexp_full_match(${text}, '\\s*[+-]?[0-9]+\\s*')` : ''
  return `(${name} is not null and (${isReadable}${isWhole}))`
}

/** The column as values of the type that its bounds are of. */
function valueFor(
  test: Extract<RowTest, { kind: 'range' }>,
  column: TableColumn,
): { value: string; as: string | undefined } {
  const cast = castFor(test.type)
  const name = quoted(column.name)
  if (column.physicalType === 'VARCHAR' && cast !== undefined)
    return { value: `try_cast(${name} as ${cast})`, as: cast }
  const isTime = column.type === 'date' || column.type === 'timestamp' || column.type === 'time'
  return { value: name, as: isTime ? column.physicalType : undefined }
}

function isOutside(test: Extract<RowTest, { kind: 'range' }>, column: TableColumn): string {
  const { value, as } = valueFor(test, column)
  const bound = (of: Plain) =>
    as === undefined || typeof of === 'number' ? literal(of) : `cast(${literal(of)} as ${as})`
  const { min, max, exclusiveMin, exclusiveMax } = test.bounds
  const parts = [
    ...(min === undefined ? [] : [`${value} < ${bound(min)}`]),
    ...(exclusiveMin === undefined ? [] : [`${value} <= ${bound(exclusiveMin)}`]),
    ...(max === undefined ? [] : [`${value} > ${bound(max)}`]),
    ...(exclusiveMax === undefined ? [] : [`${value} >= ${bound(exclusiveMax)}`]),
  ]
  // NaN is above everything to the engine and inside of nothing to us.
  if (isFloat(column) && max === undefined && exclusiveMax === undefined)
    parts.push(`isnan(${value})`)
  return parts.length === 0 ? 'false' : `(${parts.join(' or ')})`
}

function isOfOtherLength(test: Extract<RowTest, { kind: 'length' }>, column: TableColumn): string {
  const length = test.of === 'text' ? `length(${asText(column)})` : `len(${quoted(column.name)})`
  const parts = [
    ...(test.min === undefined ? [] : [`${length} < ${literal(test.min)}`]),
    ...(test.max === undefined ? [] : [`${length} > ${literal(test.max)}`]),
  ]
  return parts.length === 0 ? 'false' : `(${parts.join(' or ')})`
}

/** Tenths are no binary fractions: a quotient this near to a whole number counts as one. */
const NEAR = 1e-9

function isNoMultiple(of: number, column: TableColumn): string {
  const name = quoted(column.name)
  if (column.type === 'integer' && Number.isInteger(of)) return `${name} % ${literal(of)} <> 0`
  const quotient = `(${column.physicalType === 'VARCHAR' ? `try_cast(${name} as double)` : `${name}::double`} / ${literal(of)})`
  return `(not isfinite(${quotient}) or abs(${quotient} - round(${quotient})) > ${NEAR})`
}
