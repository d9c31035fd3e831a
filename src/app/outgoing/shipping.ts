import { messageOf } from '#base/problem'
import { bulkSender } from '#protocols/elastic/index'
import { openDestinations } from '#protocols/webhooks/send'
import type { Serving } from '#serving'
import { createShipping, type Shipping } from '#shipping'
import type { Ground } from '../ground.ts'
import { VERSION } from '../version.ts'

/** A receiver that is busy takes a while to answer for some hundred documents. */
const TIMEOUT_MS = 30_000
/** The answer to as many documents as go out at once. */
const ANSWER_BYTES_MAX = 1 << 20

/** Logs on their way to search engines: the feature, with the network before it. */
export function shippingOf(
  { config, store, seal, clock, ids }: Ground,
  { serving }: { serving: Serving },
): Shipping {
  const destinations = openDestinations({
    schemes: config.webhookSchemes.split(','),
    allowPrivate: config.webhookAllowPrivate,
    agent: `orrery/${VERSION}`,
    timeoutMs: TIMEOUT_MS,
    answerBytesMax: ANSWER_BYTES_MAX,
  })
  return createShipping({
    read: store.read.shipping,
    transact: store.transact,
    ledger: store.read.ledger,
    sources: {
      predictions: serving.predictions,
      endpoints: async () => (await serving.endpoints.list()).map(({ name }) => name),
    },
    destinations,
    send: bulkSender({ destinations, seal, version: VERSION }),
    seal,
    clock,
    ids,
  })
}

/** What came meanwhile is sent together. */
const SOON_MS = 500
const LOOK_MS = 10_000

/** Has logs sent when they have grown, until the server stops. */
export function watchLogs(
  { logger, replicas, store, onStop }: Ground,
  { shipping, serving }: { shipping: Shipping; serving: Serving },
): void {
  let soon: NodeJS.Timeout | undefined
  const look = () => {
    soon = undefined
    if (!replicas.leads()) return
    shipping.tick().catch((error: unknown) => {
      logger.error({ error: messageOf(error) }, 'could not look for logs to send; will look again')
    })
  }
  const grown = () => {
    soon ??= setTimeout(look, SOON_MS)
  }
  const timer = setInterval(look, LOOK_MS)
  const unsubscribe = [serving.predictions.onGrowth(grown), store.onGrowth(grown)]
  onStop(() => {
    for (const each of unsubscribe) each()
    clearInterval(timer)
    clearTimeout(soon)
  })
}
