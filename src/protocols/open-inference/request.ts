import { parseExactJson, type ExactJson } from '#base/exact-json'
import { textOf } from '#base/json'
import { messageOf, Problem } from '#base/problem'
import type { Tensor } from '#inference'
import { datatypeIn, typeOf } from './datatypes.ts'
import { binaryData, checkShape, listedData } from './elements.ts'

export type Parameters = Readonly<Record<string, ExactJson>>

/** An inference request, read, whichever way it came. */
export interface InferRequest {
  readonly id: string | undefined
  readonly inputs: readonly InferInput[]
  /** The outputs that are asked for, in order; all of them when absent. */
  readonly outputs: readonly RequestedOutput[] | undefined
  readonly parameters: Parameters
}

export interface InferInput {
  readonly tensor: Tensor
  readonly parameters: Parameters
}

export interface RequestedOutput {
  readonly name: string
  readonly parameters: Parameters
}

const NONE: Parameters = {}

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
  const tensors = inputs.map((input) => inputIn(input, bytes))
  bytes.finish()
  return checkedRequest({
    id,
    inputs: tensors,
    outputs: outputs?.map(outputIn),
    parameters: parametersIn(parameters, 'the request'),
  })
}

/** Throws `invalid` for a request that says something twice. */
export function checkedRequest(request: InferRequest): InferRequest {
  const { id, inputs, outputs } = request
  const names = inputs.map(({ tensor }) => tensor.name)
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined) throw new Problem('invalid', `input ${twice} is sent twice`)
  const asked = outputs?.map(({ name }) => name)
  const again = asked?.find((name, index) => asked.indexOf(name) < index)
  if (again !== undefined) throw new Problem('invalid', `output ${again} is asked for twice`)
  // Clients send an empty id for none.
  return id === '' ? { ...request, id: undefined } : request
}

/** Whether a body is one tensor's bytes and nothing else. */
export function isRaw(headerLength: string | undefined): boolean {
  return headerLength === '0'
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

/** The JSON object of a body. */
export function dictionaryIn(bytes: Buffer): Parameters {
  let request: ExactJson
  try {
    request = parseExactJson(textOf(bytes))
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('invalid', `the request is not valid JSON: ${messageOf(error)}`)
  }
  if (!isDictionary(request)) throw new Problem('invalid', 'the request must be a JSON object')
  return request
}

function outputIn(output: ExactJson): RequestedOutput {
  if (!isDictionary(output) || typeof output['name'] !== 'string')
    throw new Problem('invalid', 'each of outputs must be an object with a name')
  const { name } = output as { name: string }
  return { name, parameters: parametersIn(output['parameters'], `output ${name}`) }
}

export function parametersIn(parameters: ExactJson | undefined, of: string): Parameters {
  if (parameters === undefined || parameters === null) return NONE
  if (!isDictionary(parameters))
    throw new Problem('invalid', `the parameters of ${of} must be an object`)
  return parameters
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

function inputIn(input: ExactJson, bytes: ByteReader): InferInput {
  if (!isDictionary(input) || typeof input['name'] !== 'string')
    throw new Problem('invalid', 'each of inputs must be an object with a name')
  const { name } = input as { name: string }
  const datatype = datatypeIn(input['datatype'], name)
  const given = input['shape']
  const shape = checkShape(isList(given) ? given : [], name)
  const parameters = parametersIn(input['parameters'], `input ${name}`)
  if (Object.keys(parameters).some((key) => key.startsWith('shared_memory_')))
    throw new Problem('invalid', `input ${name} lies in shared memory, which is not read here`)
  const size = parameters['binary_data_size']
  const spec = { name, datatype, shape }
  const data = input['data']
  if (size === undefined) {
    const elements = listedData(data, spec)
    return { tensor: { name, type: typeOf(datatype), shape, data: elements }, parameters }
  }
  if (data !== undefined)
    throw new Problem('invalid', `input ${name} has both data and binary_data_size; send one`)
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0)
    throw new Problem('invalid', `input ${name} has a binary_data_size that is no number of bytes`)
  const elements = binaryData(bytes.take(size, name), spec)
  return { tensor: { name, type: typeOf(datatype), shape, data: elements }, parameters }
}

export function isDictionary(value: unknown): value is Parameters {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: unknown): value is readonly ExactJson[] {
  return Array.isArray(value)
}
