import { Problem } from '#base/problem'
import { bytesOf, type NumericData, type PredictionAnswer, type Tensor } from '#inference'
import { datatypeOf } from './datatypes.ts'
import type { InferRequest } from './request.ts'

/** An answer's body; `headerLength` says where its JSON ends if bytes follow. */
export interface InferResponse {
  readonly body: Buffer
  readonly headerLength: number | undefined
}

/** Throws `invalid` when an output is asked for that the model does not give: before it runs. */
export function checkOutputs({ outputs }: InferRequest, given: readonly string[]): void {
  const unknown = outputs?.find(({ name }) => !given.includes(name))
  if (unknown !== undefined)
    throw new Problem(
      'invalid',
      `there is no output ${unknown.name}; the model gives ${given.join(', ')}`,
    )
}

/** The outputs that were asked for, each as JSON or as bytes. */
export function inferResponseOf(
  model: { name: string; version: string },
  request: InferRequest,
  answer: PredictionAnswer,
): InferResponse {
  checkOutputs(
    request,
    answer.outputs.map(({ name }) => name),
  )
  const parts: string[] = []
  const blocks: Buffer[] = []
  for (const tensor of asked(request, answer)) {
    const binary = request.outputs?.find(({ name }) => name === tensor.name)?.binary
    if (binary ?? request.binary) {
      const block = blockOf(tensor)
      blocks.push(block)
      parts.push(partOf(tensor, `"parameters":{"binary_data_size":${block.length}}`))
    } else parts.push(partOf(tensor, `"data":[${dataText(tensor)}]`))
  }
  const head = JSON.stringify({
    model_name: model.name,
    model_version: model.version,
    ...(request.id === undefined ? {} : { id: request.id }),
    parameters: { prediction_id: answer.batch, revision: answer.revision },
  })
  const json = Buffer.from(`${head.slice(0, -1)},"outputs":[${parts.join(',')}]}`)
  return blocks.length === 0
    ? { body: json, headerLength: undefined }
    : { body: Buffer.concat([json, ...blocks]), headerLength: json.length }
}

function asked({ outputs }: InferRequest, answer: PredictionAnswer): readonly Tensor[] {
  if (outputs === undefined) return answer.outputs
  return outputs.flatMap(({ name }) => answer.outputs.filter((output) => output.name === name))
}

function partOf({ name, type, shape }: Tensor, rest: string): string {
  const described = JSON.stringify({ name, datatype: datatypeOf(type), shape })
  return `${described.slice(0, -1)},${rest}}`
}

function dataText({ name, type, data }: Tensor): string {
  if (type === 'string')
    return (data as readonly string[]).map((text) => JSON.stringify(text)).join(',')
  if (type === 'bool') return [...(data as Uint8Array)].map((bit) => bit !== 0).join(',')
  // A template is also what prints whole numbers of 64 bits with all their digits.
  const numbers = data as NumericData
  if (type.startsWith('float') && !(numbers as Float64Array).every(Number.isFinite))
    throw new Problem(
      'unsupported',
      `output ${name} has values that are no finite numbers, which JSON cannot say; ask for binary_data`,
    )
  return numbers.join(',')
}

function blockOf({ type, data }: Tensor): Buffer {
  if (type !== 'string') return bytesOf(data as NumericData)
  return Buffer.concat(
    (data as readonly string[]).flatMap((text) => {
      const bytes = Buffer.from(text)
      const length = Buffer.alloc(4)
      length.writeUInt32LE(bytes.length)
      return [length, bytes]
    }),
  )
}
