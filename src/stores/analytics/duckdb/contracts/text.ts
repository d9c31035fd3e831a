import { Problem } from '#base/problem'
import type { Plain } from '#contracts'

/**
 * SQL as text. Rules become literals and no parameters: a pattern that the planner knows is compiled once, a list
 * that it knows is searched by dictionary. DuckDB's literals have no escapes but the doubled quote.
 */
export function literal(value: Plain): string {
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (typeof value === 'number') return numberLiteral(value)
  return `'${withoutNul(value).replaceAll("'", "''")}'`
}

function numberLiteral(value: number): string {
  if (Number.isSafeInteger(value)) return String(value)
  if (Number.isFinite(value)) return `${value}::double`
  return `'${Number.isNaN(value) ? 'nan' : value > 0 ? 'infinity' : '-infinity'}'::double`
}

export function quoted(identifier: string): string {
  return `"${withoutNul(identifier).replaceAll('"', '""')}"`
}

function withoutNul(text: string): string {
  if (text.includes('\0'))
    throw new Problem(
      'invalid',
      'a NUL character cannot stand in the name of a column or in a value',
    )
  return text
}

export function listOf(values: readonly Plain[]): string {
  return `[${values.map(literal).join(', ')}]`
}
