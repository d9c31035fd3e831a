import { Problem } from '#base/problem'
import { cellFor } from './cell.ts'
import type { ColumnType, SignatureColumn } from './model-source.ts'
import {
  checkElements,
  dataOf,
  elementsOf,
  exactNumber,
  flattened,
  isFloat,
  isInteger,
  rowsOf,
  type ModelShape,
  type Tensor,
  type TensorSpec,
  type TensorType,
  type Value,
} from './tensor.ts'

/** Rows as a caller sends them: for each row one value for each column. */
export interface Rows {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
}

/** How rows become a model's inputs, decided once when it is loaded. */
export type FeedPlan =
  | { readonly form: 'columns'; readonly inputs: readonly ColumnFeed[] }
  | {
      readonly form: 'matrix'
      readonly input: TensorSpec
      /** `null`: the model names no columns, so the caller's own are taken in their order. */
      readonly columns: readonly SignatureColumn[] | null
    }

/** One input that is fed by one column. */
export interface ColumnFeed {
  readonly input: TensorSpec
  readonly column: SignatureColumn
}

/** One input for each column, or a single matrix of all columns in the signature's order. */
export function planFeeds(shape: ModelShape, columns: readonly SignatureColumn[] | null): FeedPlan {
  const [only] = shape.inputs
  const signed = columns === null || columns.length === 0 ? null : columns
  if (only !== undefined && shape.inputs.length === 1 && isMatrix(only, signed))
    return { form: 'matrix', input: only, columns: signed }
  return {
    form: 'columns',
    inputs: shape.inputs.map((input) => ({
      input,
      column: signed?.find(({ name }) => name === input.name) ?? columnOf(input),
    })),
  }
}

function isMatrix(input: TensorSpec, columns: readonly SignatureColumn[] | null): boolean {
  const width = input.shape[1]
  if (input.shape.length !== 2 || input.type === 'string' || width === undefined) return false
  if (columns?.some(({ name }) => name === input.name) === true) return false
  return columns === null ? width !== null && width > 1 : width === null || width === columns.length
}

function columnOf(input: TensorSpec): SignatureColumn {
  return { name: input.name, type: columnTypeOf(input.type), required: true }
}

function columnTypeOf(type: TensorType): ColumnType {
  if (type === 'bool') return 'boolean'
  if (isFloat(type)) return 'double'
  return isInteger(type) ? 'long' : 'string'
}

/** The columns that a model reads; `null` when it takes whatever is given, in its order. */
export function columnsOf(plan: FeedPlan): readonly SignatureColumn[] | null {
  return plan.form === 'matrix' ? plan.columns : plan.inputs.map(({ column }) => column)
}

/**
 * Rows of values without column names, by position: in the order in which the model reads its columns. A
 * row that is a single value is one of one column.
 */
export function namedRows(plan: FeedPlan, values: readonly Value[]): Rows {
  const [only, ...more] = columnsOf(plan) ?? []
  // The one input of a model of tensors takes each row whole.
  if (plan.form === 'columns' && only !== undefined && more.length === 0)
    return { columns: [only.name], rows: values.map((value) => [value]) }
  const rows = values.map((value) => (Array.isArray(value) ? (value as readonly Value[]) : [value]))
  const width = rows[0]?.length ?? 0
  const names =
    columnsOf(plan)?.map(({ name }) => name) ??
    Array.from({ length: width }, (_, index) => String(index))
  const uneven = rows.findIndex((row) => row.length !== names.length)
  if (uneven >= 0)
    throw new Problem(
      'invalid',
      `row ${uneven} has ${rows[uneven]?.length} values, but the model takes ${names.length}: ${names.join(', ')}`,
    )
  return { columns: names, rows }
}

/** Rows of texts, as CSV has them, with each column's values as its type; an empty text is a gap. */
export function typedRows(
  plan: FeedPlan,
  { columns, rows }: { columns: readonly string[]; rows: readonly (readonly string[])[] },
): Rows {
  const types = new Map(columnsOf(plan)?.map(({ name, type }) => [name, type]))
  const fallback = plan.form === 'matrix' ? columnTypeOf(plan.input.type) : 'string'
  return {
    columns,
    rows: rows.map((row) =>
      row.map((text, index) => typed(text, types.get(columns[index] ?? '') ?? fallback)),
    ),
  }
}

function typed(text: string, type: ColumnType): Value {
  if (text === '') return null
  if (type === 'boolean') {
    const lower = text.toLowerCase()
    return lower === 'true' ? true : lower === 'false' ? false : text
  }
  if (type === 'string' || type === 'binary' || type === 'datetime') return text
  const whole = /^[+-]?\d{16,}$/.test(text) ? exactNumber(BigInt(text)) : Number(text)
  return Number.isNaN(whole) && text.toLowerCase() !== 'nan' ? text : whole
}

/** A model's inputs from rows. Throws an `invalid` problem that names the column and the row. */
export function feedsOfRows(plan: FeedPlan, { columns, rows }: Rows): Tensor[] {
  const place = placesOf(plan, columns)
  if (plan.form === 'columns')
    return plan.inputs.map(({ input, column }) =>
      columnTensor(input, column, valuesAt(rows, place(column))),
    )
  const read = plan.columns ?? columns.map((name) => columnOf({ ...plan.input, name }))
  const width = plan.input.shape[1]
  if (width !== null && width !== read.length)
    throw new Problem(
      'invalid',
      `the model takes ${width} columns, but ${read.length} were sent: ${read.map(({ name }) => name).join(', ')}`,
    )
  const cells = rows.flatMap((row, index) =>
    read.map((column) => {
      const at = place(column)
      return cellFor(at === undefined ? null : (row[at] ?? null), column, plan.input.type, index)
    }),
  )
  const shape = [rows.length, read.length]
  return [{ ...plan.input, shape, data: dataOf(plan.input.type, cells) }]
}

/** Where each column is found among those that were sent. Throws when a required one is missing. */
function placesOf(
  plan: FeedPlan,
  sent: readonly string[],
): (column: SignatureColumn) => number | undefined {
  const places = new Map(sent.map((name, index) => [name, index]))
  if (places.size < sent.length)
    throw new Problem('invalid', `a column is sent twice: ${sent.join(', ')}`)
  const missing = (columnsOf(plan) ?? []).filter(
    ({ name, required }) => required && !places.has(name),
  )
  if (missing.length > 0)
    throw new Problem(
      'invalid',
      `the input lacks the required column${missing.length > 1 ? 's' : ''} ${missing.map(({ name }) => name).join(', ')}; it has ${sent.join(', ') || 'none'}`,
    )
  return ({ name }) => places.get(name)
}

function valuesAt(rows: Rows['rows'], place: number | undefined): Value[] {
  return rows.map((row) => (place === undefined ? null : (row[place] ?? null)))
}

function columnTensor(input: TensorSpec, column: SignatureColumn, values: Value[]): Tensor {
  const tail = input.shape.slice(1)
  if (tail.every((size) => size === 1)) {
    const cells = values.map((value, row) => cellFor(unwrapped(value), column, input.type, row))
    return {
      ...input,
      shape: [values.length, ...tail.map(() => 1)],
      data: dataOf(input.type, cells),
    }
  }
  return listTensor(input, column, values)
}

/** [value] is how tensors of the shape [n,1] write value. */
function unwrapped(value: Value): Value {
  return Array.isArray(value) && value.length === 1
    ? unwrapped((value as readonly Value[])[0] ?? null)
    : value
}

/** An input whose rows are lists, such as an embedding: all of one shape, which the model's must allow. */
function listTensor(input: TensorSpec, column: SignatureColumn, values: Value[]): Tensor {
  const shape = [values.length, ...tailOf(values[0] ?? null)]
  const flat = flattened(values)
  const perRow = elementsOf(shape.slice(1))
  const cells = flat.map((value, index) =>
    cellFor(value, column, input.type, Math.floor(index / perRow)),
  )
  const tensor = { ...input, shape, data: dataOf(input.type, cells) }
  checkElements(tensor)
  checkShape(tensor, input)
  return tensor
}

function tailOf(value: Value): number[] {
  return Array.isArray(value)
    ? [value.length, ...tailOf((value as readonly Value[])[0] ?? null)]
    : []
}

function checkShape(tensor: Tensor, input: TensorSpec): void {
  const fits =
    tensor.shape.length === input.shape.length &&
    input.shape.every(
      (size, dimension) => size === null || dimension === 0 || size === tensor.shape[dimension],
    )
  if (!fits)
    throw new Problem(
      'invalid',
      `input ${input.name} has the shape [${tensor.shape.join(', ')}], but the model takes [${input.shape.map((size) => size ?? -1).join(', ')}]`,
    )
}

/**
 * A model's inputs from tensors: those it takes, checked against its own types and shapes, and the same as
 * rows for the log. Tensors that the model does not take become columns of the rows only.
 */
export function feedsOfTensors(
  plan: FeedPlan,
  tensors: readonly Tensor[],
): { feeds: Tensor[]; sent: Rows } {
  for (const tensor of tensors) checkElements(tensor)
  const specs = plan.form === 'matrix' ? [plan.input] : plan.inputs.map(({ input }) => input)
  const feeds = specs.map((spec) => feedOf(spec, tensors))
  const rows = feeds[0]?.shape[0] ?? 0
  const uneven = tensors.find((tensor) => (tensor.shape[0] ?? 1) !== rows)
  if (uneven !== undefined)
    throw new Problem(
      'invalid',
      `input ${uneven.name} has ${uneven.shape[0] ?? 1} rows and ${feeds[0]?.name} has ${rows}; all must have the same`,
    )
  return { feeds, sent: sentRows(plan, tensors, rows) }
}

function feedOf(spec: TensorSpec, tensors: readonly Tensor[]): Tensor {
  const tensor = tensors.find(({ name }) => name === spec.name)
  if (tensor === undefined)
    throw new Problem(
      'invalid',
      `the input ${spec.name} is missing; sent were ${tensors.map(({ name }) => name).join(', ') || 'none'}`,
    )
  if (tensor.type !== spec.type)
    throw new Problem(
      'invalid',
      `input ${spec.name} is of type ${tensor.type}, but the model takes ${spec.type}`,
    )
  // [n] means the same as [n,1] and is what many clients send for a column.
  const asColumn = tensor.shape.length === 1 && spec.shape.length === 2 && spec.shape[1] === 1
  const feed = asColumn ? { ...tensor, shape: [...tensor.shape, 1] } : tensor
  checkShape(feed, spec)
  return feed
}

function sentRows(plan: FeedPlan, tensors: readonly Tensor[], count: number): Rows {
  const columns: string[] = []
  const values: Value[][] = []
  for (const tensor of tensors) {
    const rows = rowsOf(tensor)
    const spread = plan.form === 'matrix' && tensor.name === plan.input.name ? plan.columns : null
    if (spread === null) {
      columns.push(tensor.name)
      values.push(rows)
    } else
      for (const [index, column] of spread.entries()) {
        columns.push(column.name)
        values.push(rows.map((row) => (Array.isArray(row) ? (row[index] ?? null) : row)))
      }
  }
  return {
    columns,
    rows: Array.from({ length: count }, (_, row) => values.map((column) => column[row] ?? null)),
  }
}
