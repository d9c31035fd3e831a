import { Type, type Static } from 'typebox'
import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import type { Webhook, Webhooks } from '#webhooks'
import type { MlflowApp } from './app.ts'
import { Int, Text } from './messages.ts'
import { isMlflowEvent } from './webhook-events.ts'

const path = '/mlflow/webhooks'
const one = `${path}/:webhook_id`
const PAGE = { byDefault: 100, most: 1000 }

const text = Type.Optional(Type.String())
const EventWire = Type.Object({ entity: Text, action: Text })
const Create = Type.Object({
  name: Text,
  url: Text,
  events: Type.Array(EventWire, { minItems: 1 }),
  description: text,
  secret: text,
  status: text,
})
const Update = Type.Object({
  name: text,
  url: text,
  events: Type.Optional(Type.Array(EventWire)),
  description: text,
  secret: text,
  status: text,
})
const Id = Type.Object({ webhook_id: Text })

export interface WebhookParts {
  readonly webhooks: Webhooks
  readonly actor: Actor
}

/** MLflow's own webhooks: those that its clients made, with its events. */
export function webhookRoutes(app: MlflowApp, { webhooks, actor }: WebhookParts): void {
  const mlflowWebhook = async (id: string) => {
    const webhook = await webhooks.get(id)
    if (webhook.dialect === 'mlflow') return webhook
    throw new Problem(
      'not-found',
      `Webhook with ID ${id} not found; it is one of Orrery's own, which "orrery webhooks" shows`,
    )
  }

  app.post(path, { schema: { body: Create } }, async ({ body }) => {
    const { status, events, ...rest } = body
    const { webhook } = await webhooks.add(actor, {
      ...rest,
      dialect: 'mlflow',
      events: events.map(eventIn),
      enabled: status === undefined || isActive(status),
      secret: rest.secret === '' ? undefined : rest.secret,
    })
    return { webhook: webhookToWire(webhook) }
  })
  app.get(
    path,
    { schema: { querystring: Type.Object({ max_results: Type.Optional(Int), page_token: text }) } },
    async ({ query }) => {
      const { max_results: limit = PAGE.byDefault, page_token: token } = query
      if (limit < 1 || limit > PAGE.most)
        throw new Problem('invalid', `max_results must be between 1 and ${PAGE.most}, not ${limit}`)
      const before = token === undefined || token === '' ? {} : { before: placeIn(token) }
      const found = await webhooks.list({ limit: limit + 1, dialect: 'mlflow', ...before })
      const page = found.slice(0, limit)
      const last = page.at(-1)
      return {
        ...(page.length === 0 ? {} : { webhooks: page.map(webhookToWire) }),
        ...(found.length > limit && last !== undefined
          ? { next_page_token: Buffer.from(last.id).toString('base64') }
          : {}),
      }
    },
  )
  app.get(one, { schema: { params: Id } }, async ({ params }) => ({
    webhook: webhookToWire(await mlflowWebhook(params.webhook_id)),
  }))
  app.patch(one, { schema: { params: Id, body: Update } }, async ({ params, body }) => {
    const { id } = await mlflowWebhook(params.webhook_id)
    return { webhook: webhookToWire(await webhooks.change(actor, id, changeIn(body))) }
  })
  app.delete(one, { schema: { params: Id } }, async ({ params }) => {
    await webhooks.delete(actor, (await mlflowWebhook(params.webhook_id)).id)
    return {}
  })
  app.post(
    `${one}/test`,
    { schema: { params: Id, body: Type.Object({ event: Type.Optional(EventWire) }) } },
    async ({ params, body }) => {
      const { id } = await mlflowWebhook(params.webhook_id)
      const event = body.event === undefined ? undefined : eventIn(body.event)
      const { response, error } = await webhooks.test(id, event)
      return {
        result: {
          success: response !== null && response.status < 400,
          ...(response === null
            ? { error_message: `Failed to test webhook: ${error}` }
            : { response_status: response.status, response_body: response.body }),
        },
      }
    },
  )
}

function changeIn({ status, events = [], secret, name, url, description }: Static<typeof Update>) {
  return {
    // What is empty is what it was; only a description and a secret can be emptied.
    name: name === '' ? undefined : name,
    url: url === '' ? undefined : url,
    description,
    secret,
    events: events.length === 0 ? undefined : events.map(eventIn),
    enabled: status === undefined ? undefined : isActive(status),
  }
}

function eventIn({ entity, action }: Static<typeof EventWire>): string {
  const event = `${entity}.${action}`.toLowerCase()
  if (isMlflowEvent(event)) return event
  throw new Problem(
    'invalid',
    `Invalid action '${action.slice(0, 50)}' for entity '${entity.slice(0, 50)}'; MLflow has webhooks for REGISTERED_MODEL, MODEL_VERSION, MODEL_VERSION_TAG, MODEL_VERSION_ALIAS, PROMPT, PROMPT_VERSION, PROMPT_TAG, PROMPT_VERSION_TAG, PROMPT_ALIAS`,
  )
}

function isActive(status: string): boolean {
  if (status === 'ACTIVE' || status === 'DISABLED') return status === 'ACTIVE'
  throw new Problem(
    'invalid',
    `Invalid webhook status ${JSON.stringify(status.slice(0, 50))}; it is ACTIVE or DISABLED`,
  )
}

function placeIn(token: string): string {
  const place = Buffer.from(token, 'base64').toString()
  if (/^[0-9A-Z]{26}$/.test(place)) return place
  throw new Problem(
    'invalid',
    `Invalid page token ${JSON.stringify(token.slice(0, 100))}; use the one that the previous page gave`,
  )
}

function webhookToWire(webhook: Webhook) {
  return {
    webhook_id: webhook.id,
    name: webhook.name,
    url: webhook.url,
    events: webhook.events.map((event) => {
      const [entity = '', action = ''] = event.toUpperCase().split('.')
      return { entity, action }
    }),
    ...(webhook.description === '' ? {} : { description: webhook.description }),
    status: webhook.enabled ? 'ACTIVE' : 'DISABLED',
    creation_timestamp: webhook.createdMs,
    last_updated_timestamp: webhook.updatedMs,
  }
}
