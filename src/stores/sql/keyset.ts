import { sql, type RawBuilder, type SqlBool } from 'kysely'
import { Problem } from '#base/problem'
import type { Place, Placed } from '#tracking'

// Pages by keyset: a page says what its last row was ordered by, and the next one starts after that. So a
// page is right whatever was added meanwhile, costs the same however deep it lies, and needs no memory.

/** One thing that rows are ordered by. */
export interface Key {
  readonly value: RawBuilder<unknown>
  readonly kind: 'text' | 'number'
  readonly descending: boolean
}

export const ascending = (value: RawBuilder<unknown>, kind: Key['kind']): Key => ({
  value,
  kind,
  descending: false,
})

/** Orders by a value that may be missing: missing ones come last, whichever the direction. */
export function missingLast(key: Key): Key[] {
  return [ascending(sql`case when ${key.value} is null then 1 else 0 end`, 'number'), key]
}

/** The keys as columns `k0`, `k1`, … of a select. */
export function keyColumns(keys: readonly Key[]) {
  return keys.map(({ value }, at) => sql<string | number | null>`${value}`.as(`k${at}`))
}

export function orderedBy(keys: readonly Key[]): RawBuilder<unknown> {
  return sql.join(keys.map(({ value, descending }) => sql`${value} ${direction(descending)}`))
}

/** A row that was read with `keyColumns`, as its item and its place. */
export function placed<T>(row: object, keys: readonly Key[], item: T): Placed<T> {
  const columns = row as Record<string, string | number | null>
  return { item, place: keys.map((_, at) => columns[`k${at}`] ?? null) }
}

/** Whether a row comes after the place; every row does when there is none. Throws `invalid` for a place of another order. */
export function isAfter(keys: readonly Key[], place: Place | undefined): RawBuilder<SqlBool> {
  if (place === undefined) return sql`1 = 1`
  checkPlace(keys, place)
  const cases = keys.flatMap((key, at) => {
    const value = place[at] ?? null
    // Nothing comes after a missing value but what is equal to it so far.
    if (value === null) return []
    const equal = keys
      .slice(0, at)
      .flatMap((before, index) =>
        (place[index] ?? null) === null ? [] : [sql`${before.value} = ${place[index]}`],
      )
    return [sql`(${sql.join([...equal, beyond(key, value)], sql` and `)})`]
  })
  return sql`(${sql.join(cases, sql` or `)})`
}

function beyond({ value, descending }: Key, of: string | number): RawBuilder<unknown> {
  return sql`${value} ${sql.raw(descending ? '<' : '>')} ${of}`
}

function direction(descending: boolean): RawBuilder<unknown> {
  return sql.raw(descending ? 'desc' : 'asc')
}

function checkPlace(keys: readonly Key[], place: Place): void {
  const fits =
    place.length === keys.length &&
    place.some((value) => value !== null) &&
    keys.every(({ kind }, at) => {
      const value = place[at] ?? null
      return value === null || typeof value === (kind === 'text' ? 'string' : 'number')
    })
  if (!fits)
    throw new Problem(
      'invalid',
      'Invalid page token: it belongs to a search with another order; ask for the first page again',
    )
}
