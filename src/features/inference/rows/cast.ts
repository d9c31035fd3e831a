import { columnFor, columnsOf, placesOf, type FeedPlan, type Rows } from './feeds.ts'
import type { ColumnType, SignatureColumn } from './signature.ts'
import type { Value } from '../tensor.ts'
import { numberIn, wholeIn } from './texts.ts'

/**
 * Rows with each value as its column's type, as MLflow casts what JSON brings: "7" is a number in a column of
 * numbers, and so is true. What cannot become that type stays as it is, for the model's columns to refuse.
 * The same rows come back where nothing is to be done.
 */
export function castRows(plan: FeedPlan, { columns, rows }: Rows): Rows {
  const read = columnsOf(plan) ?? columns.map((name) => columnFor(plan, name))
  const places = placesOf(read, columns)
  let cast: (readonly Value[])[] | undefined
  for (const [index, column] of read.entries()) {
    const place = places[index] ?? -1
    if (place < 0 || !isCast(column.type)) continue
    for (let row = 0; row < rows.length; row += 1) {
      const value = rows[row]?.[place] ?? null
      if (fits(value, column)) continue
      const other = castValue(value, column)
      if (other === value) continue
      cast ??= rows.map((each) => [...each])
      ;(cast[row] as Value[])[place] = other
    }
  }
  return cast === undefined ? { columns, rows } : { columns, rows: cast }
}

function isCast(type: ColumnType): boolean {
  return type === 'boolean' || isNumeric(type)
}

function isNumeric(type: ColumnType): boolean {
  return type === 'double' || type === 'float' || type === 'long' || type === 'integer'
}

/** Whether there is nothing to cast: the case that has to be fast. */
function fits(value: Value, { type }: SignatureColumn): boolean {
  return value === null || typeof value === (type === 'boolean' ? 'boolean' : 'number')
}

function castValue(value: Value, column: SignatureColumn): Value {
  if (Array.isArray(value)) {
    const list = value as readonly Value[]
    const cast = list.map((each) => (fits(each, column) ? each : castValue(each, column)))
    return cast.some((each, index) => each !== list[index]) ? cast : value
  }
  if (column.type === 'boolean') return value === 1 ? true : value === 0 ? false : value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value !== 'string') return value
  return column.type === 'long' || column.type === 'integer' ? wholeIn(value) : numberIn(value)
}
