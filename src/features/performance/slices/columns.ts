/** What a row has in a column. */
export type Cell = string | number | boolean | null | undefined

/** One condition on one column. */
export type Condition =
  | { readonly column: string; readonly is: string }
  | { readonly column: string; readonly missing: true }
  /** Above `above`, up to and with `upTo`; open where null. */
  | { readonly column: string; readonly above: number | null; readonly upTo: number | null }

/** A column as bins, and the conditions that stand for runs of them. */
export interface Coded {
  readonly name: string
  readonly bins: Uint8Array
  readonly binCount: number
  readonly literals: readonly Literal[]
}

export interface Literal {
  readonly condition: Condition
  /** Bins from `from` up to and with `to`. */
  readonly from: number
  readonly to: number
}

/** Fifths: coarse enough that each has rows, and runs of them are still intervals that a person would name. */
const LEVELS = [0.2, 0.4, 0.6, 0.8]

/** A number with as few values as this is told value by value. */
const FEW_VALUES = 6

/** More categories share one bin that no condition names. */
const CATEGORIES_MAX = 30

/** The column as conditions; undefined where none could hold for some rows and not for others. */
export function coded(name: string, cells: readonly Cell[]): Coded | undefined {
  const found = cells.map(plain)
  const values = found.filter((cell) => cell !== null)
  const numbers = values.filter((cell) => typeof cell === 'number')
  const isNumeric = numbers.length === values.length && new Set(numbers).size > FEW_VALUES
  const column = isNumeric ? ranged(name, found) : named(name, found)
  return column.literals.length < 2 ? undefined : column
}

/** As a person writes it: `origin = JFK`, `dep_delay > 12`, `3 < distance ≤ 7`. */
export function sentenceOf(condition: Condition): string {
  const { column } = condition
  if ('is' in condition) return `${column} = ${condition.is}`
  if ('missing' in condition) return `${column} is missing`
  const { above, upTo } = condition
  if (above === null) return `${column} ≤ ${short(upTo ?? Infinity)}`
  if (upTo === null) return `${column} > ${short(above)}`
  return `${short(above)} < ${column} ≤ ${short(upTo)}`
}

function plain(cell: Cell): string | number | boolean | null {
  if (cell === null || cell === undefined) return null
  return typeof cell === 'number' && !Number.isFinite(cell) ? null : cell
}

function ranged(name: string, cells: readonly ReturnType<typeof plain>[]): Coded {
  const sorted = Float64Array.from(cells.filter((cell) => typeof cell === 'number')).toSorted()
  const edges = [
    ...new Set(LEVELS.map((level) => sorted[Math.floor(level * (sorted.length - 1))] as number)),
  ].filter((edge) => edge < (sorted.at(-1) as number))
  const last = edges.length
  const bins = Uint8Array.from(cells, (cell) =>
    typeof cell === 'number' ? edges.filter((edge) => edge < cell).length : last + 1,
  )
  const literals: Literal[] = []
  for (let from = 0; from <= last; from++)
    for (let to = from; to <= last; to++) {
      if (from === 0 && to === last) continue
      const condition = {
        column: name,
        above: from === 0 ? null : (edges[from - 1] as number),
        upTo: to === last ? null : (edges[to] as number),
      }
      literals.push({ condition, from, to })
    }
  return withMissing({ name, bins, binCount: last + 2, literals }, cells)
}

function named(name: string, cells: readonly ReturnType<typeof plain>[]): Coded {
  const counts = new Map<string, number>()
  for (const cell of cells)
    if (cell !== null) counts.set(String(cell), (counts.get(String(cell)) ?? 0) + 1)
  const categories = [...counts]
    .toSorted((one, other) => other[1] - one[1])
    .slice(0, CATEGORIES_MAX)
    .map(([category]) => category)
  const places = new Map(categories.map((category, index) => [category, index]))
  const rest = categories.length
  const bins = Uint8Array.from(cells, (cell) =>
    cell === null ? rest + 1 : (places.get(String(cell)) ?? rest),
  )
  const literals = categories.map((is, index) => ({
    condition: { column: name, is },
    from: index,
    to: index,
  }))
  return withMissing({ name, bins, binCount: rest + 2, literals }, cells)
}

/** The last bin is that of rows without a value. */
function withMissing(column: Coded, cells: readonly ReturnType<typeof plain>[]): Coded {
  if (!cells.includes(null)) return column
  const bin = column.binCount - 1
  const literal: Literal = {
    condition: { column: column.name, missing: true },
    from: bin,
    to: bin,
  }
  return { ...column, literals: [...column.literals, literal] }
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)))
}
