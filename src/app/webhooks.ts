import { mlflowDialect } from '#protocols/mlflow/webhook-messages'
import { openDestinations } from '#protocols/webhooks/send'
import {
  createWebhooks,
  deliveryHandler,
  standardDialect,
  webhookFollower,
  type Dialects,
} from '#webhooks'
import type { Ground } from './ground.ts'
import { VERSION } from './version.ts'

const DIALECTS: Dialects = { standard: standardDialect, mlflow: mlflowDialect }

/** Webhooks with the network before them: the feature, who reads the ledger for it, and who sends. */
export function webhooksOf({ config, store, seal, clock, ids }: Ground) {
  const destinations = openDestinations({
    schemes: config.webhookSchemes.split(','),
    allowPrivate: config.webhookAllowPrivate,
    agent: `orrery/${VERSION}`,
  })
  const dependencies = {
    read: store.read.webhooks,
    transact: store.transact,
    dialects: DIALECTS,
    destinations,
    seal,
    clock,
    ids,
  }
  return {
    webhooks: createWebhooks(dependencies),
    webhookFollower: webhookFollower(dependencies),
    webhookHandler: deliveryHandler(dependencies),
  }
}
