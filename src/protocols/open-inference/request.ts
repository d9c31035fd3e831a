import { parseExactJson, printExactJson, type ExactJson } from '#base/exact-json'
import { messageOf, Problem } from '#base/problem'
import {
  dataOf,
  elementBytes,
  elementsOf,
  isFloat,
  numericDataOf,
  type Scalar,
  type Tensor,
  type TensorData,
  type TensorType,
} from '#inference'
import { typeIn } from './datatypes.ts'

/** An inference request, read. */
export interface InferRequest {
  readonly id: string | undefined
  readonly inputs: readonly Tensor[]
  /** The outputs that are asked for, in order; all of them when absent. */
  readonly outputs:
    | readonly { readonly name: string; readonly binary: boolean | undefined }[]
    | undefined
  /** How outputs are sent that do not say it themselves. */
  readonly binary: boolean
}

type Dictionary = Readonly<Record<string, ExactJson>>

/** Reads a request: JSON, and behind it the bytes of tensors if `headerLength` says where the JSON ends. */
export function inferRequestIn(body: Buffer, headerLength: string | undefined): InferRequest {
  const jsonLength = headerLength === undefined ? body.length : lengthIn(headerLength, body.length)
  const request = dictionaryIn(body.subarray(0, jsonLength))
  const bytes = byteReader(body.subarray(jsonLength))
  const { id, inputs, outputs, parameters } = request
  if (!isList(inputs)) throw new Problem('invalid', 'inputs must be a list of tensors')
  if (outputs !== undefined && !isList(outputs))
    throw new Problem('invalid', 'outputs must be a list of what is asked for')
  if (id !== undefined && typeof id !== 'string') throw new Problem('invalid', 'id must be a text')
  const tensors = inputs.map((input) => tensorIn(input, bytes))
  bytes.finish()
  const names = tensors.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined) throw new Problem('invalid', `input ${twice} is sent twice`)
  return {
    // Clients send an empty id for none.
    id: id === '' ? undefined : id,
    inputs: tensors,
    outputs: outputs?.map(outputIn),
    binary: isDictionary(parameters) && parameters['binary_data_output'] === true,
  }
}

function lengthIn(header: string, bodyLength: number): number {
  const length = /^\d{1,12}$/.test(header) ? Number(header) : Number.NaN
  if (!(length <= bodyLength))
    throw new Problem(
      'invalid',
      `Inference-Header-Content-Length is ${header}, but the body has ${bodyLength} bytes`,
    )
  return length
}

function dictionaryIn(bytes: Buffer): Dictionary {
  let request: ExactJson
  try {
    request = parseExactJson(bytes.toString('utf8'))
  } catch (error) {
    throw new Problem('invalid', `the request is not valid JSON: ${messageOf(error)}`)
  }
  if (!isDictionary(request)) throw new Problem('invalid', 'the request must be a JSON object')
  return request
}

function outputIn(output: ExactJson): { name: string; binary: boolean | undefined } {
  if (!isDictionary(output) || typeof output['name'] !== 'string')
    throw new Problem('invalid', 'each of outputs must be an object with a name')
  const parameters = isDictionary(output['parameters']) ? output['parameters'] : {}
  if (parameters['classification'] !== undefined)
    throw new Problem(
      'unsupported',
      'the classification extension is not served; ask for the values',
    )
  const binary = parameters['binary_data']
  return { name: output['name'], binary: typeof binary === 'boolean' ? binary : undefined }
}

type ByteReader = ReturnType<typeof byteReader>

/** Hands out the bytes behind the JSON in the order of the inputs. */
function byteReader(bytes: Buffer) {
  let offset = 0
  return {
    take: (size: number, input: string): Buffer => {
      if (offset + size > bytes.length)
        throw new Problem(
          'invalid',
          `input ${input} has binary_data_size ${size}, but only ${bytes.length - offset} bytes are left`,
        )
      const taken = bytes.subarray(offset, offset + size)
      offset += size
      return taken
    },
    finish: () => {
      if (offset < bytes.length)
        throw new Problem(
          'invalid',
          `${bytes.length - offset} bytes of the body belong to no input`,
        )
    },
  }
}

function tensorIn(input: ExactJson, bytes: ByteReader): Tensor {
  if (!isDictionary(input) || typeof input['name'] !== 'string')
    throw new Problem('invalid', 'each of inputs must be an object with a name')
  const { name } = input as { name: string }
  const type = typeIn(input['datatype'], name)
  const shape = shapeIn(input['shape'], name)
  const parameters = isDictionary(input['parameters']) ? input['parameters'] : {}
  const size = parameters['binary_data_size']
  if (size === undefined)
    return { name, type, shape, data: listed(input['data'], { name, type, shape }) }
  if (input['data'] !== undefined)
    throw new Problem('invalid', `input ${name} has both data and binary_data_size; send one`)
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0)
    throw new Problem('invalid', `input ${name} has a binary_data_size that is no number of bytes`)
  return { name, type, shape, data: binaryData(bytes.take(size, name), { name, type, shape }) }
}

interface Spec {
  readonly name: string
  readonly type: TensorType
  readonly shape: readonly number[]
}

function shapeIn(shape: ExactJson | undefined, name: string): number[] {
  const sizes = isList(shape) ? shape : []
  const valid = sizes.every(
    (size) => typeof size === 'number' && Number.isInteger(size) && size >= 0,
  )
  if (sizes.length === 0 || !valid || elementsOf(sizes as number[]) > 2 ** 31)
    throw new Problem('invalid', `input ${name} must have a shape: a list of sizes, rows first`)
  return sizes as number[]
}

function listed(data: ExactJson | undefined, spec: Spec): TensorData {
  if (!isList(data))
    throw new Problem('invalid', `input ${spec.name} has neither data nor binary_data_size`)
  const values: Scalar[] = []
  const collect = (list: readonly ExactJson[]) => {
    for (const each of list)
      if (isList(each)) collect(each)
      else values.push(elementIn(each, spec))
  }
  collect(data)
  checkCount(values.length, spec)
  return dataOf(spec.type, values)
}

function elementIn(value: ExactJson, { name, type }: Spec): Scalar {
  if (type === 'string' && typeof value === 'string') return withoutNul(value, name)
  if (type === 'bool' && typeof value === 'boolean') return value
  if (isFloat(type) && (typeof value === 'number' || typeof value === 'bigint')) return value
  // Python's json writes NaN, which has been read as a gap.
  if (isFloat(type) && value === null) return null
  if (/int/.test(type) && isWithin(value, type)) return value
  throw new Problem(
    'invalid',
    `input ${name} has the value ${printExactJson(value)}, which is no ${type}`,
  )
}

function isWithin(value: ExactJson, type: TensorType): value is number | bigint {
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value)))
    return false
  const bits = BigInt(type.replace(/\D/g, ''))
  const integer = BigInt(value)
  return type.startsWith('u')
    ? integer >= 0n && integer < 1n << bits
    : integer >= -(1n << (bits - 1n)) && integer < 1n << (bits - 1n)
}

/** Elements from bytes: little-endian, without gaps; texts each behind their length in 32 bits. */
function binaryData(bytes: Buffer, spec: Spec): TensorData {
  if (spec.type === 'string') {
    const texts = textsIn(bytes, spec.name)
    checkCount(texts.length, spec)
    return texts
  }
  const size = elementBytes(spec.type)
  if (bytes.length % size !== 0)
    throw new Problem(
      'invalid',
      `input ${spec.name} has ${bytes.length} bytes, no multiple of ${size}`,
    )
  checkCount(bytes.length / size, spec)
  return numericDataOf(spec.type, bytes)
}

function textsIn(bytes: Buffer, name: string): string[] {
  const texts: string[] = []
  for (let offset = 0; offset < bytes.length;) {
    const start = offset + 4
    const end =
      start <= bytes.length ? start + bytes.readUInt32LE(offset) : Number.POSITIVE_INFINITY
    if (end > bytes.length)
      throw new Problem('invalid', `input ${name} has a text that is longer than its bytes`)
    const part = bytes.subarray(start, end)
    const text = part.toString('utf8')
    if (text.includes('\uFFFD') && !Buffer.from(text).equals(part))
      throw new Problem(
        'invalid',
        `input ${name} has bytes that are no UTF-8; models here take text`,
      )
    texts.push(withoutNul(text, name))
    offset = end
  }
  return texts
}

function withoutNul(text: string, name: string): string {
  if (text.includes('\0'))
    throw new Problem(
      'invalid',
      `input ${name} has a NUL character, which the model would cut it at`,
    )
  return text
}

function checkCount(count: number, { name, shape }: Spec): void {
  if (count !== elementsOf(shape))
    throw new Problem(
      'invalid',
      `input ${name} has ${count} elements, but its shape [${shape.join(', ')}] asks for ${elementsOf(shape)}`,
    )
}

function isDictionary(value: unknown): value is Dictionary {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: unknown): value is readonly ExactJson[] {
  return Array.isArray(value)
}
