import { textOf } from '#base/json'
import { Problem } from '#base/problem'
import {
  elementBytes,
  elementsOf,
  numericData,
  numericDataOf,
  type NumericType,
  type Tensor,
  type TensorData,
  type TensorType,
} from '#inference'
import type { TensorProto } from './messages.ts'

type Lists = Omit<TensorProto, 'dtype' | 'tensor_shape' | 'tensor_content'>

/** The protocol's name of each type, and the list that holds its elements. */
const TYPES: Readonly<Record<TensorType, { dtype: string; list: keyof Lists }>> = {
  bool: { dtype: 'DT_BOOL', list: 'bool_val' },
  uint8: { dtype: 'DT_UINT8', list: 'int_val' },
  uint16: { dtype: 'DT_UINT16', list: 'int_val' },
  uint32: { dtype: 'DT_UINT32', list: 'uint32_val' },
  uint64: { dtype: 'DT_UINT64', list: 'uint64_val' },
  int8: { dtype: 'DT_INT8', list: 'int_val' },
  int16: { dtype: 'DT_INT16', list: 'int_val' },
  int32: { dtype: 'DT_INT32', list: 'int_val' },
  int64: { dtype: 'DT_INT64', list: 'int64_val' },
  float16: { dtype: 'DT_HALF', list: 'half_val' },
  float32: { dtype: 'DT_FLOAT', list: 'float_val' },
  float64: { dtype: 'DT_DOUBLE', list: 'double_val' },
  string: { dtype: 'DT_STRING', list: 'string_val' },
}

const BY_DTYPE = new Map(
  Object.entries(TYPES).map(([type, { dtype }]) => [dtype, type as TensorType]),
)

/** A list may be shorter than its shape, so a few bytes could ask for all memory. */
const FILLED_ELEMENTS_MAX = 2 ** 22

export function dtypeOf(type: TensorType): string {
  return TYPES[type].dtype
}

/** Reads a tensor: from its bytes, or from the list of its type, whose last element fills what is missing. Throws `invalid`. */
export function tensorIn(name: string, proto: TensorProto): Tensor {
  const type = BY_DTYPE.get(String(proto.dtype))
  if (type === undefined)
    throw new Problem(
      'invalid',
      `input ${name} has the dtype ${proto.dtype}; served are ${[...BY_DTYPE.keys()].join(', ')}`,
    )
  const shape = shapeIn(name, proto)
  const size = elementsOf(shape)
  const { tensor_content: bytes } = proto
  const data =
    bytes.length > 0
      ? contentData({ name, type, size }, bytes)
      : listData({ name, type, size }, proto)
  return { name, type, shape, data }
}

interface Wanted {
  readonly name: string
  readonly type: TensorType
  readonly size: number
}

function shapeIn(name: string, { tensor_shape: shape }: TensorProto): number[] {
  if (shape?.unknown_rank === true)
    throw new Problem('invalid', `input ${name} has a shape of unknown rank; say its sizes`)
  const sizes = (shape?.dim ?? []).map(({ size }) => Number(size))
  if (
    !sizes.every((size) => Number.isSafeInteger(size) && size >= 0) ||
    elementsOf(sizes) > 2 ** 31
  )
    throw new Problem(
      'invalid',
      `input ${name} has the shape [${sizes.join(', ')}]; sizes are whole numbers from 0, with at most 2^31 elements together`,
    )
  return sizes
}

function contentData({ name, type, size }: Wanted, bytes: Buffer): TensorData {
  if (type === 'string')
    throw new Problem(
      'invalid',
      `input ${name} has texts in tensor_content; send them as string_val`,
    )
  const expected = size * elementBytes(type)
  if (bytes.length !== expected)
    throw new Problem(
      'invalid',
      `input ${name} has ${bytes.length} bytes of tensor_content, but its shape asks for ${expected}`,
    )
  const data = numericDataOf(type, bytes)
  return type === 'bool' ? Uint8Array.from(data as Uint8Array, (bit) => (bit === 0 ? 0 : 1)) : data
}

function listData({ name, type, size }: Wanted, proto: Lists): TensorData {
  const { list } = TYPES[type]
  const values = proto[list]
  if (values.length > size || (values.length === 0 && size > 0))
    throw new Problem(
      'invalid',
      `input ${name} has ${values.length} elements in ${list}, but its shape asks for ${size}`,
    )
  if (values.length < size && size > FILLED_ELEMENTS_MAX)
    throw new Problem(
      'invalid',
      `input ${name} asks for ${size} elements from ${values.length}; send tensors of more than ${FILLED_ELEMENTS_MAX} elements whole`,
    )
  if (type === 'string') return textsIn(name, values as readonly Buffer[], size)
  const data = numericData(type, size) as { [index: number]: number | bigint; length: number }
  const element = elementReader(type, name)
  for (const [index, value] of values.entries()) data[index] = element(value as number | string)
  const last = data[values.length - 1]
  if (last !== undefined) for (let index = values.length; index < size; index++) data[index] = last
  return data as unknown as TensorData
}

/** Whole numbers come in wider lists than their type has bits. */
function elementReader(
  type: NumericType,
  name: string,
): (value: number | string | boolean) => number | bigint {
  if (type === 'int64' || type === 'uint64') return (value) => BigInt(value)
  if (type === 'float16')
    return (value) => inRange(Number(value), { name, type, from: 0, to: 0xffff })
  const bits = /^u?int(8|16|32)$/.exec(type)?.[1]
  if (bits === undefined) return Number
  const span = 2 ** Number(bits)
  const from = type.startsWith('u') ? 0 : -span / 2
  return (value) => inRange(Number(value), { name, type, from, to: from + span - 1 })
}

function inRange(
  value: number,
  { name, type, from, to }: { name: string; type: TensorType; from: number; to: number },
): number {
  if (value >= from && value <= to) return value
  throw new Problem('invalid', `input ${name} has the value ${value}, which is no ${type}`)
}

function textsIn(name: string, values: readonly Buffer[], size: number): string[] {
  const texts = values.map((bytes) => textOfBytes(name, bytes))
  return Array.from({ length: size }, (_, index) => texts[index] ?? (texts.at(-1) as string))
}

/** The text of bytes. Throws `invalid` for those that models of text could not take. */
export function textOfBytes(name: string, bytes: Buffer): string {
  if (bytes.includes(0))
    throw new Problem(
      'invalid',
      `input ${name} has a NUL character, which the model would cut it at`,
    )
  try {
    return textOf(bytes)
  } catch {
    throw new Problem(
      'invalid',
      `input ${name} has bytes that are no UTF-8; the models here take text`,
    )
  }
}

/** A tensor as clients read it: in the list of its type, which is what TensorFlow Serving answers with. */
export function tensorToProto({ type, shape, data }: Tensor): object {
  const { dtype, list } = TYPES[type]
  return {
    dtype,
    tensor_shape: { dim: shape.map((size) => ({ size: String(size) })) },
    [list]: listOf(type, data),
  }
}

function listOf(type: TensorType, data: TensorData): readonly unknown[] {
  if (type === 'string') return (data as readonly string[]).map((text) => Buffer.from(text))
  if (type === 'bool') return Array.from(data as Uint8Array, (bit) => bit !== 0)
  if (type === 'int64' || type === 'uint64') return Array.from(data as BigInt64Array, String)
  return Array.from(data as Float64Array)
}
