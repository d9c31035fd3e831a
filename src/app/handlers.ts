import { TELL_GROUP } from '#alerting'
import { servingHandlers } from '#serving'
import { DELIVER_WEBHOOK } from '#webhooks'
import type { Handler } from '#work'
import type { Parts } from './features.ts'
import { conversionHandler } from './converting/registered.ts'
import { DECLARE_ENDPOINTS, governingHandlers } from './governance/governing.ts'
import { policyHandlers } from './automation/policies.ts'

/** Whoever reaches the database can do these; all others need what lies in the home of the server that leads. */
const ANYWHERE = new Set([DELIVER_WEBHOOK, TELL_GROUP, DECLARE_ENDPOINTS])

/** Whether a server may take jobs of a kind. */
export function mayTake({ replicas }: Pick<Parts, 'replicas'>): (kind: string) => boolean {
  return (kind) => replicas.leads() || ANYWHERE.has(kind)
}

/** How each kind of job is done. */
export function handlersOf(parts: Parts): readonly Handler[] {
  return [
    ...servingHandlers(parts.serving),
    parts.monitoring.handler,
    parts.replays.handler,
    conversionHandler(parts, parts),
    parts.datasets.handler,
    parts.webhookHandler,
    parts.shipping.handler,
    parts.tellHandler,
    ...parts.requests.handlers,
    parts.retention.handler,
    ...governingHandlers(parts),
    ...policyHandlers(parts, parts),
  ]
}
