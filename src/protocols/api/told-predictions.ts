import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseExactJson, printExactJson, type ExactJson } from '#base/exact-json'
import { inflated } from '#base/inflate'
import { messageOf, Problem } from '#base/problem'
import type { Actor } from '#ledger'
import { instantMs, type Value } from '#inference'
import { TOLD_MAX, type Serving, type ToldPrediction } from '#serving'

type Fields = Readonly<Record<string, ExactJson>>

/** What a request says of all its predictions; each may say otherwise. */
interface Common {
  readonly endpoint: string | null
  readonly modelVersion: string | null
}

const CONTENT_TYPES = 'application/json, or application/x-ndjson with a prediction on each line'
const TEXT_CHARS_MAX = 250
const LABEL_CHARS_MAX = 10_000
const FIELDS = new Set([
  'endpoint',
  'modelVersion',
  'id',
  'time',
  'key',
  'inputs',
  'outputs',
  'label',
  'latencyMs',
])

/** Predictions that were made by other systems. */
export async function toldPredictionRoutes(
  app: FastifyInstance,
  serving: Pick<Serving, 'recordTold'>,
  actor: Actor,
): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
    scope.post<{ Querystring: { endpoint?: string; modelVersion?: string } }>(
      '/predictions',
      {
        schema: {
          summary: 'Tell of predictions that another system made, for an endpoint elsewhere',
          description: `Answered when they are durable: all of them are kept, or none. An id that was told before with the same contents changes nothing. Send ${CONTENT_TYPES}; at most ${TOLD_MAX} at once.`,
        },
      },
      async (request) => {
        const { query } = request
        const common = {
          endpoint: query.endpoint ?? null,
          modelVersion: query.modelVersion ?? null,
        }
        const told = await predictionsIn(request, common)
        return serving.recordTold(actor, told)
      },
    )
  })
}

async function predictionsIn(
  { body, headers, server }: FastifyRequest,
  common: Common,
): Promise<ToldPrediction[]> {
  const bytesMax = server.initialConfig.bodyLimit ?? Number.MAX_SAFE_INTEGER
  const plain = await inflated(
    body instanceof Buffer ? body : Buffer.alloc(0),
    headers['content-encoding'],
    bytesMax,
    'invalid',
  )
  const text = textIn(plain)
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (/^application\/(x-)?(ndjson|jsonl|jsonlines)$/.test(type))
    return lines(text).map((line, at) => toldIn(read(line, `line ${at + 1}`), { at, common }))
  if (type === 'application/json') return toldAll(read(text, 'the body'), common)
  throw new Problem(
    'invalid',
    `bodies of the content type ${JSON.stringify(type.slice(0, 100))} are not read here; send ${CONTENT_TYPES}`,
  )
}

function textIn(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Problem('invalid', 'the body is not UTF-8; encode it so')
  }
}

function lines(text: string): string[] {
  const found = text.split('\n').filter((line) => line.trim() !== '')
  if (found.length > TOLD_MAX) throw tooMany()
  return found
}

function read(text: string, what: string): ExactJson {
  try {
    return parseExactJson(text)
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('invalid', `${what} is no JSON: ${messageOf(error)}`)
  }
}

/** An object with `predictions`, or a list of them. */
function toldAll(body: ExactJson, common: Common): ToldPrediction[] {
  if (Array.isArray(body)) return all(body as readonly ExactJson[], common)
  const { predictions, endpoint, modelVersion, ...rest } = fieldsOf(body, 'the body')
  const [other] = Object.keys(rest)
  if (predictions === undefined && other !== undefined) return [toldIn(body, { at: 0, common })]
  if (other !== undefined)
    throw new Problem(
      'invalid',
      `the body has a field ${JSON.stringify(other.slice(0, 100))}, which means nothing beside "predictions"`,
    )
  if (!Array.isArray(predictions))
    throw new Problem('invalid', 'the body needs "predictions": a list of what was predicted')
  return all(predictions as readonly ExactJson[], {
    endpoint: nameIn(endpoint, 'endpoint') ?? common.endpoint,
    modelVersion: nameIn(modelVersion, 'modelVersion') ?? common.modelVersion,
  })
}

function all(predictions: readonly ExactJson[], common: Common): ToldPrediction[] {
  if (predictions.length > TOLD_MAX) throw tooMany()
  return predictions.map((each, at) => toldIn(each, { at, common }))
}

function tooMany(): Problem {
  return new Problem('limit', `a request has at most ${TOLD_MAX} predictions; send several`)
}

function toldIn(value: ExactJson, { at, common }: { at: number; common: Common }): ToldPrediction {
  const what = `prediction ${at}`
  const fields = fieldsOf(value, what)
  const other = Object.keys(fields).find((name) => !FIELDS.has(name))
  if (other !== undefined)
    throw new Problem(
      'invalid',
      `${what} has a field ${JSON.stringify(other.slice(0, 100))}; it may have ${[...FIELDS].join(', ')}`,
    )
  const endpoint = nameIn(fields['endpoint'], `${what}: endpoint`) ?? common.endpoint
  if (endpoint === null)
    throw new Problem(
      'invalid',
      `${what} names no endpoint; name one for all with ?endpoint=NAME, or in each`,
    )
  return {
    endpoint,
    modelVersion: nameIn(fields['modelVersion'], `${what}: modelVersion`) ?? common.modelVersion,
    id: nameIn(fields['id'], `${what}: id`),
    timeMs: timeIn(fields['time'], what),
    key: keyIn(fields['key'], what),
    inputs: valuesIn(fields['inputs'], `${what}: inputs`),
    outputs: outputsIn(fields['outputs'], what),
    label: labelIn(fields['label'], what),
    latencyMs: latencyIn(fields['latencyMs'], what),
  }
}

function fieldsOf(value: ExactJson | undefined, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new Problem('invalid', `${what} must be an object`)
}

function nameIn(value: ExactJson | undefined, what: string): string | null {
  if (value === undefined || value === null) return null
  const plain = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
  if (typeof plain === 'string' && plain !== '' && plain.length <= TEXT_CHARS_MAX) return plain
  throw new Problem('invalid', `${what} must be a text of 1 to ${TEXT_CHARS_MAX} characters`)
}

function timeIn(value: ExactJson | undefined, what: string): number | null {
  if (value === undefined || value === null) return null
  const ms = instantMs(value)
  if (ms !== undefined) return ms
  throw new Problem(
    'invalid',
    `${what} has the time ${printExactJson(value).slice(0, 100)}, which is none; write RFC 3339 (UTC if it names no zone) or milliseconds since 1970`,
  )
}

/** 7 and "7" are the same entity. */
function keyIn(value: ExactJson | undefined, what: string): string | null {
  return nameIn(typeof value === 'boolean' ? String(value) : value, `${what}: key`)
}

function valuesIn(value: ExactJson | undefined, what: string): Record<string, Value> {
  if (value === undefined || value === null) return {}
  const values = fieldsOf(value, what)
  for (const [name, each] of Object.entries(values))
    if (typeof each === 'object' && each !== null)
      assertValue(each, `${what}.${name.slice(0, 100)}`)
  return values as Record<string, Value>
}

/** Throws `invalid` for what is, or holds, an object. */
function assertValue(value: ExactJson, what: string): void {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value))
    throw new Problem(
      'invalid',
      `${what} is an object; a value is a number, a text, true, false, null or a list of such`,
    )
  for (const each of value as readonly ExactJson[]) assertValue(each, what)
}

/** Outputs by their names, or the one that there is. */
function outputsIn(value: ExactJson | undefined, what: string): Record<string, Value> {
  if (value === undefined || value === null)
    throw new Problem(
      'invalid',
      `${what} has no outputs; write what was predicted, as {"outputs": {"probability": 0.7}}`,
    )
  if (typeof value === 'object' && !Array.isArray(value)) {
    const outputs = valuesIn(value, `${what}: outputs`)
    if (Object.keys(outputs).length > 0) return outputs
    throw new Problem('invalid', `${what} has no outputs; write what was predicted`)
  }
  assertValue(value, `${what}: outputs`)
  return { prediction: value as Value }
}

function labelIn(value: ExactJson | undefined, what: string): ToldPrediction['label'] {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return value
  if (typeof value === 'string' && value.length <= LABEL_CHARS_MAX) return value
  throw new Problem(
    'invalid',
    `${what}: label must be a finite number, a text of at most ${LABEL_CHARS_MAX} characters, true or false`,
  )
}

function latencyIn(value: ExactJson | undefined, what: string): number | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
  throw new Problem('invalid', `${what}: latencyMs must be a number that is not negative`)
}
