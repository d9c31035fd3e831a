import { Problem } from '#base/problem'
import type { PredictionAnswer } from '../answer.ts'
import type { PredictionRequest, RequestHeaders } from '../request.ts'
import { routedBy, routeHeader } from './routing.ts'

/** Headers that name a request, the first that is sent wins. An id in a protocol's body comes before them. */
const ID_HEADERS = ['x-amzn-sagemaker-inference-id', 'x-request-id'] as const

/** The text of a header that says something; of one that was sent twice, the first. */
export function headerIn(headers: RequestHeaders, name: string): string | undefined {
  const value = headers[name]
  const text = typeof value === 'string' ? value : value?.[0]
  return text === '' ? undefined : text
}

/** What the headers of a request say of it, in every protocol alike. */
export type Context = Pick<
  PredictionRequest,
  'id' | 'override' | 'route' | 'stickyKey' | 'deadlineMs' | 'headers'
>

/** What a protocol knows of a request by other ways than the headers that all share. */
export interface KnownBefore {
  /** Its id, from the body or from a header of the protocol's own. */
  readonly id?: string | undefined
  /** For how many milliseconds the caller waits; a header may only make it less. */
  readonly deadlineMs?: number | undefined
}

/** The id of a request, how long its caller waits, and who should answer. Throws `invalid`. */
export function contextIn(headers: RequestHeaders, known: KnownBefore = {}): Context {
  const id = known.id ?? idIn(headers)
  const deadlineMs = sooner(known.deadlineMs, timeoutIn(headers))
  return {
    headers,
    ...routedBy(headers),
    ...(id === undefined ? {} : { id }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  }
}

function idIn(headers: RequestHeaders): string | undefined {
  for (const name of ID_HEADERS) {
    const id = headerIn(headers, name)
    if (id !== undefined) return id
  }
  return undefined
}

function timeoutIn(headers: RequestHeaders): number | undefined {
  const text = headerIn(headers, 'x-request-timeout-ms')
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Problem(
    'invalid',
    `x-request-timeout-ms is ${text.slice(0, 40)}; it has to be a whole number of milliseconds`,
  )
}

/** Of two times to wait, the shorter one. */
export function sooner(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return Math.min(one, other)
}

/** What every answer says in its headers: what the prediction is called, and which revision gave it. */
export function answerHeaders({ batch, modelVersion, revision }: PredictionAnswer) {
  const id = headerText(batch)
  return {
    'x-request-id': id,
    'x-prediction-id': id,
    'x-model-version': headerText(modelVersion),
    'x-revision': String(revision),
    'x-route': routeHeader(revision),
  }
}

/** A name as headers can say it: what is no ASCII, or a blank at an end, is percent-encoded. */
export function headerText(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]+|^ +| +$/gu, encodeURIComponent)
}
