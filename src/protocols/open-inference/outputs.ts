import { Problem } from '#base/problem'
import {
  elementsOf,
  type PredictionAnswer,
  type Tensor,
  type TensorSpec,
  valueAt,
} from '#inference'
import { contentTypeIn } from './parameters.ts'
import type { InferRequest, RequestedOutput } from './request.ts'

/** One output as it is sent. */
export interface SentOutput {
  readonly tensor: Tensor
  readonly asked: RequestedOutput | undefined
}

/** Throws `invalid` when an output is asked for that the model does not give, or not so: before it runs. */
export function checkOutputs(
  asked: readonly RequestedOutput[],
  given: readonly Pick<TensorSpec, 'name' | 'type'>[],
): void {
  for (const output of asked) {
    const { name, parameters } = output
    const found = given.find((each) => each.name === name)
    if (found === undefined)
      throw new Problem(
        'invalid',
        `there is no output ${name}; the model gives ${given.map((each) => each.name).join(', ')}`,
      )
    if (Object.keys(parameters).some((key) => key.startsWith('shared_memory_')))
      throw new Problem('invalid', `output ${name} shall lie in shared memory; ask for its data`)
    if (classesOf(output) !== undefined && found.type === 'string')
      throw new Problem('invalid', `output ${name} has texts, of which none is the largest`)
    if (contentTypeIn(parameters) === 'base64' && found.type !== 'string')
      throw new Problem('invalid', `output ${name} has numbers, which are not sent as base64`)
  }
}

/** How many of the largest values are asked for, as the classification extension has them. */
function classesOf({ name, parameters }: RequestedOutput): number | undefined {
  const count = parameters['classification']
  if (count === undefined) return undefined
  const number = typeof count === 'bigint' ? Number(count) : count
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0)
    // Triton's clients send 0 for none.
    return number === 0 ? undefined : number
  throw new Problem('invalid', `classification of output ${name} must be a number of classes`)
}

/** The outputs that were asked for, each in the form that was asked for. */
export function sentOutputs({ outputs }: InferRequest, answer: PredictionAnswer): SentOutput[] {
  if (outputs === undefined) return answer.outputs.map((tensor) => ({ tensor, asked: undefined }))
  checkOutputs(outputs, answer.outputs)
  return outputs.flatMap((asked) => {
    const tensor = answer.outputs.find(({ name }) => name === asked.name)
    return tensor === undefined ? [] : [{ tensor: formed(tensor, asked), asked }]
  })
}

function formed(tensor: Tensor, asked: RequestedOutput): Tensor {
  const classes = classesOf(asked)
  if (classes !== undefined) return classified(tensor, classes)
  if (contentTypeIn(asked.parameters) !== 'base64') return tensor
  const data = (tensor.data as readonly string[]).map((text) =>
    Buffer.from(text).toString('base64'),
  )
  return { ...tensor, data }
}

/** For each row its largest values as `value:index`, the largest first. */
function classified(tensor: Tensor, count: number): Tensor {
  const [rows = 1, ...tail] = tensor.shape
  const width = elementsOf(tail)
  const kept = Math.min(count, width)
  const data: string[] = []
  for (let row = 0; row < rows; row += 1) {
    const values = Array.from({ length: width }, (_, index) => {
      const value = valueAt(tensor, row * width + index)
      return typeof value === 'bigint' ? value : Number(value)
    })
    const order = values.map((_, index) => index).toSorted((a, b) => byValue(values, a, b))
    for (const index of order.slice(0, kept)) data.push(`${values[index]}:${index}`)
  }
  return { name: tensor.name, type: 'string', shape: [rows, kept], data }
}

/** Larger ones first, of equals the earlier one, and what is no number last. */
function byValue(values: readonly (number | bigint)[], a: number, b: number): number {
  const [left, right] = [values[a] as number, values[b] as number]
  if (left > right || (Number.isNaN(right) && !Number.isNaN(left))) return -1
  if (left < right || (Number.isNaN(left) && !Number.isNaN(right))) return 1
  return a - b
}
