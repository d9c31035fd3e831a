import { sql, type RawBuilder, type SqlBool } from 'kysely'
import { invariant } from '#base/invariant'
import type { Comparator } from '#tracking'
import { caseInsensitiveLike, caseSensitiveLike } from './dialect.ts'

type Value = string | number | readonly (string | number)[] | null

/** `left` compared with a value, as a search asks for it. */
export function comparison(
  left: RawBuilder<unknown>,
  comparator: Comparator,
  value: Value,
): RawBuilder<SqlBool> {
  if (comparator === 'is-null') return sql`${left} is null`
  if (comparator === 'is-not-null') return sql`${left} is not null`
  if (comparator === 'like') return caseSensitiveLike(left, patternOf(value))
  if (comparator === 'ilike') return caseInsensitiveLike(left, patternOf(value))
  if (comparator === 'in') return sql`${left} in (${listOf(value)})`
  if (comparator === 'not-in') return sql`${left} not in (${listOf(value)})`
  return sql`${left} ${sql.raw(comparator)} ${numbered(value)}`
}

/** A number that a column of whole numbers cannot take for one of its own is compared as what it is. */
function numbered(value: Value): RawBuilder<unknown> {
  const isOdd = typeof value === 'number' && !Number.isSafeInteger(value)
  return isOdd ? sql`cast(${value} as double precision)` : sql`${value}`
}

/**
 * A condition on a row of another table: it must be there and match, or for `is-null` must not be there.
 * `row` selects it without a condition on its value.
 */
export function detail(
  row: RawBuilder<unknown>,
  left: RawBuilder<unknown>,
  { comparator, value }: { comparator: Comparator; value: Value },
): RawBuilder<SqlBool> {
  if (comparator === 'is-null') return sql`not exists (${row})`
  if (comparator === 'is-not-null') return sql`exists (${row})`
  return sql`exists (${row} and ${comparison(left, comparator, value)})`
}

function patternOf(value: Value): string {
  invariant(typeof value === 'string', 'a pattern is a text')
  return value
}

function listOf(value: Value): RawBuilder<unknown> {
  invariant(Array.isArray(value) && value.length > 0, 'a list to be in has members')
  return sql.join(value)
}
