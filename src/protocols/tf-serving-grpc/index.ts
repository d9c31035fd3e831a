import { Problem } from '#base/problem'
import type { RpcCall, RpcService } from '#base/rpc'
import {
  answerHeaders,
  checkClassifier,
  checkRegression,
  classesOf,
  contextIn,
  inputOfNamed,
  nestedOf,
  regressionOf,
  type Context,
  type Inference,
  type PredictionAnswer,
  type PredictionRequest,
  type Takes,
  type Tensor,
} from '#inference'
import { inputOfExamples } from './examples.ts'
import type {
  ExamplesRequest,
  Input,
  MetadataRequest,
  MultiInferenceRequest,
  PredictRequest,
  StatusRequest,
} from './messages.ts'
import { metadataOf, statusesOf } from './metadata.ts'
import { askedIn, servable, specOf, versionIn, type Asked } from './model.ts'
import { tensorIn, tensorToProto } from './tensor-proto.ts'

const PROTO = { root: import.meta.dirname, file: 'serving.proto' }

/** TensorFlow Serving over gRPC: `PredictionService` and `ModelService`. A model is an endpoint here. */
export function tfServingGrpcServices({ inference }: { inference: Inference }): RpcService[] {
  return [
    {
      name: 'tensorflow.serving.PredictionService',
      proto: PROTO,
      methods: {
        Predict: {
          answer: (request: PredictRequest, call) => predicted(inference, request, call),
        },
        Classify: {
          answer: async ({ model_spec: spec, input }: ExamplesRequest, call) =>
            classified(inference, { asked: askedIn(spec), input, call, context: contextOf(call) }),
        },
        Regress: {
          answer: async ({ model_spec: spec, input }: ExamplesRequest, call) =>
            regressed(inference, { asked: askedIn(spec), input, call, context: contextOf(call) }),
        },
        MultiInference: {
          answer: (request: MultiInferenceRequest, call) => inferredAll(inference, request, call),
        },
        GetModelMetadata: {
          answer: async ({ model_spec: spec, metadata_field: fields }: MetadataRequest) => {
            const asked = askedIn(spec)
            checkFields(fields)
            return metadataOf(
              asked,
              await servable(asked, () => inference.describe(asked.model, asked.pin)),
            )
          },
        },
      },
    },
    {
      name: 'tensorflow.serving.ModelService',
      proto: PROTO,
      methods: {
        GetModelStatus: {
          answer: ({ model_spec: spec }: StatusRequest) => statusesOf(inference, askedIn(spec)),
        },
        HandleReloadConfigRequest: {
          answer: async () => {
            throw new Problem(
              'unsupported',
              'models are not configured by a list of folders here: declare an endpoint in orrery.yaml, or load a registered model with POST /v2/repository/models/NAME/load',
            )
          },
        },
      },
    },
  ]
}

async function predicted(inference: Inference, request: PredictRequest, call: RpcCall) {
  const asked = askedIn(request.model_spec)
  const takes = await servable(asked, () => inference.describe(asked.model, asked.pin))
  const given = takes.shape.outputs.map(({ name }) => name)
  const { output_filter: filter } = request
  const unknown = filter.find((name) => !given.includes(name))
  if (unknown !== undefined)
    throw new Problem(
      'invalid',
      `output tensor alias not found in signature: ${unknown}; the model gives ${given.join(', ')}`,
    )
  const tensors = Object.entries(request.inputs).map(([name, proto]) => tensorIn(name, proto))
  const answer = await answerTo(inference, {
    asked,
    call,
    context: contextOf(call),
    input: inputOf(tensors, takes),
  })
  const outputs = answer.outputs.filter(({ name }) => filter.length === 0 || filter.includes(name))
  return {
    model_spec: specOf(asked, versionIn(answer)),
    outputs: Object.fromEntries(outputs.map((each) => [each.name, tensorToProto(each)])),
  }
}

/** Tensors as the model's own inputs, or, where its signature has columns instead, one tensor for each of those. */
function inputOf(tensors: readonly Tensor[], takes: Takes): PredictionRequest['input'] {
  const own = new Set([...takes.shape.inputs.map(({ name }) => name), ...(takes.monitored ?? [])])
  if (tensors.every(({ name }) => own.has(name))) return { form: 'tensors', tensors }
  return inputOfNamed(new Map(tensors.map((tensor) => [tensor.name, nestedOf(tensor)])), takes)
}

interface Examples {
  readonly asked: Asked
  readonly input: Input | null
  readonly call: RpcCall
  readonly context: Context
}

async function classified(inference: Inference, { asked, input, ...caller }: Examples) {
  const takes = await servable(asked, () => inference.describe(asked.model, asked.pin))
  // Before the model runs, so that nothing is logged for what is refused.
  checkClassifier(takes.shape.outputs)
  const answer = await answerTo(inference, {
    asked,
    ...caller,
    input: inputOfExamples(input, takes),
  })
  const classifications = classesOf(answer.outputs).map((classes) => ({ classes }))
  return { model_spec: specOf(asked, versionIn(answer)), result: { classifications } }
}

async function regressed(inference: Inference, { asked, input, ...caller }: Examples) {
  const takes = await servable(asked, () => inference.describe(asked.model, asked.pin))
  checkRegression(takes.shape.outputs)
  const answer = await answerTo(inference, {
    asked,
    ...caller,
    input: inputOfExamples(input, takes),
  })
  const regressions = regressionOf(answer.outputs).map((value) => ({ value }))
  return { model_spec: specOf(asked, versionIn(answer)), result: { regressions } }
}

async function answerTo(
  inference: Inference,
  { asked, call, context, input }: Omit<Examples, 'input'> & Pick<PredictionRequest, 'input'>,
): Promise<PredictionAnswer> {
  const { pin } = asked
  const request = { ...context, ...(pin === undefined ? {} : { pin }), input }
  const answer = await servable(asked, () => inference.predict(asked.model, request))
  for (const [name, value] of Object.entries(answerHeaders(answer))) call.setHeader(name, value)
  return answer
}

const TASKS_MAX = 32

/** Several questions about the same examples; all of them are answered, or none. */
async function inferredAll(
  inference: Inference,
  { tasks, input }: MultiInferenceRequest,
  call: RpcCall,
) {
  if (tasks.length === 0 || tasks.length > TASKS_MAX)
    throw new Problem(
      'invalid',
      `MultiInferenceRequest has ${tasks.length} tasks; send 1 to ${TASKS_MAX}`,
    )
  // An id names one prediction, so it cannot name those of several tasks.
  const { id, ...nameless } = contextOf(call)
  const context = tasks.length === 1 && id !== undefined ? { ...nameless, id } : nameless
  const results = await Promise.all(
    tasks.map(async ({ model_spec: spec, method_name: method }) => {
      const examples = { asked: askedIn(spec), input, call, context }
      if (method === 'tensorflow/serving/classify') {
        const { model_spec, result } = await classified(inference, examples)
        return { model_spec, classification_result: result }
      }
      if (method === 'tensorflow/serving/regress') {
        const { model_spec, result } = await regressed(inference, examples)
        return { model_spec, regression_result: result }
      }
      throw new Problem(
        'unsupported',
        `Unsupported signature method_name: ${method}; there are tensorflow/serving/classify and tensorflow/serving/regress`,
      )
    }),
  )
  return { results }
}

function contextOf({ headers, deadlineMs }: RpcCall): Context {
  return contextIn(headers(), { deadlineMs })
}

function checkFields(fields: readonly string[]): void {
  if (fields.length === 0)
    throw new Problem(
      'invalid',
      'GetModelMetadataRequest must specify at least one metadata_field; there is signature_def',
    )
  const unknown = fields.find((field) => field !== 'signature_def')
  if (unknown !== undefined)
    throw new Problem(
      'invalid',
      `Metadata field ${unknown} is not supported; there is signature_def`,
    )
}
