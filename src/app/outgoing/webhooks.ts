import { mlflowDialect } from '#protocols/mlflow/webhook-messages'
import { openLineageDialect } from '#protocols/openlineage/dialect'
import { openDestinations, openReach } from '#protocols/webhooks/send'
import { createWebhooks, deliveryHandler, standardDialect, webhookFollower } from '#webhooks'
import { alertDialects } from './alerting.ts'
import type { Ground } from '../ground.ts'
import { VERSION } from '../version.ts'

/** Webhooks with the network before them: the feature, who reads the ledger for it, and who sends. */
export function webhooksOf({ config, store, seal, clock, ids }: Ground) {
  const settings = {
    schemes: config.webhookSchemes.split(','),
    allowPrivate: config.webhookAllowPrivate,
    agent: `orrery/${VERSION}`,
  }
  const destinations = openDestinations(settings)
  const dependencies = {
    read: store.read.webhooks,
    transact: store.transact,
    dialects: {
      standard: standardDialect,
      mlflow: mlflowDialect,
      openlineage: openLineageDialect({ ...store.read, version: VERSION }),
      ...alertDialects({ config, store, clock }, { destinations, reach: openReach(settings) }),
    },
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
