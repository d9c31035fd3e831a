import type { IncomingHttpHeaders } from 'node:http'
import type { DirectCall, DirectRoute } from '#base/direct'
import { answerHeaders, headerIn } from '#inference'
import { ask, type Answering, type ModelName } from './ask.ts'
import { compressed, isCompressible } from './compression.ts'
import { described } from './metadata.ts'
import { rawRequestIn } from './raw.ts'
import { inferRequestIn, isRaw } from './request.ts'
import { inferResponseOf, type InferResponse } from './response.ts'

type Headers = Readonly<Record<string, string>>

/** From the bytes of a request to those of its answer. */
export async function inferred(
  parts: Answering,
  name: ModelName,
  asked: DirectCall & { readonly headers: IncomingHttpHeaders },
): Promise<{ headers: Headers; body: string | Buffer }> {
  const headerLength = headerIn(asked.headers, 'inference-header-content-length')
  const read = isRaw(headerLength)
    ? rawRequestIn(asked.body, (await described(parts.inference, name)).shape)
    : inferRequestIn(asked.body, headerLength)
  const answered = await ask(parts, name, read, {
    headers: asked.headers,
    signal: asked.gone,
  })
  asked.onAnswer(answerHeaders(answered.answer))
  const response = inferResponseOf(name.model, read, answered)
  const headers = response.headerLength === undefined ? JSON_ALONE : binaryHeaders(response)
  const accepted = headerIn(asked.headers, 'accept-encoding')
  if (accepted === undefined || !isCompressible(response.body))
    return { headers, body: response.body }
  const { body, encoding } = await compressed(response.body, accepted)
  if (encoding === undefined) return { headers, body }
  return { headers: { ...headers, 'content-encoding': encoding, vary: 'accept-encoding' }, body }
}

const JSON_ALONE = { 'content-type': 'application/json' }

function binaryHeaders({ headerLength }: InferResponse): Headers {
  return {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': String(headerLength),
  }
}

const INFER = /^\/v2\/models\/([\w.-]+)(?:\/versions\/([\w.-]+))?\/infer$/

/** Inference without the framework. */
export function directInfer(parts: Answering): DirectRoute {
  return (path, headers) => {
    const [, model, version] = INFER.exec(path) ?? []
    if (model === undefined) return undefined
    return (call) => inferred(parts, { model, version }, Object.assign(call, { headers }))
  }
}
