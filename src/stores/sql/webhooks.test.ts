import { expect, test } from 'vitest'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { webhookStoreSuite } from '#suites/webhooks'
import {
  createWebhooks,
  deliveryHandler,
  standardDialect,
  webhookFollower,
  type Delivery,
  type Destinations,
  type Dialect,
  type DialectName,
} from '#webhooks'
import type { Job } from '#work'

const HOUR_MS = 3_600_000
const USER = { kind: 'user', id: 'test' } as const
const NEVER = new AbortController().signal
/** Messages about one thing belong together. */
const inLanes: Dialect = {
  ...standardDialect,
  message: async (entry, webhook, registry) => {
    const message = await standardDialect.message(entry, webhook, registry)
    return message && { ...message, lane: aboutOf(message.body).slice(0, 1) }
  },
}

/** What a message tells of. */
function aboutOf(body: string): string {
  return (JSON.parse(body) as { data: { about: string } }).data.about
}

eachSqlStore((_, open) => {
  webhookStoreSuite(async () => {
    const { read, transact } = await open()
    return { read: read.webhooks, transact }
  })

  /** Webhooks over a store, with a receiver that answers as told and a clock that goes from job to job. */
  async function openWorld() {
    const clock = manualClock()
    const ids = countedIds()
    const { read, transact } = await open({ clock, ids })
    const receiver = {
      status: 200,
      ids: [] as string[],
      taken: [] as string[],
      refused: 0,
      atMs: [] as number[],
    }
    const destinations: Destinations = {
      check: async () => undefined,
      post: async ({ headers, body }) => {
        receiver.ids.push(headers['webhook-id'] ?? '')
        receiver.atMs.push(clock.nowMs())
        const status = receiver.refused-- > 0 ? 503 : receiver.status
        if (status === 200) receiver.taken.push(aboutOf(body))
        return { status, body: '', retryAfterMs: null }
      },
    }
    const dependencies = {
      read: read.webhooks,
      transact,
      dialects: {
        standard: standardDialect,
        mlflow: standardDialect,
        openlineage: inLanes,
      },
      destinations,
      seal: { seal: (text: string) => text, open: (text: string) => text },
      clock,
      ids,
    }
    const webhooks = createWebhooks(dependencies)
    const follower = webhookFollower(dependencies)
    const handler = deliveryHandler(dependencies)
    /** A fact, and what the follower makes of it. */
    const happen = (type = 'run-started', about = '') =>
      transact(async (tx) => {
        const [position = 0] = await tx.ledger.append(USER, [{ type, data: { about } }])
        const entry = await tx.ledger.find(position)
        if (entry !== undefined) await follower.follow(entry, tx)
      })
    const lease = () =>
      transact(({ work }) => {
        const nowMs = clock.nowMs()
        const kinds = [handler.kind]
        return work.lease({ kinds, owner: 'me', nowMs, untilMs: nowMs + HOUR_MS })
      })
    const perform = async (job: Job) => {
      await handler.run(job, NEVER)
      await transact(({ work }) => work.complete(job.id, 'me'))
    }
    /** Does every job until so much time has gone by. */
    const pass = async (ms: number) => {
      for (const endMs = clock.nowMs() + ms; ;) {
        for (let job = await lease(); job !== undefined; job = await lease()) await perform(job)
        const next = (await read.work.open()).map((job) => job.runAfterMs)
        const nextMs = Math.min(...next)
        if (nextMs > endMs) return clock.advance(endMs - clock.nowMs())
        clock.advance(Math.max(1, nextMs - clock.nowMs()))
      }
    }
    const add = (dialect: DialectName = 'standard') =>
      webhooks.add(USER, { name: 'ci', url: 'https://example.org', events: ['run-*'], dialect })
    const log = async (webhook: string): Promise<readonly Delivery[]> =>
      webhooks.deliveries({ webhook, limit: 200 })
    return {
      clock,
      read,
      transact,
      receiver,
      webhooks,
      follower,
      handler,
      happen,
      pass,
      add,
      log,
      lease,
      perform,
    }
  }

  test('a receiver that is away is asked by one delivery at a time, and gets all when it is back', async () => {
    const { happen, pass, add, log, receiver } = await openWorld()
    const { webhook } = await add()
    receiver.status = 503
    for (let each = 0; each < 20; each++) await happen()
    await pass(12 * HOUR_MS)
    expect(receiver.ids.length).toBeGreaterThan(10)
    expect(receiver.ids.length).toBeLessThan(40)
    receiver.status = 200
    await pass(14 * HOUR_MS)
    expect((await log(webhook.id)).map(({ state }) => state)).toEqual(Array(20).fill('delivered'))
    expect(new Set(receiver.ids).size).toBe(20)
  })

  test('messages that belong together come in their order, whichever attempts fail, and others do not wait for them', async () => {
    const { happen, pass, add, log, receiver } = await openWorld()
    const { webhook } = await add('openlineage')
    receiver.refused = 2
    for (const about of ['a1', 'b1', 'a2', 'b2', 'a3', 'c1']) await happen('run-told', about)
    await pass(HOUR_MS)
    receiver.refused = 1
    for (const about of ['a4', 'a5']) await happen('run-told', about)
    await pass(HOUR_MS)
    const of = (lane: string) => receiver.taken.filter((about) => about.startsWith(lane))
    expect([of('a'), of('b'), of('c')]).toEqual([
      ['a1', 'a2', 'a3', 'a4', 'a5'],
      ['b1', 'b2'],
      ['c1'],
    ])
    expect(receiver.taken[0]).toBe('c1')
    expect((await log(webhook.id)).map(({ state }) => state)).toEqual(Array(8).fill('delivered'))
  })

  test('a receiver that has only failed for five days is disabled, once, and on record', async () => {
    const { happen, pass, add, log, receiver, webhooks, read } = await openWorld()
    const { webhook } = await add()
    receiver.status = 500
    await happen()
    await happen()
    await pass(124 * HOUR_MS)
    expect(await webhooks.get(webhook.id)).toMatchObject({
      enabled: false,
      disabledBecause: expect.stringContaining('5 days') as string,
    })
    const calls = receiver.ids.length
    await happen()
    await pass(124 * HOUR_MS)
    expect(receiver.ids.length).toBe(calls)
    expect((await log(webhook.id)).map(({ state }) => state)).not.toContain('waiting')
    const disabled = await read.ledger.list({ after: -1, limit: 9, types: ['webhook-disabled'] })
    expect(disabled).toHaveLength(1)
    expect(await read.work.open()).toEqual([])

    receiver.status = 200
    await webhooks.change(USER, webhook.id, { enabled: true })
    await happen()
    await pass(1)
    expect((await log(webhook.id))[0]).toMatchObject({ state: 'delivered', attempts: 1 })
  })

  test('a job that is done twice, or late, sends nothing twice', async () => {
    const { happen, add, receiver, lease, perform, handler, transact } = await openWorld()
    await add()
    await happen()
    const job = await lease()
    if (job === undefined) throw new Error('there is a job')
    await perform(job)
    await handler.run(job, NEVER)
    expect(receiver.ids).toHaveLength(1)
    // The turn is given away before the job was recorded as done.
    await happen()
    const next = await lease()
    await handler.run(job, NEVER)
    expect(receiver.ids).toHaveLength(1)
    await handler.run(next ?? job, NEVER)
    expect(receiver.ids).toHaveLength(2)
    await transact(({ work }) => work.complete(next?.id ?? '', 'me'))
  })

  test('a job that is given up leaves another to send what waits', async () => {
    const { happen, add, receiver, lease, handler, transact, pass } = await openWorld()
    await add()
    await happen()
    const job = await lease()
    if (job === undefined) throw new Error('there is a job')
    await handler.abandoned?.(job, 'the server ended too often')
    await transact(({ work }) => work.fail(job.id, 'me', 'given up'))
    await pass(1000)
    expect(receiver.ids).toHaveLength(1)
  })

  test('the follower waits for what is asked for, and for nothing when nobody asks', async () => {
    const { follower, webhooks, add } = await openWorld()
    if (typeof follower.types !== 'function') throw new Error('it asks the store')
    expect(await follower.types()).toEqual([])
    const { webhook } = await add()
    expect(await follower.types()).toBe('all')
    await webhooks.change(USER, webhook.id, { events: ['run-started', 'run-ended'] })
    expect(await follower.types()).toEqual(['run-started', 'run-ended'])
    await webhooks.change(USER, webhook.id, { enabled: false })
    expect(await follower.types()).toEqual([])
  })

  test('what is over is forgotten after thirty days', async () => {
    const { happen, pass, add, log } = await openWorld()
    const { webhook } = await add()
    await happen()
    await pass(31 * 24 * HOUR_MS)
    await happen()
    await pass(1000)
    expect(await log(webhook.id)).toHaveLength(1)
  })
})
