import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { goneSignal } from '#base/gone'
import { inflated } from '#base/inflate'
import { Problem } from '#base/problem'
import { askedAlone, type Explain } from '#explanations'
import {
  answerHeaders,
  checkClassifier,
  checkRegression,
  classesOf,
  contextIn,
  regressionOf,
  type Described,
  type Inference,
  type PredictionAnswer,
  type PredictionRequest,
} from '#inference'
import { cloudEventIn, sendEvent } from './cloud-events.ts'
import { answerFailures, malformed, servable } from './errors.ts'
import { examplesIn } from './examples.ts'
import { metadataOf, statusOf } from './metadata.ts'
import { modelPathIn, type ModelPath } from './path.ts'
import { backgroundIn, predictRequestIn } from './request.ts'
import { classificationText, predictionText, regressionText } from './response.ts'

interface Parts {
  readonly inference: Inference
  readonly explanations?: Explain
}

/**
 * TensorFlow Serving over HTTP and KServe's version 1, which share /v1/models: each client finds its own keys in
 * what both ask for. A model is an endpoint here, a label an alias of its registered model.
 */
export async function tfServingProtocol(app: FastifyInstance, parts: Parts): Promise<void> {
  await app.register(async (v1) => modelRoutes(v1, parts), { prefix: '/v1' })
}

function modelRoutes(app: FastifyInstance, parts: Parts): void {
  const { inference } = parts
  answerFailures(app)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) =>
      inflated(
        body,
        request.headers['content-encoding'],
        app.initialConfig.bodyLimit ?? body.length,
        'invalid',
      ),
  )
  app.get('/*', async (request, reply) => {
    const path = pathOf(request)
    if (path === 'models') return { models: namesOf(inference) }
    if (path.verb === 'status') return status(inference, path, reply)
    if (path.verb !== 'metadata') throw malformed(request)
    return metadataOf(path, await servable(path, () => inference.describe(path.model, path.pin)))
  })
  app.post('/*', async (request, reply) => {
    const path = pathOf(request)
    if (path === 'models') throw malformed(request)
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const event = cloudEventIn(request.headers, body)
    const { text, id } = await answered(parts, { path, request, reply, body: event?.data ?? body })
    if (event !== undefined) return sendEvent(reply, event, { model: path.model, id, text })
    return reply.type('application/json').send(text)
  })
}

/** The words of a path may be in any case, so they are read here and not by the router. */
function pathOf(request: FastifyRequest): ModelPath | 'models' {
  const path = (request.url.split('?', 1)[0] ?? '').slice('/v1'.length)
  const read = /^\/models\/?$/i.test(path) ? ('models' as const) : modelPathIn(path)
  if (read === undefined) throw malformed(request)
  return read
}

function namesOf(inference: Inference): string[] {
  const names = inference.standings().map(({ endpoint }) => endpoint)
  return names.toSorted()
}

async function status(inference: Inference, path: ModelPath, reply: FastifyReply) {
  const described = await describedNow(inference, path)
  const standing = inference.standings().find(({ endpoint }) => endpoint === path.model) ?? {
    endpoint: path.model,
    state: 'loading' as const,
    reason: null,
    revision: null,
  }
  // KServe's probes look at the status, TensorFlow Serving's clients at the state in the body.
  if (described === undefined) void reply.code(503)
  return statusOf(path, standing, described)
}

/** Undefined while the model cannot answer. */
async function describedNow(inference: Inference, path: ModelPath): Promise<Described | undefined> {
  try {
    return await servable(path, () => inference.describe(path.model, path.pin))
  } catch (error) {
    if (error instanceof Problem && error.code === 'unavailable') return undefined
    throw error
  }
}

interface Call {
  readonly path: ModelPath
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly body: Buffer
}

/** The text of an answer, and the id of its request. */
async function answered(
  { inference, explanations }: Parts,
  { path, request, reply, body }: Call,
): Promise<{ text: string; id: string }> {
  const { model, pin, verb } = path
  const context = { ...contextIn(request.headers), ...(pin === undefined ? {} : { pin }) }
  const takes = await servable(path, () => inference.describe(model, pin))
  const predict = async (input: PredictionRequest['input']): Promise<PredictionAnswer> => {
    const answer = await servable(path, () => inference.predict(model, { ...context, input }))
    void reply.headers(answerHeaders(answer))
    return answer
  }
  if (verb === 'predict') {
    const { input, form } = predictRequestIn(body, takes)
    const answer = await predict(input)
    return { text: predictionText(answer, form), id: answer.batch }
  }
  if (verb === 'classify' || verb === 'regress') {
    // Before the model runs, so that nothing is logged for what is refused.
    if (verb === 'classify') checkClassifier(takes.shape.outputs)
    else checkRegression(takes.shape.outputs)
    const answer = await predict(examplesIn(body, takes))
    const text =
      verb === 'classify'
        ? classificationText(classesOf(answer.outputs))
        : regressionText(regressionOf(answer.outputs))
    return { text, id: answer.batch }
  }
  if (verb !== 'explain') throw malformed(request)
  if (explanations === undefined)
    throw new Problem('unsupported', `there are no explanations of ${model} here; ask :predict`)
  const { input } = predictRequestIn(body, takes)
  const background = backgroundIn(body, takes)
  const gone = goneSignal(reply.raw)
  const why = {
    ...askedAlone({ ...context, input }, gone),
    ...(background === undefined ? {} : { background }),
  }
  const explained = await servable(path, () => explanations.explain(model, why))
  return { text: `{"explanations": ${JSON.stringify(explained)}}`, id: request.id }
}
