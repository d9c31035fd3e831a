import { printExactJson, type ExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import {
  elementBytes,
  elementsOf,
  isFloat,
  numericData,
  numericDataOf,
  type NumericData,
  type NumericType,
  type TensorData,
  type TensorType,
} from '#inference'
import { typeOf, type Datatype } from './datatypes.ts'

/** What an input says of itself, beside its elements. */
export interface Spec {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
}

/** Deeper lists are no tensor of anybody. */
const DEPTH_MAX = 64
const ELEMENTS_MAX = 2 ** 31

/** Throws `invalid` for what is no list of sizes, rows first. */
export function checkShape(shape: readonly unknown[], name: string): number[] {
  const valid = shape.every(
    (size) => typeof size === 'number' && Number.isInteger(size) && size >= 0,
  )
  if (shape.length === 0 || !valid || elementsOf(shape as number[]) > ELEMENTS_MAX)
    throw new Problem('invalid', `input ${name} must have a shape: a list of sizes, rows first`)
  return shape as number[]
}

/** The elements of a list, flat or nested. */
export function listedData(data: ExactJson | undefined, spec: Spec): TensorData {
  if (!Array.isArray(data))
    throw new Problem(
      'invalid',
      data === undefined
        ? `input ${spec.name} has neither data nor binary_data_size`
        : `input ${spec.name} has data that is no list; send its elements as one, flat or nested`,
    )
  if (spec.datatype === 'FP16' || spec.datatype === 'BF16')
    throw new Problem(
      'invalid',
      `input ${spec.name} is of ${spec.datatype}, which JSON has no numbers for; send it as binary data`,
    )
  const list = data as readonly ExactJson[]
  // The type of JSON cannot be unfolded as deep as that.
  const flat = Array.isArray(list[0])
    ? ((list as unknown[]).flat(DEPTH_MAX as 1) as ExactJson[])
    : list
  // Before anything is made for them: a shape may claim what no memory holds.
  checkCount(flat.length, spec)
  const type = typeOf(spec.datatype)
  if (type === 'string') return textsOf(flat, spec)
  if (isFloat(type)) return floatsOf(flat, type as 'float32' | 'float64', spec)
  return type === 'bool' ? bitsOf(flat, spec) : integersOf(flat, type, spec)
}

function textsOf(list: readonly ExactJson[], spec: Spec): string[] {
  return list.map((value) => {
    if (typeof value !== 'string') throw notOf(value, spec)
    return withoutNul(value, spec.name)
  })
}

function floatsOf(
  list: readonly ExactJson[],
  type: 'float32' | 'float64',
  spec: Spec,
): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
  const data = type === 'float32' ? new Float32Array(list.length) : new Float64Array(list.length)
  for (let index = 0; index < list.length; index += 1) {
    const value = list[index]
    // Python's json writes NaN, which has been read as a gap.
    const number = value === null ? Number.NaN : typeof value === 'bigint' ? Number(value) : value
    if (typeof number !== 'number') throw notOf(value, spec)
    data[index] = number
    // Rounding to infinity would be another question than the one that was asked.
    if (!Number.isFinite(data[index]) && Number.isFinite(number)) throw notOf(value, spec)
  }
  return data
}

function bitsOf(list: readonly ExactJson[], spec: Spec): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(list.length)
  for (let index = 0; index < list.length; index += 1) {
    const value = list[index]
    if (typeof value !== 'boolean') throw notOf(value, spec)
    data[index] = value ? 1 : 0
  }
  return data
}

function integersOf(list: readonly ExactJson[], type: NumericType, spec: Spec): NumericData {
  const { least, most } = rangeOf(type)
  const data = numericData(type, list.length)
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array ? data : undefined
  // Which of the narrow ones it is, TypeScript cannot tell.
  const narrow = data as Int32Array
  for (let index = 0; index < list.length; index += 1) {
    const value = list[index]
    const isWhole = typeof value === 'bigint' || Number.isInteger(value)
    if (!isWhole || (value as number) < least || (value as number) > most) throw notOf(value, spec)
    if (wide === undefined) narrow[index] = Number(value)
    else wide[index] = BigInt(value as number)
  }
  return data
}

/** JavaScript compares numbers with bigints exactly. */
export function rangeOf(type: TensorType): { least: bigint; most: bigint } {
  const bits = BigInt(type.replace(/\D/g, ''))
  return type.startsWith('u')
    ? { least: 0n, most: (1n << bits) - 1n }
    : { least: -(1n << (bits - 1n)), most: (1n << (bits - 1n)) - 1n }
}

function notOf(value: ExactJson | undefined, { name, datatype }: Spec): Problem {
  const told =
    typeof value === 'object' && value !== null ? 'of a list or object' : printExactJson(value)
  return new Problem('invalid', `input ${name} has the value ${told}, which is no ${datatype}`)
}

/** Elements from bytes: little-endian, without gaps; texts each behind their length in 32 bits. */
export function binaryData(bytes: Uint8Array, spec: Spec): TensorData {
  const { name, datatype } = spec
  if (datatype === 'BYTES') {
    const texts = textsIn(bytes, name)
    checkCount(texts.length, spec)
    return texts
  }
  const size = widthOf(datatype)
  if (bytes.length % size !== 0)
    throw new Problem('invalid', `input ${name} has ${bytes.length} bytes, no multiple of ${size}`)
  checkCount(bytes.length / size, spec)
  if (datatype === 'BF16') return widened(bytes)
  if (datatype === 'BOOL' && bytes.some((bit) => bit > 1))
    throw new Problem('invalid', `input ${name} is of BOOL and has bytes other than 0 and 1`)
  return numericDataOf(typeOf(datatype) as NumericType, bytes)
}

/** Bytes of one element; a text has as many as it likes. */
export function widthOf(datatype: Exclude<Datatype, 'BYTES'>): number {
  return datatype === 'BF16' ? 2 : elementBytes(typeOf(datatype) as NumericType)
}

/** A BF16 is the upper half of an FP32. */
function widened(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const floats = new Float32Array(bytes.length / 2)
  const upper = new Uint8Array(floats.buffer)
  for (let index = 0; index < floats.length; index += 1) {
    upper[4 * index + 2] = bytes[2 * index] as number
    upper[4 * index + 3] = bytes[2 * index + 1] as number
  }
  return floats
}

function textsIn(bytes: Uint8Array, name: string): string[] {
  const texts: string[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let offset = 0; offset < bytes.length;) {
    const start = offset + 4
    const end =
      start <= bytes.length ? start + view.getUint32(offset, true) : Number.POSITIVE_INFINITY
    if (end > bytes.length)
      throw new Problem('invalid', `input ${name} has a text that is longer than its bytes`)
    texts.push(textIn(bytes.subarray(start, end), name))
    offset = end
  }
  return texts
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws `invalid` for bytes that no model here could take as they are. */
export function textIn(bytes: Uint8Array, name: string): string {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw new Problem('invalid', `input ${name} has bytes that are no UTF-8; models here take text`)
  }
  return withoutNul(text, name)
}

function withoutNul(text: string, name: string): string {
  if (text.includes('\0'))
    throw new Problem(
      'invalid',
      `input ${name} has a NUL character, which the model would cut it at`,
    )
  return text
}

export function checkCount(count: number, { name, shape }: Spec): void {
  if (count !== elementsOf(shape))
    throw new Problem(
      'invalid',
      `input ${name} has ${count} elements, but its shape [${shape.join(', ')}] asks for ${elementsOf(shape)}`,
    )
}
