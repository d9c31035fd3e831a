import type { Logged } from '#inference'
import type { ColumnProfile } from '#drift'

/** What one column of a window held, so small that it stays with the window and later windows are held against it. */
export interface Look {
  readonly rows: number
  /** Rows in which the column was not sent or is null; not-a-number is logged as null. */
  readonly missing: number
  readonly infinite: number
  /** Values of another type than the training data's, with one of them. */
  readonly mistyped: number
  readonly mistypedAs?: string
  /** Different values; of very many, at least so many. */
  readonly distinct: number
  /** The most frequent value's share, and the longest run of one value in the order of event time. */
  readonly mode: number
  readonly run: number
  /** Tenths of the finite numbers, from the least to the greatest; empty for other columns. */
  readonly tenths: readonly number[]
  /** A sample of its different values that is the same wherever they are the same: the least hashes. */
  readonly marks: readonly number[]
  /** How alike its values are to those of the window before, from 0 to 1; null where that is not known. */
  readonly overlap: number | null
}

/** A column with more different values than this is known well enough. */
const DISTINCT_MAX = 20_000
const TENTHS_OF_MAX = 20_000
const MARKS = 16
/** Two samples of fewer different values than this are alike whatever happened. */
const OVERLAP_DISTINCT_MIN = 20

/** Looks once over the values of a column, in the order of event time. */
export function lookAt(
  values: readonly (Logged | undefined)[],
  column: ColumnProfile,
  before: Look | undefined,
): Look {
  const seen = new Map<string | number | boolean, number>()
  let missing = 0
  let infinite = 0
  let mistyped = 0
  let mistypedAs: string | undefined
  let run = 0
  let longest = 0
  let last: unknown
  const numbers: number[] = []
  for (const value of values) {
    if (value === null || value === undefined) {
      missing++
      continue
    }
    const plain = typeof value === 'object' ? JSON.stringify(value) : value
    run = plain === last ? run + 1 : 1
    longest = Math.max(longest, run)
    last = plain
    if (seen.size < DISTINCT_MAX || seen.has(plain)) seen.set(plain, (seen.get(plain) ?? 0) + 1)
    const number = numberIn(plain)
    if (number !== undefined && Number.isFinite(number)) numbers.push(number)
    if (typeof plain === 'number' && !Number.isFinite(plain)) infinite++
    if (isMistyped(value, column)) {
      mistyped++
      mistypedAs ??= shown(value)
    }
  }
  const present = values.length - missing
  const marks = marksOf(seen.keys())
  return {
    rows: values.length,
    missing,
    infinite,
    mistyped,
    ...(mistypedAs === undefined ? {} : { mistypedAs }),
    distinct: seen.size,
    mode: present === 0 ? 0 : Math.max(...batches(seen.values())) / present,
    run: present === 0 ? 0 : longest / present,
    tenths: column.kind === 'numeric' ? tenthsOf(numbers) : [],
    marks,
    overlap: overlapOf({ distinct: seen.size, marks }, before),
  }
}

/** A number, also one that JSON would have rounded and that is therefore logged as text. */
export function numberIn(value: Logged | undefined): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^-?\d{16,}$/.test(value) ? Number(value) : undefined
}

/** The training data's texts may be numbers or truth values that were written as text: these are not told apart. */
function isMistyped(value: Logged, column: ColumnProfile): boolean {
  if (column.kind === 'other') return false
  if (typeof value === 'object') return true
  if (column.kind === 'numeric') return numberIn(value) === undefined
  return (
    typeof value === 'number' && !column.categories.some((each) => Number.isFinite(Number(each)))
  )
}

function shown(value: Logged): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

/** Spread arguments have a limit, a column's different values have none. */
function batches(counts: Iterable<number>): [number] {
  let most = 0
  for (const count of counts) most = Math.max(most, count)
  return [most]
}

function tenthsOf(numbers: readonly number[]): number[] {
  if (numbers.length === 0) return []
  const step = Math.max(1, Math.floor(numbers.length / TENTHS_OF_MAX))
  const sorted = Float64Array.from(numbers.filter((_, index) => index % step === 0)).toSorted()
  return Array.from({ length: 11 }, (_, tenth) => {
    const place = (tenth / 10) * (sorted.length - 1)
    const below = sorted[Math.floor(place)] as number
    const above = sorted[Math.ceil(place)] as number
    const part = place - Math.floor(place)
    // Not as a difference: that of the greatest numbers is infinite.
    return below * (1 - part) + above * part
  })
}

function marksOf(values: Iterable<string | number | boolean>): number[] {
  const least: number[] = []
  for (const value of values) {
    const hash = hashOf(String(value))
    if (least.length === MARKS && hash >= (least[MARKS - 1] as number)) continue
    const at = least.findIndex((each) => each >= hash)
    if (least[at] === hash) continue
    least.splice(at === -1 ? least.length : at, 0, hash)
    if (least.length > MARKS) least.pop()
  }
  return least
}

/** FNV-1a, with the bits of the end spread over all. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}

/** The share of the least hashes of both sets together that lie in both: how alike the sets are. */
function overlapOf(
  { distinct, marks }: Pick<Look, 'distinct' | 'marks'>,
  before: Look | undefined,
): number | null {
  if (before === undefined || Math.min(distinct, before.distinct) < OVERLAP_DISTINCT_MIN)
    return null
  const all = [...new Set([...marks, ...before.marks])].toSorted((one, other) => one - other)
  const least = all.slice(0, MARKS)
  const both = least.filter((hash) => marks.includes(hash) && before.marks.includes(hash))
  return both.length / least.length
}
