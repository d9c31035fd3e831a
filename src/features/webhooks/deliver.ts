import { platformActor } from '#ledger'
import type { Handler } from '#work'
import {
  attempted,
  FAILING_MAX_MS,
  LOG_KEPT_MS,
  pauseMs,
  URGENT_RETRY_MAX_MS,
  type Delivery,
  type Outcome,
} from './delivery.ts'
import * as facts from './facts.ts'
import { sendOn, type Sendable } from './send.ts'
import { DELIVER_WEBHOOK, newTurn } from './turn.ts'
import { HEALTHY, isDeclared, type Health, type Webhook } from './webhook.ts'
import type { WebhookDependencies, WebhooksTx } from './webhooks.ts'

/** Receivers that are spoken to at a time; each may keep its turn waiting for ten seconds. */
const RECEIVERS_AT_ONCE = 64
/** Requests to one receiver at a time. */
const AT_ONCE = 4
/** A receiver with a long queue goes to the end of the line after this. */
const TURN_MS = 20_000

/** Sends what waits for one webhook until nothing is due, and asks for the next turn when something will be. */
export function deliveryHandler(dependencies: WebhookDependencies): Handler {
  const { transact, clock, ids } = dependencies
  return {
    kind: DELIVER_WEBHOOK,
    concurrency: RECEIVERS_AT_ONCE,
    // A turn fails only when the store does; the receiver's failures are in the delivery log.
    attemptsMax: Number.MAX_SAFE_INTEGER,
    run: async (job, signal) => {
      const { webhook: id } = job.payload as { webhook: string }
      const turn = { id, key: job.key, endMs: clock.nowMs() + TURN_MS }
      for (;;) {
        const batch = await transact((tx) => takeBatch(dependencies, tx, turn))
        if (batch.length === 0) return
        await Promise.all(batch.map((each) => deliver(dependencies, each, signal)))
      }
    },
    // The server died too often in the middle of it; what waits is not lost for that.
    abandoned: (job) =>
      transact(async ({ webhooks, work }) => {
        const { webhook: id } = job.payload as { webhook: string }
        const webhook = await webhooks.find(id)
        if (webhook?.turn?.key !== job.key) return
        const atMs = clock.nowMs()
        await webhooks.save({ ...webhook, turn: await newTurn(id, atMs, { work, ids }) })
      }),
  }
}

/** What to send now; nothing when the turn is over, and then the next one is set. */
async function takeBatch(
  { clock, ids }: WebhookDependencies,
  { webhooks, work }: WebhooksTx,
  turn: { id: string; key: string; endMs: number },
): Promise<Sendable[]> {
  const webhook = await webhooks.find(turn.id)
  if (webhook === undefined || webhook.turn?.key !== turn.key) return []
  const nowMs = clock.nowMs()
  const { failures, pausedUntilMs } = webhook.health
  const mayStart = webhook.enabled && nowMs < turn.endMs && nowMs >= (pausedUntilMs ?? 0)
  const due = mayStart ? await webhooks.due(webhook.id, nowMs, failures === 0 ? AT_ONCE : 1) : []
  if (due.length > 0) return due.map((delivery) => ({ webhook, delivery }))
  await webhooks.forget(webhook.id, nowMs - LOG_KEPT_MS)
  const dueMs = webhook.enabled ? await webhooks.nextDueMs(webhook.id) : undefined
  const next =
    dueMs === undefined
      ? null
      : await newTurn(webhook.id, Math.max(dueMs, pausedUntilMs ?? 0, nowMs), { work, ids })
  await webhooks.save({ ...webhook, turn: next })
  return []
}

async function deliver(
  dependencies: WebhookDependencies,
  sendable: Sendable,
  signal: AbortSignal,
): Promise<void> {
  const outcome = await sendOn(dependencies, sendable, signal)
  // A stop of the server is no failure of the receiver: the delivery still waits.
  if (!outcome.ok) signal.throwIfAborted()
  await dependencies.transact((tx) => settle(dependencies, tx, sendable.delivery, outcome))
}

/** Keeps how an attempt went, and what it says about the receiver. */
async function settle(
  { clock }: WebhookDependencies,
  { webhooks, ledger }: WebhooksTx,
  { id }: Delivery,
  outcome: Outcome,
): Promise<void> {
  const delivery = await webhooks.findDelivery(id)
  const webhook = delivery && (await webhooks.find(delivery.webhook))
  if (delivery === undefined || webhook === undefined) return
  const nowMs = clock.nowMs()
  const tried = attempted(delivery, outcome, nowMs, ...waitMaxOf(webhook))
  // Cancelled meanwhile, but it went out: that is the truth.
  await webhooks.saveDelivery(delivery.state === 'waiting' || outcome.ok ? tried : delivery)
  const health = outcome.ok ? HEALTHY : afterFailure(webhook, nowMs)
  const mayStay = outcome.ok || isDeclared(webhook)
  const reason = mayStay ? undefined : reasonToDisable(health, outcome, nowMs)
  if (reason === undefined) {
    if (webhook.health !== health) await webhooks.save({ ...webhook, health })
    return
  }
  if (!webhook.enabled) return
  const disabled = { ...webhook, health, enabled: false, disabledBecause: reason, updatedMs: nowMs }
  await webhooks.save(disabled)
  await webhooks.cancelWaiting(webhook.id, `the webhook was disabled: ${reason}`)
  await ledger.append(platformActor('webhooks'), [facts.webhookDisabled(disabled, reason)])
}

/** The longest that one waits for the next attempt, where it is not the usual. */
function waitMaxOf(webhook: Webhook): [number] | [] {
  return isDeclared(webhook) ? [URGENT_RETRY_MAX_MS] : []
}

function afterFailure(webhook: Webhook, nowMs: number): Health {
  const { id, health } = webhook
  const failures = health.failures + 1
  const waitMs = pauseMs(id, failures, ...waitMaxOf(webhook))
  return {
    failures,
    failingSinceMs: health.failingSinceMs ?? nowMs,
    pausedUntilMs: waitMs === 0 ? null : nowMs + waitMs,
  }
}

function reasonToDisable(
  { failures, failingSinceMs }: Health,
  outcome: Outcome,
  nowMs: number,
): string | undefined {
  if (outcome.response?.status === 410)
    return 'the receiver answered 410 Gone, which asks for no more'
  if (nowMs - (failingSinceMs ?? nowMs) >= FAILING_MAX_MS)
    return `the receiver has failed ${failures} times in ${FAILING_MAX_MS / 86_400_000} days and never answered`
  return undefined
}
