import type { ChangedRow, ShownRow } from '#tables'
import type { Row } from '../engine.ts'

/** A row out of the JSON that the engine makes of it. */
export function shownRow(json: unknown): ShownRow {
  // Numbers that are not finite are no JSON, though the engine prints them.
  const text = (json as string).replaceAll(
    /("(?:[^"\\]|\\.)*")|(-?\b(?:NaN|nan|Infinity|inf)\b)/g,
    (_, quoted: string | undefined, wild: string | undefined) => quoted ?? `"${wild}"`,
  )
  return JSON.parse(text, exact) as ShownRow
}

/** Whole numbers beyond what a number holds stay text. */
function exact(_: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !Number.isInteger(value))
    return value
  return /^-?\d+$/.test(context?.source ?? '') ? context?.source : value
}

/** A row that changed: its key, and of the columns that differ both values. */
export function changedRow(row: Row, keys: readonly string[]): ChangedRow {
  const [old, current] = [shownRow(row['old']), shownRow(row['new'])]
  const key = Object.fromEntries(keys.map((name) => [name, current[name]]))
  const changes = (row['differs'] as readonly string[]).map((column) => ({
    column,
    old: old[column],
    new: current[column],
  }))
  return { key, changes }
}
