import { Problem } from '#base/problem'
import { bytesOf, valueAt, type NumericData, type PredictionAnswer, type Tensor } from '#inference'
import type { Answered } from './ask.ts'
import { datatypeOf } from './datatypes.ts'
import { sentOutputs } from './outputs.ts'
import type { Wishes } from './parameters.ts'
import type { InferRequest } from './request.ts'

/** An answer's body, a text where it is JSON alone; `headerLength` says where its JSON ends if bytes follow. */
export interface InferResponse {
  readonly body: string | Buffer
  readonly headerLength: number | undefined
}

/** The outputs that were asked for, each as JSON or as bytes. */
export function inferResponseOf(
  model: string,
  request: InferRequest,
  { answer, wishes, explanation }: Answered,
): InferResponse {
  const parts: string[] = []
  const blocks: Buffer[] = []
  for (const { tensor, asked } of sentOutputs(request, answer)) {
    const binary = asked?.parameters['binary_data']
    if (typeof binary === 'boolean' ? binary : wishes.binary) {
      const block = blockOf(tensor)
      blocks.push(block)
      parts.push(partOf(tensor, `"parameters":{"binary_data_size":${block.length}}`))
    } else parts.push(partOf(tensor, `"data":[${dataText(tensor, answer.batch, wishes)}]`))
  }
  const head = JSON.stringify({
    model_name: model,
    model_version: versionOf(answer),
    ...(request.id === undefined ? {} : { id: request.id }),
    parameters: {
      prediction_id: answer.batch,
      revision: answer.revision,
      ...(explanation === undefined ? {} : { explanation }),
    },
  })
  const text = `${head.slice(0, -1)},"outputs":[${parts.join(',')}]}`
  if (blocks.length === 0) return { body: text, headerLength: undefined }
  const json = Buffer.from(text)
  return { body: Buffer.concat([json, ...blocks]), headerLength: json.length }
}

/** `3` of `flights-late/3`. */
export function versionOf({ modelVersion }: PredictionAnswer): string {
  return modelVersion.slice(modelVersion.lastIndexOf('/') + 1)
}

function partOf({ name, type, shape }: Tensor, rest: string): string {
  const described = JSON.stringify({ name, datatype: datatypeOf(type), shape })
  return `${described.slice(0, -1)},${rest}}`
}

function dataText(tensor: Tensor, batch: string, { allowsNan }: Wishes): string {
  const { name, type, data, gaps } = tensor
  if (type === 'string')
    return (data as readonly string[])
      .map((text, index) => (gaps?.[index] === 1 ? 'null' : JSON.stringify(text)))
      .join(',')
  if (type === 'bool') return [...(data as Uint8Array)].map((bit) => bit !== 0).join(',')
  // What joins a list also prints whole numbers of 64 bits with all their digits.
  if (!type.startsWith('float')) return (data as NumericData).join(',')
  const plain = type === 'float16' ? halves(tensor) : (data as Float64Array)
  let odd = false
  for (let index = 0; index < plain.length; index += 1) {
    const value = plain[index] as number
    if (!Number.isFinite(value) && !allowsNan) throw notFinite(name, batch)
    odd ||= !Number.isFinite(value) || Object.is(value, -0)
  }
  return odd ? Array.from(plain, oddText).join(',') : plain.join(',')
}

function halves(tensor: Tensor): Float64Array {
  return Float64Array.from(tensor.data as Uint16Array, (_, index) => Number(valueAt(tensor, index)))
}

function oddText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  // Python reads -0 as a whole number, which has no sign.
  return Object.is(value, -0) ? '-0.0' : String(value)
}

function notFinite(name: string, batch: string): Problem {
  return new Problem(
    'invalid',
    `output ${name} has values that are no finite numbers, which JSON cannot say; ask for binary_data, or send the parameter allow_nan "string". The prediction was made and logged as ${batch}`,
  )
}

/** A tensor's bytes as the binary extension and gRPC's raw contents have them. */
export function blockOf({ type, data }: Tensor): Buffer {
  if (type !== 'string') return bytesOf(data as NumericData)
  const texts = data as readonly string[]
  const sizes = texts.map((text) => Buffer.byteLength(text))
  const block = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size + 4, 0))
  let offset = 0
  for (const [index, text] of texts.entries()) {
    offset = block.writeUInt32LE(sizes[index] as number, offset)
    offset += block.write(text, offset)
  }
  return block
}
