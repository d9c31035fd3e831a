import type { ExampleRows, ExampleValue } from '#registry'
import { recordIn } from './signature.ts'

/** Where MLflow puts an example in the form in which servers are asked. */
export const EXAMPLE_FILE = 'serving_input_example.json'

/** How much of an example is read. */
interface ExampleLimits {
  readonly rows: number
  readonly values: number
}

const WHOLE: ExampleLimits = { rows: Infinity, values: Infinity }

/** An example as its file has it; `null` where it is of another form, or its first row alone is too large. */
export function exampleIn(json: string, limits: ExampleLimits = WHOLE): ExampleRows | null {
  const rows = rowsIn(recordIn(JSON.parse(json)))
  return rows === null ? null : fitting(rows, limits)
}

/** The table of a data frame, the tensor that stands for itself, or tensors by their names. */
function rowsIn({ dataframe_split: split, inputs }: Record<string, unknown>): ExampleRows | null {
  const { columns, data } = recordIn(split)
  if (Array.isArray(columns) && Array.isArray(data))
    return areRows(data, columns.length) ? { columns: columns.map(String), rows: data } : null
  if (Array.isArray(inputs)) return inputs.every(isValue) ? { columns: null, rows: inputs } : null
  const lists = Object.values(recordIn(inputs))
  const [count] = lists.map((list) => (Array.isArray(list) ? list.length : 0))
  if (count === undefined || !areRows(lists, count)) return null
  const rows = Array.from({ length: count }, (_, row) => lists.map((list) => list[row] ?? null))
  return { columns: Object.keys(recordIn(inputs)), rows }
}

function areRows(rows: readonly unknown[], width: number): rows is ExampleValue[][] {
  return rows.every((row) => Array.isArray(row) && row.length === width && row.every(isValue))
}

function isValue(value: unknown): value is ExampleValue {
  if (Array.isArray(value)) return value.every(isValue)
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

/** Its first rows, as many as are allowed; `null` when not even one is. */
function fitting(example: ExampleRows, limits: ExampleLimits): ExampleRows | null {
  let left = limits.values
  const after = example.rows.findIndex((row, at) => {
    left -= sizeOf(row)
    return at >= limits.rows || left < 0
  })
  if (after === 0) return null
  const count = after < 0 ? example.rows.length : after
  return example.columns === null
    ? { columns: null, rows: example.rows.slice(0, count) }
    : { columns: example.columns, rows: example.rows.slice(0, count) }
}

function sizeOf(value: ExampleValue): number {
  if (!Array.isArray(value)) return 1
  return (value as readonly ExampleValue[]).reduce<number>((sum, each) => sum + sizeOf(each), 0)
}
