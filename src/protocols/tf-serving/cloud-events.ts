import type { FastifyReply } from 'fastify'
import { printExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import { bodyIn, isDictionary } from './value.ts'

/** A CloudEvent that a request came as, as KServe takes them: in its headers, or as its whole body. */
export interface CloudEvent {
  readonly mode: 'binary' | 'structured'
  /** The body of the request itself. */
  readonly data: Buffer
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

const REQUIRED = ['id', 'source', 'type'] as const

/** The event that a request is; undefined for a plain request. Throws `invalid` for one that lacks what events have. */
export function cloudEventIn(headers: Headers, body: Buffer): CloudEvent | undefined {
  if (headers['ce-specversion'] !== undefined) {
    check(
      REQUIRED.filter((name) => headers[`ce-${name}`] === undefined).map((name) => `ce-${name}`),
    )
    return { mode: 'binary', data: body }
  }
  if (!/^application\/cloudevents\+json\b/i.test(String(headers['content-type'] ?? '')))
    return undefined
  const event = bodyIn(body)
  check(['specversion', ...REQUIRED].filter((name) => typeof event[name] !== 'string'))
  const { data, data_base64: binary } = event
  if (typeof binary === 'string') return { mode: 'structured', data: Buffer.from(binary, 'base64') }
  if (!isDictionary(data))
    throw new Problem('invalid', 'the event has no data; it has to hold the request, as an object')
  return { mode: 'structured', data: Buffer.from(printExactJson(data)) }
}

function check(missing: readonly string[]): void {
  if (missing.length > 0)
    throw new Problem(
      'invalid',
      `the CloudEvent lacks ${missing.join(', ')}; an event names its specversion, id, source and type`,
    )
}

/** Sends an answer in the form in which it was asked. */
export function sendEvent(
  reply: FastifyReply,
  event: CloudEvent,
  answer: { model: string; id: string; text: string },
): FastifyReply {
  const attributes = {
    specversion: '1.0',
    id: answer.id,
    source: `io.kserve.inference.${answer.model}`,
    type: 'io.kserve.inference.response',
  }
  if (event.mode === 'binary') {
    for (const [name, value] of Object.entries(attributes)) void reply.header(`ce-${name}`, value)
    return reply.type('application/json').send(answer.text)
  }
  const head = JSON.stringify({ ...attributes, datacontenttype: 'application/json' })
  return reply
    .type('application/cloudevents+json')
    .send(`${head.slice(0, -1)},"data":${answer.text}}`)
}
