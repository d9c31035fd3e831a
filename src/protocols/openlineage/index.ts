import type { FastifyInstance } from 'fastify'
import { inflated } from '#base/inflate'
import { assertUnicode, textOf } from '#base/json'
import { messageOf, Problem } from '#base/problem'
import type { Elsewhere } from '#elsewhere'
import type { Actor } from '#ledger'
import { eventIn } from './event.ts'

export interface OpenLineageParts {
  readonly elsewhere: Pick<Elsewhere, 'take'>
  readonly actor: Actor
}

/** Events with the text of a job's code in them are some hundred kilobytes. */
const BODY_BYTES_MAX = 8 * 1024 ** 2
const EVENTS_MAX = 1000

/** OpenLineage's API: `POST /lineage` for an event and `POST /lineage/batch` for a list of them. */
export async function openLineageProtocol(
  app: FastifyInstance,
  { elsewhere, actor }: OpenLineageParts,
): Promise<void> {
  // Clients may compress what they send, and old ones name no content type.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  app.post(
    '/lineage',
    { schema: { hide: true }, bodyLimit: BODY_BYTES_MAX },
    async ({ body, headers }, reply) => {
      await elsewhere.take(actor, eventIn(await bodyIn(body, headers['content-encoding'])))
      return reply.code(201).send()
    },
  )
  app.post(
    '/lineage/batch',
    { schema: { hide: true }, bodyLimit: BODY_BYTES_MAX },
    async ({ body, headers }) => {
      const events = await bodyIn(body, headers['content-encoding'])
      if (!Array.isArray(events))
        throw new Problem('invalid', 'the body is no list of events; send one event to /lineage')
      if (events.length > EVENTS_MAX)
        throw new Problem(
          'limit',
          `${events.length} events are too many for one batch; send at most ${EVENTS_MAX}`,
        )
      return takenOf(elsewhere, actor, events)
    },
  )
}

/** Takes what can be taken, in order, and says what could not. */
async function takenOf(
  elsewhere: OpenLineageParts['elsewhere'],
  actor: Actor,
  events: readonly unknown[],
) {
  const failed: { index: number; reason: string; retriable: boolean }[] = []
  for (const [index, event] of events.entries())
    try {
      await elsewhere.take(actor, eventIn(event))
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      failed.push({ index, reason: error.message, retriable: error.code !== 'invalid' })
    }
  const retriable = failed.filter((each) => each.retriable).length
  return {
    status: failed.length === 0 ? 'success' : 'partial_success',
    summary: {
      received: events.length,
      successful: events.length - failed.length,
      failed: failed.length,
      retriable,
      non_retriable: failed.length - retriable,
    },
    failed_events: failed,
  }
}

async function bodyIn(body: unknown, encoding: string | undefined): Promise<unknown> {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  const text = textOf(await inflated(bytes, encoding, BODY_BYTES_MAX))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Problem('invalid', `the body is no JSON: ${messageOf(error)}`)
  }
  assertUnicode(value, text)
  return value
}
