import {
  credentials,
  loadPackageDefinition,
  status as Status,
  type Client,
  type ClientUnaryCall,
  type Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { Agent, request as httpRequest } from 'node:http'
import { join } from 'node:path'
import type { Said } from './models.ts'

// How each protocol asks for one number, and what its answer says.

/** Nobody waits longer: a request that was not answered by then never will be. */
const ANSWER_MS_MAX = 40_000

export interface Question {
  readonly endpoint: string
  readonly x: number
  /** The caller's own name for the request. */
  readonly id?: string
}

export type Answered =
  | {
      readonly kind: 'answer'
      readonly prediction: string
      readonly model: string
      readonly revision: number
      readonly said: Said
    }
  /** Nothing was done. */
  | { readonly kind: 'refused'; readonly how: string }
  /** The connection broke: it may have been answered or not. */
  | { readonly kind: 'lost'; readonly how: string }
  | { readonly kind: 'wrong'; readonly how: string }

export interface Asker {
  readonly protocol: string
  ask(question: Question): Promise<Answered>
  close(): void
}

interface Http {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

interface Form {
  readonly path: (endpoint: string) => string
  readonly body: (x: number) => { bytes: Buffer; headers: Record<string, string> }
  readonly said: (answer: Http) => Said
}

const json = (value: unknown) => ({
  bytes: Buffer.from(JSON.stringify(value)),
  headers: { 'content-type': 'application/json' },
})

interface OipOutput {
  readonly name: string
  readonly data?: readonly number[]
}

const infer = (endpoint: string) => `/v2/models/${endpoint}/infer`
const input = { name: 'x', datatype: 'FP64', shape: [1, 1] }

const FORMS: Readonly<Record<string, Form>> = {
  'OIP JSON': {
    path: infer,
    body: (x) => json({ inputs: [{ ...input, data: [x] }] }),
    said: ({ body }) => {
      const { outputs } = JSON.parse(body.toString()) as { outputs: OipOutput[] }
      const of = (name: string) => outputs.find((each) => each.name === name)?.data?.[0] ?? NaN
      return { echo: of('echo'), sum: of('sum') }
    },
  },
  'OIP binary': {
    path: infer,
    body: (x) => {
      const parameters = { binary_data_size: 8 }
      const head = Buffer.from(
        JSON.stringify({
          inputs: [{ ...input, parameters }],
          parameters: { binary_data_output: true },
        }),
      )
      const value = Buffer.alloc(8)
      value.writeDoubleLE(x)
      return {
        bytes: Buffer.concat([head, value]),
        headers: {
          'content-type': 'application/octet-stream',
          'inference-header-content-length': String(head.length),
        },
      }
    },
    said: ({ body, headers }) => {
      const length = Number(headers['inference-header-content-length'])
      const { outputs } = JSON.parse(body.subarray(0, length).toString()) as {
        outputs: OipOutput[]
      }
      const at = (name: string) =>
        body.readDoubleLE(length + 8 * outputs.findIndex((each) => each.name === name))
      return { echo: at('echo'), sum: at('sum') }
    },
  },
  MLflow: {
    path: (endpoint) => `/endpoints/${endpoint}/invocations`,
    body: (x) => json({ dataframe_split: { columns: ['x'], data: [[x]] } }),
    said: ({ body }) => {
      const { predictions } = JSON.parse(body.toString()) as { predictions: unknown }
      return firstOf(predictions)
    },
  },
  'TensorFlow Serving': {
    path: (endpoint) => `/v1/models/${endpoint}:predict`,
    body: (x) => json({ instances: [{ x: [x] }] }),
    said: ({ body }) => {
      const { predictions } = JSON.parse(body.toString()) as { predictions: unknown }
      return firstOf(predictions)
    },
  },
}

/** The first row of `[{echo, sum}]` or of `{echo: [], sum: []}`, whatever lists stand around a number. */
function firstOf(predictions: unknown): Said {
  const inner = (value: unknown): unknown => (Array.isArray(value) ? inner(value[0]) : value)
  const { echo, sum } = inner(predictions) as Record<string, unknown>
  return { echo: Number(inner(echo)), sum: Number(inner(sum)) }
}

export const HTTP_PROTOCOLS = Object.keys(FORMS)

/** A client with a connection of its own. */
export function httpAsker(protocol: string, port: number): Asker {
  const form = FORMS[protocol]
  if (form === undefined) throw new Error(`nobody speaks ${protocol}`)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    protocol: `${protocol} at ${port}`,
    ask: async ({ endpoint, x, id }) => {
      const { bytes, headers } = form.body(x)
      const named = id === undefined ? {} : { 'x-request-id': id }
      try {
        const path = form.path(endpoint)
        return httpAnswer(form, await sent({ agent, port, path }, bytes, { ...headers, ...named }))
      } catch (error) {
        return { kind: 'lost', how: String(error) }
      }
    },
    close: () => agent.destroy(),
  }
}

function sent(
  to: { agent: Agent; port: number; path: string },
  bytes: Buffer,
  headers: Record<string, string>,
): Promise<Http> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      ...to,
      host: '127.0.0.1',
      method: 'POST',
      headers: { ...headers, 'content-length': String(bytes.length) },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
    request.once('error', reject)
    request.once('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      )
    })
    request.end(bytes)
  })
}

function httpAnswer(form: Form, answer: Http): Answered {
  const { status, headers, body } = answer
  const told = `${status} ${body.toString().slice(0, 300)}`
  if (status === 503 || status === 429) {
    if (headers['retry-after'] === undefined)
      return { kind: 'wrong', how: `no Retry-After: ${told}` }
    return { kind: 'refused', how: told }
  }
  if (status === 504) return { kind: 'refused', how: told }
  // The process that was asked has ended since; it may have answered and have logged that.
  if (status === 502) return { kind: 'lost', how: told }
  if (status !== 200) return { kind: 'wrong', how: told }
  return {
    kind: 'answer',
    prediction: String(headers['x-prediction-id']),
    model: String(headers['x-model-version']),
    revision: Number(headers['x-revision']),
    said: form.said(answer),
  }
}

const PROTO = join(import.meta.dirname, '..', '..', '..', 'src', 'protocols', 'open-inference')

type Infer = (
  this: Client,
  request: object,
  options: { deadline: number },
  done: (error: ServiceError | null, answer: GrpcAnswer) => void,
) => ClientUnaryCall

interface GrpcAnswer {
  readonly outputs: readonly { readonly name: string }[]
  readonly raw_output_contents: readonly Buffer[]
}

/** The Open Inference Protocol over gRPC, with raw tensors. */
export function grpcAsker(port: number): Asker {
  const definitions = loadSync('open_inference.proto', {
    includeDirs: [PROTO],
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  })
  const { inference } = loadPackageDefinition(definitions) as unknown as {
    inference: { GRPCInferenceService: new (...args: unknown[]) => Client & { ModelInfer: Infer } }
  }
  const options = {
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.min_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 200,
    'grpc.use_local_subchannel_pool': 1,
  }
  const service = new inference.GRPCInferenceService(
    `127.0.0.1:${port}`,
    credentials.createInsecure(),
    options,
  )
  return {
    protocol: `gRPC at ${port}`,
    ask: ({ endpoint, x, id = '' }) =>
      new Promise((resolve) => {
        const value = Buffer.alloc(8)
        value.writeDoubleLE(x)
        const request = {
          model_name: endpoint,
          id,
          inputs: [input],
          raw_input_contents: [value],
        }
        let headers: Metadata | undefined
        const call = service.ModelInfer(
          request,
          { deadline: Date.now() + ANSWER_MS_MAX },
          (error, answer) => resolve(grpcAnswer(error, answer, headers)),
        )
        call.once('metadata', (told: Metadata) => (headers = told))
      }),
    close: () => service.close(),
  }
}

function grpcAnswer(
  error: ServiceError | null,
  answer: GrpcAnswer,
  headers: Metadata | undefined,
): Answered {
  if (error !== null) {
    const how = `${error.code} ${error.details}`
    // What the plane says itself is a sentence about an endpoint.
    if (error.code === Status.UNAVAILABLE)
      return { kind: /^endpoint |model|try again/.test(error.details) ? 'refused' : 'lost', how }
    if (error.code === Status.CANCELLED) return { kind: 'lost', how }
    const isRefusal =
      error.code === Status.RESOURCE_EXHAUSTED || error.code === Status.DEADLINE_EXCEEDED
    return { kind: isRefusal ? 'refused' : 'wrong', how }
  }
  const at = (name: string) =>
    answer.raw_output_contents[
      answer.outputs.findIndex((each) => each.name === name)
    ]?.readDoubleLE() ?? NaN
  const header = (name: string) => String(headers?.get(name)[0])
  return {
    kind: 'answer',
    prediction: header('x-prediction-id'),
    model: header('x-model-version'),
    revision: Number(header('x-revision')),
    said: { echo: at('echo'), sum: at('sum') },
  }
}
