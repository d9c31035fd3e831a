import type { Logged } from '#inference'
import type { AnsweredRow } from './tasks.ts'

/** A column, several together, or a column of numbers cut at edges. */
export type GroupBy =
  | string
  | readonly string[]
  | { readonly column: string; readonly edges: readonly number[] }

export interface Group {
  readonly name: string
  /** Places in the answers. */
  readonly places: Uint32Array
}

/** More groups of one column than this are not looked at; the largest are. */
export const GROUPS_MAX = 50

export function groupTitle(by: GroupBy): string {
  if (typeof by === 'string') return by
  return 'column' in by ? by.column : by.join(' × ')
}

/** The answers by the values of a column of their inputs, the largest group first. A missing value is a group of its own. */
export function groupsOf(
  rows: readonly AnsweredRow[],
  answered: Uint32Array,
  by: GroupBy,
): { groups: Group[]; left: number } {
  const places = new Map<string, number[]>()
  for (const [place, row] of answered.entries()) {
    const name = nameOf(rows[row] as AnsweredRow, by)
    const list = places.get(name)
    if (list === undefined) places.set(name, [place])
    else list.push(place)
  }
  const all = [...places]
    .map(([name, list]) => ({ name, places: Uint32Array.from(list) }))
    .toSorted(
      (one, other) => other.places.length - one.places.length || (one.name < other.name ? -1 : 1),
    )
  return { groups: all.slice(0, GROUPS_MAX), left: Math.max(0, all.length - GROUPS_MAX) }
}

function nameOf({ inputs }: AnsweredRow, by: GroupBy): string {
  if (typeof by === 'string') return valueName(inputs[by])
  if (!('column' in by)) return by.map((column) => valueName(inputs[column])).join(', ')
  const value = inputs[by.column]
  if (typeof value !== 'number' || Number.isNaN(value)) return valueName(value)
  return spanName(value, by.edges)
}

const MISSING = '(missing)'

function valueName(value: Logged | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return MISSING
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Each edge belongs to the span above it. */
function spanName(value: number, edges: readonly number[]): string {
  const sorted = edges.toSorted((one, other) => one - other)
  const above = sorted.findIndex((edge) => value < edge)
  const [first, last] = [sorted[0], sorted.at(-1)]
  if (above === 0) return `< ${first}`
  return above === -1 ? `≥ ${last}` : `${sorted[above - 1]} to < ${sorted[above]}`
}
