import type { Described, Value } from '#inference'
import type { Block, SourceColumn } from '#stores/analytics/duckdb/tables/index'

/** A column that the model reads, and how its texts are taken if it is one of texts that mean something else. */
export interface ReadColumn {
  readonly name: string
  readonly texts: 'kept' | 'numbers' | 'truths'
}

/** What pandas takes for a gap among numbers. */
const GAPS = new Set(['', 'NA', 'N/A', '#N/A', '<NA>', 'NaN', 'nan', 'NULL', 'null', 'None', 'n/a'])

/** How the columns of CSV files are read: what the model takes for numbers is such, or its row is bad. */
export function readColumns(
  names: readonly string[],
  {
    described,
    found,
    isCsv,
  }: { described: Described; found: readonly SourceColumn[]; isCsv: boolean },
): ReadColumn[] {
  const signed = new Map(described.columns?.map((column) => [column.name, column.type]))
  const sourced = new Map(found.map((column) => [column.name, column.type]))
  return names.map((name) => {
    const type = signed.get(name)
    if (!isCsv || sourced.get(name) !== 'VARCHAR') return { name, texts: 'kept' }
    if (type === 'boolean') return { name, texts: 'truths' }
    const isNumber = type === 'double' || type === 'float' || type === 'long' || type === 'integer'
    return { name, texts: isNumber ? 'numbers' : 'kept' }
  })
}

/** The rows of a block, in the order of the columns. */
export function rowsFor(block: Block, columns: readonly ReadColumn[]): Value[][] {
  const cells = columns.map(({ name, texts }) => {
    const values = block.cells(name)
    if (texts === 'kept') return values
    return values.map(texts === 'numbers' ? numberOf : truthOf)
  })
  return Array.from({ length: block.rows }, (_, row) => cells.map((values) => values[row] ?? null))
}

function numberOf(value: Value): Value {
  if (typeof value !== 'string') return value
  const text = value.trim()
  if (GAPS.has(text)) return Number.NaN
  if (/^[+-]?\d+$/.test(text)) {
    const whole = Number(text)
    return Number.isSafeInteger(whole) ? whole : BigInt(text.replace('+', ''))
  }
  const number = Number(text)
  return Number.isNaN(number) || !/^[+-]?[\d.]/.test(text) ? value : number
}

function truthOf(value: Value): Value {
  const lower = typeof value === 'string' ? value.trim().toLowerCase() : ''
  return lower === 'true' ? true : lower === 'false' ? false : value
}
