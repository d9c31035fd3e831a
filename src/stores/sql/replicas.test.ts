import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { createReplicas } from '#replicas'
import { startPostgres, type Postgres } from '../../../tests/support/postgres.ts'
import { openSqlStore, type SqlStore } from './index.ts'

let postgres: Postgres
let database: string
const clock = manualClock(1_000_000)
const ids = countedIds()
const stores: SqlStore[] = []

beforeAll(async () => {
  postgres = await startPostgres()
}, 60_000)
afterAll(() => postgres.stop())
beforeEach(async () => {
  database = await postgres.createDatabase()
})
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
})

/** A server without anything but its place among the others; its clock is moved by the tests. */
async function join(
  id: string,
  { home = id, mayTakeBound = false, isBound = async () => false } = {},
) {
  const store = await openSqlStore(database, { clock, ids })
  stores.push(store)
  const told: string[] = []
  const replicas = createReplicas({
    read: store.read,
    transact: store.transact,
    presence: store.presence,
    id,
    me: () => ({ id, home, url: `http://${id}`, version: '1', startedMs: clock.nowMs() }),
    clock,
    logger: pino({ level: 'silent' }),
    isBound,
    mayTakeBound,
    isOutdated: store.isOutdated,
    onLead: async () => void told.push('leads'),
    onDismissal: (reason) => void told.push(reason),
  })
  await replicas.start()
  return { store, replicas, told }
}

/** What a kill leaves behind: nothing is said, the connections are gone. */
async function killed({ store }: { store: SqlStore }): Promise<void> {
  await store.close()
  stores.splice(stores.indexOf(store), 1)
}

async function waitOut(replicas: { look(): Promise<void> }): Promise<void> {
  await replicas.look()
  clock.advance(2000)
  await replicas.look()
}

test('one server leads, and when it is gone another does after two seconds', async () => {
  const first = await join('a')
  const second = await join('b')
  expect([first.replicas.leads(), second.replicas.leads()]).toEqual([true, false])
  await waitOut(second.replicas)
  expect(second.replicas.leads()).toBe(false)
  await killed(first)
  await second.replicas.look()
  expect(second.replicas.leads()).toBe(false)
  clock.advance(1999)
  await second.replicas.look()
  expect(second.replicas.leads()).toBe(false)
  clock.advance(1)
  await second.replicas.look()
  expect(second.replicas.leads()).toBe(true)
  expect(second.told).toEqual(['leads'])
  expect(await second.replicas.leader()).toMatchObject({ id: 'b', isThere: true })
  await second.replicas.stop()
})

test('the jobs of a server that is gone are free after two seconds, and those of others stay theirs', async () => {
  const first = await join('a')
  const second = await join('b')
  await first.store.transact(async ({ work }) => {
    await work.enqueue([
      { kind: 'bake', key: 'bread', payload: null },
      { kind: 'bake', key: 'cake', payload: null },
    ])
    for (const owner of ['a', 'b'])
      await work.lease({ kinds: ['bake'], owner, nowMs: clock.nowMs(), untilMs: 9e15 })
  })
  await killed(first)
  await waitOut(second.replicas)
  expect(await second.store.read.work.find('bread')).toMatchObject({ state: 'waiting', cuts: 1 })
  expect(await second.store.read.work.find('cake')).toMatchObject({ state: 'running', cuts: 0 })
  expect((await second.replicas.list()).map(({ id }) => id)).toEqual(['b'])
  await second.replicas.stop()
})

test('a home that others are bound to keeps the lead, unless a server may take it', async () => {
  const bound = { isBound: async () => true }
  const first = await join('a', bound)
  const second = await join('b', bound)
  await killed(first)
  await waitOut(second.replicas)
  expect(second.replicas.leads()).toBe(false)
  expect(await second.replicas.leader()).toMatchObject({ id: 'a', isThere: false })
  const again = await join('c', { ...bound, home: 'a' })
  expect(again.replicas.leads()).toBe(true)
  await killed(again)
  const third = await join('d', { ...bound, mayTakeBound: true })
  await waitOut(third.replicas)
  expect(third.replicas.leads()).toBe(true)
  for (const { replicas } of [second, third]) await replicas.stop()
})

test('servers whose connections are cut are there again, with one that leads', async () => {
  const first = await join('a')
  const second = await join('b')
  await postgres.run(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'orrery' and datname = '${new URL(database).pathname.slice(1)}'`,
  )
  for (const { replicas } of [first, second]) {
    await replicas.look()
    await replicas.look()
  }
  expect([first.replicas.leads(), second.replicas.leads()]).toEqual([true, false])
  expect((await second.replicas.list()).map(({ isThere }) => isThere)).toEqual([true, true])
  expect(first.told).toEqual(['leads'])
  for (const { replicas } of [first, second]) await replicas.stop()
})
