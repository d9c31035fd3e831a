import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Actor, Fact, LedgerWrites, Transact } from '#ledger'
import type { WorkWrites } from '#work'
import { DELIVERY_LIFE_MS, attempted, type Delivery } from './delivery.ts'
import { dialectOf, type Destinations, type Dialects, type Seal } from './dialect.ts'
import * as facts from './facts.ts'
import { sendOn } from './send.ts'
import { newSecret } from './standard.ts'
import type { WebhookReads, WebhookWrites } from './store.ts'
import { withTurn } from './turn.ts'
import {
  checkedDescription,
  checkedEvents,
  checkedName,
  checkedSubject,
  checkedUrl,
  HEALTHY,
  isDeclared,
  webhookNotFound,
  WEBHOOKS_MAX,
  type DialectName,
  type Webhook,
} from './webhook.ts'

export interface NewWebhook {
  readonly name: string
  readonly url: string
  readonly events: readonly string[]
  readonly dialect: DialectName
  readonly description?: string | undefined
  readonly subject?: string | null | undefined
  /** Of an MLflow webhook, or the key that a receiver of OpenLineage asks for; ours are made here. */
  readonly secret?: string | undefined
  readonly enabled?: boolean | undefined
}

/** What is undefined stays as it is. */
export type WebhookChange = {
  readonly [Field in Exclude<keyof NewWebhook, 'dialect'>]?: NewWebhook[Field] | undefined
}

export interface Webhooks {
  /** `secret` is told here and never again. */
  add(actor: Actor, webhook: NewWebhook): Promise<{ webhook: Webhook; secret: string | null }>
  /** Throws `not-found`. */
  get(id: string): Promise<Webhook>
  list(page: { limit: number; before?: string; dialect?: DialectName }): Promise<Webhook[]>
  change(actor: Actor, id: string, change: WebhookChange): Promise<Webhook>
  delete(actor: Actor, id: string): Promise<void>
  /** Signs with a new secret and, for a while, with the old one too. */
  rotate(actor: Actor, id: string, overlapMs: number): Promise<{ webhook: Webhook; secret: string }>
  deliveries: WebhookReads['deliveries']
  /** Sends a delivery that is over once more, under its old id. */
  redeliver(webhook: string, delivery: string): Promise<Delivery>
  /** Sends an example now and tells how it was answered. */
  test(id: string, event?: string): Promise<Delivery>
}

export interface WebhooksTx {
  readonly webhooks: WebhookWrites
  readonly work: WorkWrites
  readonly ledger: LedgerWrites
}

export interface WebhookDependencies {
  readonly read: WebhookReads
  readonly transact: Transact<{ webhooks: WebhookWrites; work: WorkWrites }>
  readonly dialects: Dialects
  readonly destinations: Destinations
  readonly seal: Seal
  readonly clock: Clock
  readonly ids: Ids
}

export function createWebhooks(dependencies: WebhookDependencies): Webhooks {
  const { read } = dependencies
  const get = (id: string) => webhookOf(read, id)
  return {
    add: (actor, webhook) => added(dependencies, actor, webhook),
    get,
    list: (page) => read.list(page),
    ...changesOf(dependencies),
    deliveries: async (page) => {
      await get(page.webhook)
      return read.deliveries(page)
    },
    redeliver: (webhook, delivery) => redelivered(dependencies, webhook, delivery),
    test: async (id, event) => tested(dependencies, await get(id), event),
  }
}

async function added(
  { transact, dialects, destinations, seal, clock, ids }: WebhookDependencies,
  actor: Actor,
  given: NewWebhook,
) {
  dialectOf(dialects, given).checkEvents(given.events)
  const id = ids.ulid()
  const nowMs = clock.nowMs()
  const secret = given.dialect === 'standard' ? newSecret(ids) : (given.secret ?? null)
  const webhook: Webhook = {
    id,
    name: checkedName(given.name),
    description: checkedDescription(given.description ?? ''),
    url: checkedUrl(given.url),
    dialect: given.dialect,
    events: checkedEvents(given.events),
    subject: checkedSubject(given.subject ?? null),
    enabled: given.enabled ?? true,
    disabledBecause: null,
    after: 0,
    secrets: secret === null ? [] : [{ sealed: seal.seal(secret, id), untilMs: null }],
    health: HEALTHY,
    turn: null,
    createdMs: nowMs,
    updatedMs: nowMs,
  }
  await destinations.check(webhook.url)
  return transact(async ({ webhooks, ledger }) => {
    if ((await webhooks.count()) >= WEBHOOKS_MAX)
      throw new Problem(
        'limit',
        `there are ${WEBHOOKS_MAX} webhooks, and no more can be added; remove one with "orrery webhooks remove"`,
      )
    const [after = 0] = await ledger.append(actor, [facts.webhookCreated(webhook)])
    const kept = { ...webhook, after }
    await webhooks.save(kept)
    return { webhook: kept, secret }
  })
}

function changesOf(
  dependencies: WebhookDependencies,
): Pick<Webhooks, 'change' | 'delete' | 'rotate'> {
  const { transact, seal, clock, ids } = dependencies
  return {
    change: (actor, id, given) => changed(dependencies, actor, id, given),
    delete: (actor, id) =>
      transact(async ({ webhooks, ledger }) => {
        const kept = await webhookOf(webhooks, id)
        assertOurs(kept)
        await webhooks.delete(id)
        await ledger.append(actor, [facts.webhookDeleted(kept)])
      }),
    rotate: (actor, id, overlapMs) =>
      transact(async ({ webhooks, ledger }) => {
        const kept = await webhookOf(webhooks, id)
        assertOurs(kept)
        if (kept.dialect !== 'standard')
          throw new Problem(
            'conflict',
            kept.dialect === 'mlflow'
              ? `the webhook ${kept.name} was made by MLflow's API, and its secret is its user's; change it with MlflowClient.update_webhook(secret=…)`
              : `the key of ${kept.name} is its receiver's; remove the webhook and add it again with the new key`,
          )
        const secret = newSecret(ids)
        const nowMs = clock.nowMs()
        const [last] = kept.secrets
        const old =
          last === undefined || overlapMs === 0
            ? []
            : [{ sealed: last.sealed, untilMs: nowMs + overlapMs }]
        const webhook = {
          ...kept,
          secrets: [{ sealed: seal.seal(secret, id), untilMs: null }, ...old],
          updatedMs: nowMs,
        }
        await webhooks.save(webhook)
        await ledger.append(actor, [facts.webhookSecretRotated(webhook, overlapMs)])
        return { webhook, secret }
      }),
  }
}

async function changed(
  { read, transact, dialects, destinations, seal, clock }: WebhookDependencies,
  actor: Actor,
  id: string,
  given: WebhookChange,
): Promise<Webhook> {
  const before = await webhookOf(read, id)
  assertOurs(before)
  if (given.events !== undefined) dialectOf(dialects, before).checkEvents(given.events)
  if (given.url !== undefined) await destinations.check(checkedUrl(given.url))
  return transact(async ({ webhooks, ledger }) => {
    const kept = await webhookOf(webhooks, id)
    const { secret, enabled = kept.enabled } = given
    const next: Webhook = {
      ...kept,
      name: checkedName(given.name ?? kept.name),
      description: checkedDescription(given.description ?? kept.description),
      url: given.url ?? kept.url,
      events: checkedEvents(given.events ?? kept.events),
      subject: checkedSubject(given.subject === undefined ? kept.subject : given.subject),
      secrets:
        secret === undefined || kept.dialect === 'standard'
          ? kept.secrets
          : secret === ''
            ? []
            : [{ sealed: seal.seal(secret, id), untilMs: null }],
      // Another address is another receiver.
      health: given.url === undefined || given.url === kept.url ? kept.health : HEALTHY,
      updatedMs: clock.nowMs(),
    }
    const told: Fact[] = saysMoreThan(given) ? [facts.webhookChanged(next)] : []
    if (enabled === kept.enabled) {
      await webhooks.save(next)
      await ledger.append(actor, told)
      return next
    }
    const switched: Fact = enabled ? facts.webhookEnabled(next) : facts.webhookDisabled(next, null)
    const positions = await ledger.append(actor, [...told, switched])
    const after = enabled ? (positions.at(-1) ?? kept.after) : kept.after
    const health = enabled ? HEALTHY : next.health
    const saved = { ...next, enabled, after, health, disabledBecause: null }
    await webhooks.save(saved)
    if (!enabled) await webhooks.cancelWaiting(id, 'the webhook was disabled')
    return saved
  })
}

/** Whether more is changed than being enabled. */
function saysMoreThan(change: WebhookChange): boolean {
  return Object.entries(change).some(([key, value]) => key !== 'enabled' && value !== undefined)
}

async function redelivered(
  { transact, clock, ids }: WebhookDependencies,
  webhook: string,
  id: string,
): Promise<Delivery> {
  return transact(async ({ webhooks, work }) => {
    const kept = await webhookOf(webhooks, webhook)
    const delivery = await webhooks.findDelivery(id)
    if (delivery === undefined || delivery.webhook !== webhook)
      throw new Problem(
        'not-found',
        `the webhook ${kept.name} has no delivery ${id}; "orrery webhooks deliveries" lists them`,
      )
    if (delivery.position === null)
      throw new Problem('conflict', `the delivery ${id} was a test; send another test instead`)
    if (!kept.enabled)
      throw new Problem(
        'conflict',
        `the webhook ${kept.name} is disabled, so nothing is sent; enable it first`,
      )
    const nowMs = clock.nowMs()
    const again: Delivery = {
      ...delivery,
      state: 'waiting',
      nextMs: nowMs,
      expiresMs: nowMs + DELIVERY_LIFE_MS,
    }
    await webhooks.saveDelivery(again)
    // Somebody thinks that the receiver is back.
    const health = { ...kept.health, pausedUntilMs: null }
    await webhooks.save(await withTurn({ ...kept, health }, nowMs, { work, ids }))
    return again
  })
}

async function tested(
  dependencies: WebhookDependencies,
  webhook: Webhook,
  event: string | undefined,
): Promise<Delivery> {
  const { transact, dialects, clock, ids } = dependencies
  const nowMs = clock.nowMs()
  const place = ids.ulid()
  const delivery: Delivery = {
    id: `msg_${webhook.id}_test_${place}`,
    place,
    webhook: webhook.id,
    ...dialectOf(dialects, webhook).example(event, webhook, nowMs),
    lane: null,
    position: null,
    state: 'waiting',
    attempts: 0,
    nextMs: null,
    expiresMs: nowMs,
    createdMs: nowMs,
    lastMs: null,
    response: null,
    error: null,
  }
  const outcome = await sendOn(dependencies, { webhook, delivery }, new AbortController().signal)
  const done = attempted(delivery, outcome, clock.nowMs())
  await transact(async ({ webhooks }) => {
    if ((await webhooks.find(webhook.id)) !== undefined) await webhooks.addDeliveries([done])
  })
  return done
}

function assertOurs(webhook: Webhook): void {
  if (!isDeclared(webhook)) return
  throw new Problem(
    'conflict',
    `${webhook.name} is a destination of alerts; change it in the alerts of its project's orrery.yaml`,
  )
}

/** Throws `not-found`. */
async function webhookOf(read: Pick<WebhookReads, 'find'>, id: string): Promise<Webhook> {
  const webhook = await read.find(id)
  if (webhook === undefined) throw webhookNotFound(id)
  return webhook
}
