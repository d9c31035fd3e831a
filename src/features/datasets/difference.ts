import type { ColumnProfile, Histogram, TableProfile } from '#tables'

/** What is not the same in the profiles of two versions. */
export interface ProfileDifference {
  readonly rows: { readonly old: number; readonly new: number }
  /** Histograms and frequent values are of so many. */
  readonly sampledRows: { readonly old: number; readonly new: number }
  /** In the order of the new version, then what it no longer has. */
  readonly columns: readonly ColumnDifference[]
}

export interface ColumnDifference {
  readonly name: string
  /** `values` for a column of the same type whose figures differ. */
  readonly change: 'added' | 'removed' | 'type' | 'values' | 'none'
  readonly old: ColumnProfile | null
  readonly new: ColumnProfile | null
  /** From 0 for values that are spread alike to 1 for nothing in common; null where that cannot be told. */
  readonly distance: number | null
  readonly histograms: HistogramPair | null
  readonly top: readonly TopPair[] | null
}

/** Two histograms over one range, as shares of the values that each has. */
export interface HistogramPair {
  readonly from: number | string
  readonly to: number | string
  readonly old: readonly number[]
  readonly new: readonly number[]
}

/** A frequent value, and its shares of the rows of each. */
export interface TopPair {
  readonly value: string
  readonly old: number
  readonly new: number
}

const BINS = 20

export function profileDifference(old: TableProfile, current: TableProfile): ProfileDifference {
  const before = new Map(old.columns.map((column) => [column.name, column]))
  const now = new Map(current.columns.map((column) => [column.name, column]))
  const gone = old.columns.filter(({ name }) => !now.has(name))
  const sampledRows = { old: old.sampledRows, new: current.sampledRows }
  return {
    rows: { old: old.rows, new: current.rows },
    sampledRows,
    columns: [
      ...current.columns.map((column) =>
        columnDifference(before.get(column.name) ?? null, column, sampledRows),
      ),
      ...gone.map((column) => columnDifference(column, null, sampledRows)),
    ],
  }
}

function columnDifference(
  old: ColumnProfile | null,
  current: ColumnProfile | null,
  rows: { old: number; new: number },
): ColumnDifference {
  const name = (current ?? old)?.name ?? ''
  const sides = { name, old, new: current }
  if (old === null || current === null)
    return {
      ...sides,
      change: old === null ? 'added' : 'removed',
      distance: null,
      histograms: null,
      top: null,
    }
  const histograms = histogramPair(old.histogram, current.histogram)
  const top = histograms === null ? topPairs(old, current, rows) : null
  const distance =
    histograms === null ? topDistance(top) : halfTheSum(histograms.old, histograms.new)
  const isSame = JSON.stringify(old) === JSON.stringify(current)
  const change = old.type !== current.type ? 'type' : isSame ? 'none' : 'values'
  return { ...sides, change, distance, histograms, top }
}

/** Both over the range that holds both; null where one has none, or they are of other kinds. */
export function histogramPair(
  old: Histogram | null,
  current: Histogram | null,
): HistogramPair | null {
  if (old === null || current === null) return null
  const isTime = [old, current].map(({ from }) => typeof from === 'string' && !isNumeric(from))
  if (isTime[0] !== isTime[1]) return null
  const ends = [old, current].map(({ from, to }) => ({ from: placeOf(from), to: placeOf(to) }))
  const from = Math.min(...ends.map((each) => each.from))
  const to = Math.max(...ends.map((each) => each.to))
  if (!Number.isFinite(from) || !Number.isFinite(to)) return null
  const [ofOld, ofNew] = [old, current].map((each) => sharesOver(each, { from, to }))
  if (ofOld === undefined || ofNew === undefined) return null
  const said = (place: number) => (isTime[0] === true ? new Date(place).toISOString() : place)
  return { from: said(from), to: said(to), old: ofOld, new: ofNew }
}

function isNumeric(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text))
}

/** A bound as a number: numbers that one cannot say exactly are text, and so are times. */
function placeOf(bound: number | string): number {
  if (typeof bound === 'number') return bound
  if (isNumeric(bound)) return Number(bound)
  // A time without a zone is told in UTC.
  const isPlain = /^\d{4}-\d\d-\d\d[T ][\d:.]+$/.test(bound)
  return Date.parse(isPlain ? `${bound.replace(' ', 'T')}Z` : bound)
}

/** Each bin's count goes to the wide bins that it lies in, by how much of it does. */
function sharesOver(
  { from, to, counts }: Histogram,
  range: { from: number; to: number },
): number[] {
  const shares = Array.from({ length: BINS }, () => 0)
  const total = counts.reduce((sum, count) => sum + count, 0)
  const span = range.to - range.from
  const [low, high] = [placeOf(from), placeOf(to)]
  const width = (high - low) / counts.length
  const binAt = (place: number) =>
    span === 0
      ? 0
      : Math.min(BINS - 1, Math.max(0, Math.floor(((place - range.from) / span) * BINS)))
  counts.forEach((count, index) => {
    if (count === 0) return
    const [start, end] = [low + index * width, low + (index + 1) * width]
    const bins = Array.from({ length: binAt(end) - binAt(start) + 1 }, (_, at) => binAt(start) + at)
    const within = bins.map((bin) =>
      Math.max(
        0,
        Math.min(end, range.from + ((bin + 1) * span) / BINS) -
          Math.max(start, range.from + (bin * span) / BINS),
      ),
    )
    // Numbers that are too small or too close to be divided are all in the first.
    const whole = within.reduce((sum, part) => sum + part, 0)
    bins.forEach((bin, at) => {
      const part = whole > 0 ? (within[at] ?? 0) / whole : at === 0 ? 1 : 0
      shares[bin] = (shares[bin] ?? 0) + (count * part) / total
    })
  })
  return shares
}

const TOP_MAX = 20

function topPairs(
  old: ColumnProfile,
  current: ColumnProfile,
  rows: { old: number; new: number },
): TopPair[] | null {
  if (old.top.length === 0 || current.top.length === 0) return null
  return [...new Set([...current.top, ...old.top].map(({ value }) => value))]
    .map((value) => ({
      value,
      old: shareOf(old, value, rows.old),
      new: shareOf(current, value, rows.new),
    }))
    .slice(0, TOP_MAX)
}

function shareOf({ top }: ColumnProfile, value: string, rows: number): number {
  return (top.find((each) => each.value === value)?.count ?? 0) / Math.max(1, rows)
}

/** Of frequent values alone, and so the least that it can be. */
function topDistance(top: readonly TopPair[] | null): number | null {
  if (top === null) return null
  return halfTheSum(
    top.map((each) => each.old),
    top.map((each) => each.new),
  )
}

function halfTheSum(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, share, index) => sum + Math.abs(share - (other[index] ?? 0)), 0) / 2
}
