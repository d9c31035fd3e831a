import type { Column } from '#statistics'

/** Whatever a row holds in a column, as it came. */
export type Cell = unknown

export type WholeRow = Readonly<Record<string, Cell>>

/** A column that several are looked at together with, as its reference has it. */
export interface KnownColumn {
  readonly name: string
  readonly kind: Column['kind']
}

/** Columns of lists of numbers, all of one length. */
export interface KnownEmbedding {
  readonly name: string
  readonly length: number
}

export interface KnownColumns {
  readonly columns: readonly KnownColumn[]
  readonly embeddings: readonly KnownEmbedding[]
}

/** A part of the values that differ from all others: names, addresses and texts hang together with nothing. */
const UNLIKE_MAX = 0.5

/** More columns than this are not looked at together: the work grows with their square. */
const COLUMNS_MAX = 200

/** What each column of a reference is. Columns that never vary, and texts, are left out. */
export function columnsIn(rows: readonly WholeRow[]): KnownColumns {
  const names = new Set(rows.flatMap((row) => Object.keys(row)))
  const columns: KnownColumn[] = []
  const embeddings: KnownEmbedding[] = []
  for (const name of names) {
    const values = rows.map((row) => row[name]).filter((value) => !isMissing(value))
    const length = lengthIn(values)
    if (length !== undefined) embeddings.push({ name, length })
    const kind = length === undefined ? kindOf(values) : undefined
    if (kind !== undefined && columns.length < COLUMNS_MAX) columns.push({ name, kind })
  }
  return { columns, embeddings }
}

export function columnOf(rows: readonly WholeRow[], { name, kind }: KnownColumn): Column {
  if (kind === 'numeric')
    return { kind, values: Float64Array.from(rows, (row) => numberIn(row[name])) }
  return { kind, values: rows.map((row) => (isMissing(row[name]) ? null : String(row[name]))) }
}

/** The lists of a column that have the length that they should. */
export function pointsIn(
  rows: readonly WholeRow[],
  { name, length }: KnownEmbedding,
): readonly (readonly number[])[] {
  return rows.flatMap((row) => {
    const value = row[name]
    return isPoint(value) && value.length === length ? [value] : []
  })
}

function kindOf(values: readonly Cell[]): Column['kind'] | undefined {
  const distinct = new Set(values)
  if (distinct.size < 2) return undefined
  const numbers = values.filter((value) => typeof value === 'number').length
  if (numbers > values.length / 2) return 'numeric'
  const isList = values.some((value) => typeof value === 'object')
  return isList || distinct.size > values.length * UNLIKE_MAX ? undefined : 'categorical'
}

function lengthIn(values: readonly Cell[]): number | undefined {
  const [first] = values
  if (!isPoint(first) || first.length < 2) return undefined
  const same = values.filter((value) => isPoint(value) && value.length === first.length)
  return same.length > values.length / 2 ? first.length : undefined
}

function isPoint(value: Cell): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => Number.isFinite(each))
}

/** Numbers told as text count as numbers; anything else has no value here. */
function numberIn(value: Cell): number {
  if (isMissing(value) || value === '') return NaN
  const number = Number(value)
  return Number.isFinite(number) ? number : NaN
}

function isMissing(value: Cell): boolean {
  return value === null || value === undefined || Number.isNaN(value)
}
