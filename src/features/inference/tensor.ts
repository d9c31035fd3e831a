import { halfOfNumber, numberOfHalf } from '#base/half'
import { invariant } from '#base/invariant'
import { Problem } from '#base/problem'

/** One value of a row. A `bigint` only where a number would lose digits. */
export type Scalar = string | number | bigint | boolean | null

/** A value of one row: a scalar, or lists where the tensor has more dimensions. */
export type Value = Scalar | readonly Value[]

const CONSTRUCTORS = {
  bool: Uint8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  /** Its bits: JavaScript has no numbers of 16 bits everywhere yet. */
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
} as const

export type NumericType = keyof typeof CONSTRUCTORS
export type TensorType = NumericType | 'string'
export type NumericData = InstanceType<(typeof CONSTRUCTORS)[NumericType]>
export type TensorData = NumericData | readonly string[]

/** A named block of values of one type, row-major. */
export interface Tensor {
  readonly name: string
  readonly type: TensorType
  readonly shape: readonly number[]
  readonly data: TensorData
  /** One for each element that is missing, whatever `data` has there; only texts have such. */
  readonly gaps?: Uint8Array
}

/** What a model says of one of its tensors; `null` is a dimension that may vary. */
export interface TensorSpec {
  readonly name: string
  readonly type: TensorType
  readonly shape: readonly (number | null)[]
  /** A request may leave it out. */
  readonly optional?: true
  /** Elements may be missing: they are among the tensor's `gaps`. */
  readonly nullable?: true
}

/** What a loaded model takes and gives. */
export interface ModelShape {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
}

export function isInteger(type: TensorType): boolean {
  return type.startsWith('int') || type.startsWith('uint')
}

export function isFloat(type: TensorType): boolean {
  return type.startsWith('float')
}

/** A tensor's elements as they stand, if all are there and none needs more than a JavaScript number. */
export function plainNumbers({ type, data, gaps }: Tensor): ArrayLike<number> | undefined {
  if (gaps !== undefined || !(type in CONSTRUCTORS)) return undefined
  if (type === 'bool' || type === 'float16' || type.endsWith('int64')) return undefined
  return data as ArrayLike<number>
}

/** Bytes of one element; strings have no fixed width. */
export function elementBytes(type: NumericType): number {
  return CONSTRUCTORS[type].BYTES_PER_ELEMENT
}

/** An array of `length` zeros. */
export function numericData(type: NumericType, length: number): NumericData {
  return new CONSTRUCTORS[type](length)
}

/** Elements as little-endian bytes hold them. The bytes are copied: a slice of a request is not aligned. */
export function numericDataOf(type: NumericType, bytes: Uint8Array): NumericData {
  const copy = new Uint8Array(bytes)
  return new CONSTRUCTORS[type](copy.buffer)
}

export function bytesOf(data: NumericData): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

/** Number of elements of a shape. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** Rows of a tensor: the size of its first dimension. */
export function rowCount(tensor: Tensor): number {
  return tensor.shape[0] ?? 1
}

/** The value of each row: a scalar for the shapes [n] and [n,1], lists for larger ones. */
export function rowsOf(tensor: Tensor): Value[] {
  const rows = rowCount(tensor)
  const tail = tensor.shape.slice(1)
  const width = elementsOf(tail)
  const scalar = width === 1 && tail.length <= 1
  return Array.from({ length: rows }, (_, row) =>
    scalar ? valueAt(tensor, row) : nested(tensor, tail, row * width),
  )
}

function nested(tensor: Tensor, tail: readonly number[], start: number): Value {
  const [size, ...rest] = tail
  if (size === undefined) return valueAt(tensor, start)
  if (rest.length === 0) return listAt(tensor, start, size)
  const width = elementsOf(rest)
  return Array.from({ length: size }, (_, index) => nested(tensor, rest, start + index * width))
}

/** Some elements in a row. */
function listAt(tensor: Tensor, start: number, size: number): Value[] {
  const { type, data, gaps } = tensor
  invariant(start + size <= data.length, 'a list lies within its tensor')
  // Most of what is logged: these are what they say, without a look at each.
  const isPlain = gaps === undefined && (type === 'float32' || type === 'float64')
  const values: Value[] = []
  for (let index = start; index < start + size; index += 1)
    values.push(isPlain ? (data[index] as number) : valueAt(tensor, index))
  return values
}

/** One element, as a value that keeps all its digits. */
export function valueAt({ type, data, gaps }: Tensor, index: number): Scalar {
  if (gaps !== undefined && gaps[index] === 1) return null
  const element = data[index]
  invariant(element !== undefined, 'an index lies within its tensor')
  if (type === 'bool') return element !== 0
  if (type === 'float16') return numberOfHalf(element as number)
  return typeof element === 'bigint' ? exactNumber(element) : element
}

/** The integer as a number if that is exact, and as it is otherwise. */
export function exactNumber(integer: bigint): number | bigint {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : integer
}

/** Puts rows back into a tensor: the inverse of `rowsOf` for values that were a tensor once. */
export function tensorOfRows(
  spec: { name: string; type: TensorType },
  rows: readonly Value[],
): Tensor {
  const shape: number[] = [rows.length]
  for (let value: Value | undefined = rows[0]; Array.isArray(value); value = value[0])
    shape.push(value.length)
  const flat = flattened(rows)
  return { name: spec.name, type: spec.type, shape, data: dataOf(spec.type, flat) }
}

/** The scalars of nested lists, in their order. */
export function flattened(values: readonly Value[]): Scalar[] {
  return values.flatMap((value) =>
    Array.isArray(value) ? flattened(value as readonly Value[]) : [value as Scalar],
  )
}

/** Elements of one type from values; `null` is NaN among floats. Values have been checked before. */
export function dataOf(type: TensorType, values: readonly Scalar[]): TensorData {
  if (type === 'string') return values.map((value) => String(value ?? ''))
  const data = numericData(type, values.length)
  for (const [index, value] of values.entries()) data[index] = elementFor(type, value)
  return data
}

/** What stands for a value in the array of a numeric type. */
export function elementFor(type: TensorType, value: Scalar): never {
  // The array's own element type decides; TypeScript sees only the intersection of all of them.
  const element = (): number | bigint => {
    if (type === 'int64' || type === 'uint64') return BigInt(value ?? 0)
    const number = value === null ? Number.NaN : Number(value)
    if (type === 'float16') return halfOfNumber(number)
    if (isFloat(type)) return number
    return Number(value ?? 0)
  }
  return element() as never
}

/** Rows `start` to `end` of a tensor. */
export function sliceRows(tensor: Tensor, start: number, end: number): Tensor {
  const width = elementsOf(tensor.shape.slice(1))
  return {
    ...tensor,
    shape: [end - start, ...tensor.shape.slice(1)],
    data: tensor.data.slice(start * width, end * width),
    ...(tensor.gaps === undefined ? {} : { gaps: tensor.gaps.slice(start * width, end * width) }),
  }
}

/** Tensors of one type and width, one below the other. */
export function concatRows(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors
  invariant(first !== undefined, 'there is something to join')
  if (tensors.length === 1) return first
  const shape = [tensors.reduce((sum, each) => sum + rowCount(each), 0), ...first.shape.slice(1)]
  if (first.type === 'string') return joinedTexts(tensors, shape)
  // All of them are of one type; TypeScript sees only that each is of some.
  const data = numericData(first.type, elementsOf(shape)) as Float64Array<ArrayBuffer>
  let offset = 0
  for (const tensor of tensors as readonly { data: Float64Array }[]) {
    data.set(tensor.data, offset)
    offset += tensor.data.length
  }
  return { ...first, shape, data }
}

function joinedTexts(tensors: readonly Tensor[], shape: readonly number[]): Tensor {
  const { name, type } = tensors[0] as Tensor
  const data = tensors.flatMap((each) => each.data as readonly string[])
  if (tensors.every((each) => each.gaps === undefined)) return { name, type, shape, data }
  const gaps = Uint8Array.from(
    tensors.flatMap((each) => [...(each.gaps ?? new Uint8Array(each.data.length))]),
  )
  return { name, type, shape, data, gaps }
}

/** Throws an `invalid` problem unless the tensor has as many elements as its shape says. */
export function checkElements(tensor: Tensor): void {
  const expected = elementsOf(tensor.shape)
  if (tensor.data.length !== expected)
    throw new Problem(
      'invalid',
      `input ${tensor.name} has ${tensor.data.length} elements, but its shape [${tensor.shape.join(', ')}] asks for ${expected}`,
    )
}
