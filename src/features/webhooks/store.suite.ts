import { expect, test } from 'vitest'
import type { Transact } from '#ledger'
import type { Delivery } from './delivery.ts'
import type { WebhookReads, WebhookWrites } from './store.ts'
import { HEALTHY, type Webhook } from './webhook.ts'

export interface WebhookStore {
  readonly read: WebhookReads
  readonly transact: Transact<{ webhooks: WebhookWrites }>
}

const webhook = (id: string, more: Partial<Webhook> = {}): Webhook => ({
  id,
  name: id,
  description: 'é\n"',
  url: 'https://example.org/hook',
  dialect: 'standard',
  events: ['*'],
  subject: null,
  enabled: true,
  disabledBecause: null,
  after: 2 ** 40,
  secrets: [{ sealed: 's', untilMs: null }],
  health: HEALTHY,
  turn: { key: 'k', atMs: 1_700_000_000_000 },
  createdMs: 1_700_000_000_000,
  updatedMs: 1_700_000_000_000,
  ...more,
})

const delivery = (id: string, more: Partial<Delivery> = {}): Delivery => ({
  id,
  place: id,
  webhook: 'a',
  event: 'run-started',
  lane: null,
  position: 7,
  body: '{"type":"run-started"}',
  state: 'waiting',
  attempts: 0,
  nextMs: 1_700_000_000_000,
  expiresMs: 1_800_000_000_000,
  createdMs: 1_700_000_000_000,
  lastMs: null,
  response: null,
  error: null,
  ...more,
})

/** The laws of every store of webhooks. */
export function webhookStoreSuite(openStore: () => Promise<WebhookStore>) {
  const opened = async () => {
    const { read, transact } = await openStore()
    const write = <T>(work: (webhooks: WebhookWrites) => Promise<T>) =>
      transact(({ webhooks }) => work(webhooks))
    return { read, write }
  }
  const ids = (all: readonly { id: string }[]) => all.map(({ id }) => id)

  test('a webhook comes back as it was saved last, and lists are newest first', async () => {
    const { read, write } = await opened()
    const off = webhook('b', { enabled: false, dialect: 'mlflow' })
    await write(async (webhooks) => {
      await webhooks.save(webhook('a', { name: 'old' }))
      await webhooks.save(off)
      await webhooks.save(webhook('a'))
      await webhooks.save(webhook('c'))
      await webhooks.save(webhook('d', { enabled: false, dialect: 'alert-slack' }))
    })
    expect(await read.find('a')).toEqual(webhook('a'))
    expect(await read.find('x')).toBeUndefined()
    expect(ids(await read.list({ limit: 2 }))).toEqual(['c', 'b'])
    expect(ids(await read.list({ limit: 2, before: 'b' }))).toEqual(['a'])
    expect(await read.list({ limit: 9, dialect: 'mlflow' })).toEqual([off])
    expect(ids(await read.list({ limit: 9, dialect: 'alert-slack' }))).toEqual(['d'])
    expect(ids(await read.enabled())).toEqual(['a', 'c'])
    expect(await read.count()).toBe(3)
  })

  test('a delivery is kept once, and comes back as it was saved last', async () => {
    const { read, write } = await opened()
    const done = delivery('1', {
      state: 'delivered',
      attempts: 2,
      nextMs: null,
      lastMs: 5,
      response: { status: 204, body: '' },
    })
    await write(async (webhooks) => {
      await webhooks.addDeliveries([])
      await webhooks.addDeliveries([delivery('1'), delivery('2', { position: null })])
      await webhooks.saveDelivery(done)
      await webhooks.addDeliveries([delivery('1', { body: 'other' })])
    })
    expect(await read.findDelivery('1')).toEqual(done)
    expect(await read.findDelivery('2')).toEqual(delivery('2', { position: null }))
    expect(await read.findDelivery('3')).toBeUndefined()
  })

  test('deliveries are paged newest first, and those that wait are due in order of time', async () => {
    const { read, write } = await opened()
    await write((webhooks) =>
      webhooks.addDeliveries([
        delivery('1', { nextMs: 30 }),
        delivery('2', { nextMs: 10 }),
        delivery('3', { nextMs: 20 }),
        delivery('4', { state: 'failed', nextMs: null }),
        delivery('5', { nextMs: 1, webhook: 'b' }),
      ]),
    )
    const page = { webhook: 'a', limit: 2 }
    expect(ids(await read.deliveries(page))).toEqual(['4', '3'])
    expect(ids(await read.deliveries({ ...page, before: '3' }))).toEqual(['2', '1'])
    expect(ids(await read.deliveries({ ...page, state: 'failed' }))).toEqual(['4'])
    expect(ids(await read.due('a', 20, 9))).toEqual(['2', '3'])
    expect(ids(await read.due('a', 99, 1))).toEqual(['2'])
    expect(await read.nextDueMs('a')).toBe(10)
    expect(await read.nextDueMs('x')).toBeUndefined()
  })

  test('what waits can be cancelled, what is over forgotten, and a webhook goes with its log', async () => {
    const { read, write } = await opened()
    await write(async (webhooks) => {
      await webhooks.save(webhook('a'))
      await webhooks.addDeliveries([
        delivery('1'),
        delivery('2', { state: 'delivered', nextMs: null, createdMs: 10 }),
        delivery('3', { state: 'delivered', nextMs: null }),
        delivery('4', { createdMs: 10 }),
        delivery('5', { webhook: 'b' }),
      ])
      await webhooks.forget('a', 11)
      await webhooks.cancelWaiting('a', 'enough')
    })
    expect(await read.deliveries({ webhook: 'a', limit: 9 })).toEqual([
      delivery('4', { state: 'cancelled', nextMs: null, createdMs: 10, error: 'enough' }),
      delivery('3', { state: 'delivered', nextMs: null }),
      delivery('1', { state: 'cancelled', nextMs: null, error: 'enough' }),
    ])
    await write((webhooks) => webhooks.delete('a'))
    expect(await read.find('a')).toBeUndefined()
    expect(ids(await read.deliveries({ webhook: 'a', limit: 9 }))).toEqual([])
    expect(await read.findDelivery('5')).toBeDefined()
  })
}
