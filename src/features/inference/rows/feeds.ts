import { Problem } from '#base/problem'
import type { ExampleRows } from '#registry'
import { cellFor, jsonCell } from './cell.ts'
import type { ColumnType, SignatureColumn, SignatureTensor } from './signature.ts'
import {
  checkElements,
  dataOf,
  elementFor,
  elementsOf,
  flattened,
  isFloat,
  isInteger,
  numericData,
  plainNumbers,
  rowsOf,
  type ModelShape,
  type Tensor,
  type TensorData,
  type TensorSpec,
  type TensorType,
  type Value,
} from '../tensor.ts'
import { numberIn, wholeIn } from './texts.ts'
import { loggedRowsOf } from './wide.ts'

/** Rows as a caller sends them: for each row one value for each column. */
export interface Rows {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
}

/** What was sent of a request, as rows for the log. */
export interface Sent extends Rows {
  /** The same values where they came as one matrix of numbers: `rows` are made when somebody asks for them. */
  readonly matrix?: Tensor
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
export function planFeeds(
  shape: ModelShape,
  columns: readonly SignatureColumn[] | null,
  tensors: readonly SignatureTensor[] | null = null,
): FeedPlan {
  const inputs = shape.inputs.map((input) => narrowed(input, shape.inputs.length, tensors))
  const [only] = inputs
  const signed = columns === null || columns.length === 0 ? null : columns
  if (only !== undefined && inputs.length === 1 && isMatrix(only, signed))
    return { form: 'matrix', input: only, columns: signed }
  // Columns without names are the inputs, one after the other.
  const byPlace = signed?.[0]?.unnamed === true && signed.length === inputs.length
  return {
    form: 'columns',
    inputs: inputs.map((input, index) => ({
      input,
      column:
        (byPlace ? signed[index] : signed?.find(({ name }) => name === input.name)) ??
        columnOf(input),
    })),
  }
}

/** An input with the sizes that the signature says and the model leaves open. */
function narrowed(
  input: TensorSpec,
  count: number,
  tensors: readonly SignatureTensor[] | null,
): TensorSpec {
  const said =
    tensors?.find(({ name }) => name === input.name) ??
    (count === 1 && tensors?.length === 1 ? tensors[0] : undefined)
  if (said === undefined || said.shape.length !== input.shape.length) return input
  const shape = input.shape.map((size, at) => size ?? sizeOf(said.shape[at]))
  return { ...input, shape }
}

function sizeOf(said: number | undefined): number | null {
  return said === undefined || said < 0 ? null : said
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
  const uneven = rows.findIndex((row) => row.length !== width)
  if (uneven >= 0)
    throw new Problem(
      'invalid',
      `row ${uneven} has ${rows[uneven]?.length} values, but the rows before have ${width}`,
    )
  const names = columnsOf(plan)?.map(({ name }) => name) ?? placeNames(0, width)
  // Of columns that go by their places only the first are read.
  if (only?.unnamed === true && width > names.length)
    return { columns: [...names, ...placeNames(names.length, width)], rows }
  if (rows.length > 0 && width !== names.length)
    throw misfit(
      `row 0 has ${width} values, but the model takes ${names.length}: ${names.join(', ')}`,
    )
  return { columns: names, rows }
}

/** The tensors that a model takes. */
export function inputsOf(plan: FeedPlan): readonly TensorSpec[] {
  return plan.form === 'matrix' ? [plan.input] : plan.inputs.map(({ input }) => input)
}

/** The input example of a model as rows that a caller would send. */
export function rowsOfExample(plan: FeedPlan, example: ExampleRows): Rows {
  return asManyAsTaken(plan, example.columns === null ? namedRows(plan, example.rows) : example)
}

/** A model may say that it takes as many as it likes. */
const TRIED_ROWS_MAX = 10_000

/** Rows for a model to be tried with: of one that takes so many and no others, so many, the first again after the last. */
export function asManyAsTaken(plan: FeedPlan, { columns, rows }: Rows): Rows {
  const inputs = inputsOf(plan)
  const counts = new Set(inputs.map(({ shape }) => shape[0] ?? null))
  const [count = null] = counts.size === 1 ? counts : []
  const isPossible = count !== null && count > 0 && count <= TRIED_ROWS_MAX
  if (!isPossible || rows.length === 0) return { columns, rows }
  return {
    columns,
    rows: Array.from({ length: count }, (_, at) => rows[at % rows.length] as readonly Value[]),
  }
}

function placeNames(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index))
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

const NUMBERS: ReadonlySet<ColumnType> = new Set(['integer', 'long', 'float', 'double'])

/** What pandas reads as a gap among numbers; in a column of texts only the empty one is. */
const GAPS: ReadonlySet<string> = new Set(
  ['#N/A', '#NA', '<NA>', 'N/A', 'NA', 'NULL', 'NaN', 'None', 'n/a', 'nan', 'null'].flatMap(
    (word) => [word, `-${word}`],
  ),
)

function typed(text: string, type: ColumnType): Value {
  if (text === '') return null
  if (type === 'boolean') {
    const lower = text.toLowerCase()
    return lower === 'true' ? true : lower === 'false' ? false : text
  }
  if (!NUMBERS.has(type)) return text
  const number = type === 'long' || type === 'integer' ? wholeIn(text) : numberIn(text)
  return typeof number === 'string' && GAPS.has(text) ? Number.NaN : number
}

/** A model's inputs from rows. Throws an `invalid` problem that names the column and the row. */
export function feedsOfRows(plan: FeedPlan, { columns, rows }: Rows): Tensor[] {
  const named = columnsOf(plan)
  const read = named ?? columns.map((name) => columnFor(plan, name))
  const places = placesOf(read, columns)
  // Sent as the model reads them, none is missing and none is there twice.
  if (named === null || !areSent(named, columns)) checkPlaces(read, places, columns)
  if (plan.form === 'columns')
    return plan.inputs.flatMap(({ input, column }, index) => {
      const place = places[index] ?? -1
      return place < 0 && input.optional === true
        ? []
        : [columnTensor(input, column, { rows, place })]
    })
  const { input } = plan
  const width = input.shape[1]
  if (width !== null && width !== read.length)
    throw misfit(
      `the model takes ${width} columns, but ${read.length} were sent: ${read.map(({ name }) => name).join(', ')}`,
    )
  const data = emptyData(input.type, rows.length * read.length)
  for (const [index, column] of read.entries()) {
    const place = places[index] ?? -1
    fill(data, { input, column, rows, place, start: index, stride: read.length })
  }
  return [{ name: input.name, type: input.type, shape: [rows.length, read.length], data }]
}

/** The column of a model that names none. */
export function columnFor(plan: FeedPlan, name: string): SignatureColumn {
  const type = plan.form === 'matrix' ? plan.input.type : 'string'
  return { name, type: columnTypeOf(type), required: true }
}

/** Where each of the model's columns is among those that were sent; -1 where it is not. */
export function placesOf(read: readonly SignatureColumn[], sent: readonly string[]): number[] {
  // Callers keep to the model's order as a rule.
  if (areSent(read, sent)) return read.map((_, index) => index)
  const places = new Map(sent.map((name, index) => [name, index]))
  return read.map(({ name, unnamed }, index) =>
    unnamed === true ? (index < sent.length ? index : -1) : (places.get(name) ?? -1),
  )
}

function areSent(read: readonly SignatureColumn[], sent: readonly string[]): boolean {
  return read.length === sent.length && read.every(({ name }, index) => name === sent[index])
}

/** Throws when a column is sent twice, or a required one not at all. */
function checkPlaces(
  read: readonly SignatureColumn[],
  places: readonly number[],
  sent: readonly string[],
): void {
  // As many different names as columns: none can be there twice.
  if (new Set(sent).size < sent.length)
    throw new Problem('invalid', `a column is sent twice: ${sent.join(', ')}`)
  const missing = read.filter(({ required }, index) => required && places[index] === -1)
  if (missing.length > 0)
    throw misfit(
      `the input lacks the required column${missing.length > 1 ? 's' : ''} ${missing.map(({ name }) => name).join(', ')}; it has ${sent.join(', ') || 'none'}`,
    )
}

/** The input is no form of what the model takes; MLflow tells that from a value of the wrong type. */
function misfit(message: string): Problem {
  return new Problem('invalid', message, { signature: 'form' })
}

function emptyData(type: TensorType, length: number): TensorData {
  return type === 'string' ? Array.from<string>({ length }).fill('') : numericData(type, length)
}

/**
 * Puts a column's values into every `stride`th element, without making anything for those that fit as they
 * are. Gives the gaps, if the input may have some and there are.
 */
function fill(
  data: TensorData,
  cells: {
    input: TensorSpec
    column: SignatureColumn
    rows: Rows['rows']
    place: number
    start: number
    stride: number
  },
): Uint8Array | undefined {
  const { input, column, rows, place, start, stride } = cells
  const { type } = input
  const plain =
    isFloat(type) && type !== 'float16' && (column.type === 'double' || column.type === 'float')
  const nested = type === 'string' && isNested(column.type)
  const elements = data as { [at: number]: unknown }
  let gaps: Uint8Array | undefined
  for (let row = 0, at = start; row < rows.length; row += 1, at += stride) {
    const value = (place < 0 ? null : rows[row]?.[place]) ?? null
    if (plain && typeof value === 'number') elements[at] = value
    else if (value === null && input.nullable === true) {
      gaps ??= new Uint8Array(data.length)
      gaps[at] = 1
    } else if (nested) elements[at] = jsonCell(value, column, row)
    else {
      const cell = cellFor(unwrapped(value), column, type, row)
      elements[at] = type === 'string' ? String(cell ?? '') : elementFor(type, cell)
    }
  }
  return gaps
}

function isNested(type: ColumnType): boolean {
  return type === 'array' || type === 'object' || type === 'map' || type === 'any'
}

function columnTensor(
  input: TensorSpec,
  column: SignatureColumn,
  { rows, place }: { rows: Rows['rows']; place: number },
): Tensor {
  const tail = input.shape.slice(1)
  if (tail.some((size) => size !== 1)) {
    const values = rows.map((row) => (place < 0 ? null : (row[place] ?? null)))
    return listTensor(input, column, values)
  }
  const data = emptyData(input.type, rows.length)
  const gaps = fill(data, { input, column, rows, place, start: 0, stride: 1 })
  const { name, type } = input
  const tensor = { name, type, shape: [rows.length, ...tail.map(() => 1)], data }
  return gaps === undefined ? tensor : { ...tensor, gaps }
}

/** [value] is how tensors of the shape [n,1] write value. */
function unwrapped(value: Value): Value {
  return Array.isArray(value) && value.length === 1
    ? unwrapped((value as readonly Value[])[0] ?? null)
    : value
}

/** An input whose rows are lists, such as an embedding: all of one shape, which the model's must allow. */
function listTensor(input: TensorSpec, column: SignatureColumn, values: Value[]): Tensor {
  const tail = tailOf(values[0] ?? null)
  // A row of one value is told, and logged, as the value.
  const isSingle = tail.length === 0 && input.shape.length === 2
  const shape = [values.length, ...(isSingle ? [1] : tail)]
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
): { feeds: Tensor[]; sent: Sent } {
  for (const tensor of tensors) checkElements(tensor)
  const specs = inputsOf(plan)
  // What may be left out is not asked for.
  const taken = specs.filter(
    (spec) => spec.optional !== true || tensors.some(({ name }) => name === spec.name),
  )
  const feeds = taken.map((spec) => feedOf(spec, tensors))
  const rows = (feeds[0] ?? tensors[0])?.shape[0] ?? 0
  const uneven = tensors.find((tensor) => (tensor.shape[0] ?? 1) !== rows)
  if (uneven !== undefined)
    throw new Problem(
      'invalid',
      `input ${uneven.name} has ${uneven.shape[0] ?? 1} rows and ${(feeds[0] ?? tensors[0])?.name} has ${rows}; all must have the same`,
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

/** A matrix alone is rows already. */
function matrixRows(plan: FeedPlan, [only, ...more]: readonly Tensor[]): Sent | undefined {
  if (plan.form !== 'matrix' || plan.columns === null) return undefined
  if (only === undefined || more.length > 0 || only.shape.length !== 2) return undefined
  // One column alone is scalars, not lists.
  if (only.shape[1] !== plan.columns.length || plan.columns.length < 2) return undefined
  return new MatrixRows(
    plan.columns.map(({ name }) => name),
    only,
  )
}

/** Rows that are made where somebody looks at them. A class, since a getter of each object's own keeps it in memory for long. */
class MatrixRows implements Sent {
  readonly columns: readonly string[]
  readonly matrix?: Tensor
  readonly #tensor: Tensor
  #rows: Value[][] | undefined

  constructor(columns: readonly string[], tensor: Tensor) {
    this.columns = columns
    this.#tensor = tensor
    if (plainNumbers(tensor) !== undefined) this.matrix = tensor
  }

  get rows(): Value[][] {
    return (this.#rows ??= rowsOf(this.#tensor) as Value[][])
  }
}

function sentRows(plan: FeedPlan, tensors: readonly Tensor[], count: number): Sent {
  const whole = matrixRows(plan, tensors)
  if (whole !== undefined) return whole
  const columns: string[] = []
  const values: Value[][] = []
  for (const tensor of tensors) {
    const spread = plan.form === 'matrix' && tensor.name === plan.input.name ? plan.columns : null
    if (spread === null) {
      columns.push(tensor.name)
      values.push(loggedRowsOf(tensor))
      continue
    }
    const rows = rowsOf(tensor)
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
