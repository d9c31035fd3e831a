import { Problem } from '#base/problem'
import type { Inference, Pin, PredictionAnswer, PredictionRequest, Tensor, Value } from '#inference'
import { contextIn, rowsOf } from '#inference'
import { textIn } from './elements.ts'
import { checkOutputs } from './outputs.ts'
import { contentTypeIn, wishesIn, type Wishes } from './parameters.ts'
import { whyOf, type Explain } from '#explanations'
import type { InferInput, InferRequest } from './request.ts'

/** A model and its version, as a path or a message names them. */
export interface ModelName {
  readonly model: string
  readonly version?: string | undefined
}

/** What a request brings beside its body. */
export interface Circumstances {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** What the transport says of it. */
  readonly deadlineMs?: number | undefined
  /** Aborted when the caller has gone. */
  signal(this: void): AbortSignal
}

/** Who is asked. */
export interface Answering {
  readonly inference: Inference
  /** Without it no answer is explained. */
  readonly explanations?: Explain | undefined
}

export interface Answered {
  readonly answer: PredictionAnswer
  /** Why, as JSON. */
  readonly explanation?: string
  readonly wishes: Wishes
}

/** A number is a version, any other text an alias of the registered model. */
export function pinOf(version: string | undefined): Pin | undefined {
  if (version === undefined || version === '') return undefined
  return /^\d{1,15}$/.test(version)
    ? { by: 'version', version: Number(version) }
    : { by: 'label', label: version }
}

/** Asks for what a request asks; the answer is in the log when this resolves. */
export async function ask(
  { inference, explanations }: Answering,
  { model, version }: ModelName,
  request: InferRequest,
  circumstances: Circumstances,
): Promise<Answered> {
  const wishes = wishesIn(request.parameters)
  if (wishes.explain && explanations === undefined)
    throw new Problem('unsupported', 'there are no explanations here; ask without explain')
  const pin = pinOf(version)
  // Before the model runs, so that nothing is logged for what is refused.
  if (request.outputs !== undefined)
    checkOutputs(request.outputs, (await inference.describe(model, pin)).shape.outputs)
  const input =
    wishes.contentType === 'pd'
      ? await rowsIn(inference, { model, pin }, request.inputs)
      : tensorsIn(request.inputs, wishes)
  const { headers, deadlineMs, signal } = circumstances
  const asked = {
    ...contextIn(headers, {
      id: request.id,
      deadlineMs: sooner(wishes.deadlineMs, deadlineMs),
    }),
    ...(pin === undefined ? {} : { pin }),
    ...(wishes.params === undefined ? {} : { params: wishes.params }),
    input,
  }
  const answer = await inference.predict(model, asked)
  if (!wishes.explain || explanations === undefined) return { answer, wishes }
  // Of the revision that answered, whichever gets the next request.
  const why = whyOf({ ...asked, pin: { by: 'revision', revision: answer.revision } }, signal())
  return { answer, wishes, explanation: JSON.stringify(await explanations.explain(model, why)) }
}

function sooner(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return Math.min(one, other)
}

type Input = PredictionRequest['input']

function tensorsIn(inputs: readonly InferInput[], wishes: Wishes): Input {
  const tensors = inputs.map(({ tensor, parameters }) =>
    (contentTypeIn(parameters) ?? wishes.contentType) === 'base64' ? decoded(tensor) : tensor,
  )
  return { form: 'tensors', tensors }
}

/** A data frame: every input is a column. */
async function rowsIn(
  inference: Inference,
  { model, pin }: { model: string; pin: Pin | undefined },
  inputs: readonly InferInput[],
): Promise<Input> {
  const { columns } = await inference.describe(model, pin)
  const count = inputs[0]?.tensor.shape[0] ?? 0
  const lists = inputs.map(({ tensor, parameters }) => {
    if (tensor.shape[0] !== count)
      throw new Problem(
        'invalid',
        `input ${tensor.name} has ${tensor.shape[0]} rows and ${inputs[0]?.tensor.name} has ${count}; all columns must have the same`,
      )
    // Columns of bytes are base64 themselves.
    const isBytes = columns?.find(({ name }) => name === tensor.name)?.type === 'binary'
    return rowsOf(contentTypeIn(parameters) === 'base64' && !isBytes ? decoded(tensor) : tensor)
  })
  return {
    form: 'rows',
    columns: inputs.map(({ tensor }) => tensor.name),
    rows: Array.from({ length: count }, (_, row) =>
      lists.map((values): Value => values[row] ?? null),
    ),
  }
}

/** The texts that a tensor holds in base64. */
function decoded(tensor: Tensor): Tensor {
  if (tensor.type !== 'string')
    throw new Problem('invalid', `input ${tensor.name} is base64, but its datatype is not BYTES`)
  return {
    ...tensor,
    data: (tensor.data as readonly string[]).map((text) => {
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0)
        throw new Problem('invalid', `input ${tensor.name} has a text that is no base64`)
      return textIn(Buffer.from(text, 'base64'), tensor.name)
    }),
  }
}
