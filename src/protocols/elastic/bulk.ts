import { messageOf, Problem } from '#base/problem'
import type { Document, Send, Taken } from '#shipping'
import type { Destinations, Seal } from '#webhooks'
import { ecsOf } from './ecs.ts'

/** What is left of an answer: enough to know how each document was taken. */
const FILTER = 'errors,items.*.status,items.*.error.type,items.*.error.reason'

interface Settings {
  readonly destinations: Pick<Destinations, 'post'>
  readonly seal: Seal
  /** Of this software. */
  readonly version: string
}

/**
 * Sends documents to `_bulk`, each as `create` into its data stream under an id of its own: one that is sent again
 * after a lost answer is there already, which is as good as taken.
 */
export function bulkSender({ destinations, seal, version }: Settings): Send {
  return async (receiver, documents, signal) => {
    const { url, namespace, key, id } = receiver
    const body = bulkBody(documents, { namespace, version })
    const headers = {
      'content-type': 'application/x-ndjson',
      ...(key === null ? {} : { authorization: `ApiKey ${seal.open(key, id)}` }),
    }
    const answer = await destinations
      .post({ url: `${url}/_bulk?filter_path=${FILTER}`, headers, body, signal })
      .catch((error: unknown) => {
        throw new Problem('unavailable', messageOf(error))
      })
    if (answer.status === 413)
      throw documents.length > 1
        ? new Problem('limit', 'the receiver wants smaller requests')
        : new Problem(
            'unavailable',
            'the receiver answers 413 to a single document; raise its http.max_content_length',
          )
    if (answer.status < 200 || answer.status >= 300)
      throw new Problem(
        'unavailable',
        `the receiver answered ${answer.status}: ${answer.body.slice(0, 300)}`,
      )
    return takenIn(answer.body, documents.length)
  }
}

/** An action and its document on a line each, the last of which ends too. */
export function bulkBody(
  documents: readonly Document[],
  author: { namespace: string; version: string },
): string {
  const lines = documents.flatMap((document) => {
    const stream = `logs-orrery.${document.log}-${author.namespace}`
    const action = { create: { _index: stream, _id: `${document.log}-${document.id}` } }
    return [JSON.stringify(action), JSON.stringify(ecsOf(document, author))]
  })
  return `${lines.join('\n')}\n`
}

interface Item {
  readonly status: number
  readonly error?: { readonly type?: string; readonly reason?: string }
}

/** How each document was taken, in the order in which they were sent. Throws `unavailable` for what is no such answer. */
function takenIn(body: string, count: number): Taken[] {
  const { items } = answerIn(body)
  if (items.length !== count)
    throw new Problem(
      'unavailable',
      `the receiver told of ${items.length} documents where ${count} were sent; is it Elasticsearch?`,
    )
  return items.map(takenOf)
}

function answerIn(body: string): { items: Item[] } {
  try {
    const { items } = JSON.parse(body) as { items?: Record<string, Item>[] }
    if (Array.isArray(items)) return { items: items.map((item) => Object.values(item)[0] as Item) }
  } catch {
    // Told below.
  }
  throw new Problem(
    'unavailable',
    `the receiver's answer is none of _bulk: ${body.slice(0, 200)}; name the address of Elasticsearch itself`,
  )
}

function takenOf({ status, error }: Item): Taken {
  // 409: a document of this id is there already.
  if ((status >= 200 && status < 300) || status === 409) return { state: 'taken' }
  const reason = `${status} ${error?.type ?? ''}: ${error?.reason ?? ''}`.slice(0, 500)
  const isBusy = status === 429 || status >= 500
  return { state: isBusy ? 'busy' : 'refused', reason }
}
