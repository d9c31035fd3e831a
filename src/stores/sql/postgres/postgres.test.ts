import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { platformActor, startFollowers } from '#ledger'
import { startPostgres, type Postgres } from '../../../../tests/support/postgres.ts'
import { openSqlStore, type SqlStore } from '../index.ts'
import { openLedgerEvidence } from '../ledger-evidence.ts'
import { addressIn } from './address.ts'
import { createWriter } from './writer.ts'

const world = { clock: systemClock, ids: randomIds }
const actor = platformActor('test')
let postgres: Postgres
const undo: (() => Promise<void> | void)[] = []

beforeAll(async () => {
  postgres = await startPostgres()
})
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})
afterAll(() => postgres.stop())

async function open(url: string): Promise<SqlStore> {
  const store = await openSqlStore(url, world)
  undo.push(store.close)
  return store
}

const nameOf = (url: string) => new URL(url).pathname.slice(1)

const append = (store: SqlStore, type: string) =>
  store.transact(({ ledger }) => ledger.append(actor, [{ type, data: {} }]))

const typesOf = async (store: SqlStore) =>
  (await store.read.ledger.list({ after: -1, limit: 1000 })).map((entry) => entry.type)

test('every text is ordered by bytes, although the database is not', async () => {
  const url = await postgres.createDatabase()
  await open(url)
  const others = await postgres.run(
    `select table_name, column_name from information_schema.columns
     where table_schema = 'orrery' and data_type = 'text' and collation_name is distinct from 'C'`,
    nameOf(url),
  )
  expect(others).toEqual([])
  const [order] = await postgres.run(`select 'a' < 'B' as folded`, nameOf(url))
  expect(order).toEqual({ folded: true })
})

test('numbers are kept as wide as SQLite keeps them', async () => {
  const url = await postgres.createDatabase()
  await open(url)
  const narrow = await postgres.run(
    `select table_name, column_name, data_type from information_schema.columns
     where table_schema = 'orrery' and (data_type = 'real'
       or data_type = 'integer' and column_name similar to '%(_ms|bytes|step|position|idx)')`,
    nameOf(url),
  )
  expect(narrow).toEqual([])
})

test('the database itself refuses to change, remove or empty the ledger', async () => {
  const url = await postgres.createDatabase()
  const store = await open(url)
  await append(store, 'a')
  for (const table of ['entries', 'nodes', 'checkpoints', 'edges'])
    for (const statement of [
      `update orrery.ledger_${table} set ${table === 'entries' || table === 'edges' ? 'position = position' : table === 'nodes' ? 'level = level' : 'size = size'}`,
      `delete from orrery.ledger_${table}`,
      `truncate orrery.ledger_${table}`,
    ])
      await expect(postgres.run(statement, nameOf(url))).rejects.toThrow('only ever added to')
})

test('servers that start at once on an empty database share it, and no write of one hides that of another', async () => {
  const url = await postgres.createDatabase()
  const stores = await Promise.all([open(url), open(url), open(url)])
  await Promise.all(
    Array.from({ length: 60 }, (_, n) => append(stores[n % 3] as SqlStore, `t${n}`)),
  )
  const [store] = stores
  expect(new Set(await typesOf(store)).size).toBe(60)
  expect(await store.read.ledger.size()).toBe(60)
})

test('two servers that follow one ledger hand each entry over once, and hear of each other at once', async () => {
  const url = await postgres.createDatabase()
  const stores = [await open(url), await open(url)] as const
  for (const store of stores) {
    const { stop } = startFollowers({
      followers: [
        {
          name: 'one',
          types: ['a'],
          follow: (entry, { work }) =>
            work.enqueue([
              { kind: 'k', key: `${entry.position}/${randomIds.ulid()}`, payload: null },
            ]),
        },
      ],
      read: store.read.ledger,
      transact: store.transact,
      onGrowth: store.onGrowth,
      logger: pino({ level: 'silent' }),
    })
    undo.push(stop)
  }
  let heard = 0
  undo.push(stores[1].onNewWork(() => (heard += 1)))
  for (let n = 0; n < 20; n++) await append(stores[n % 2] as SqlStore, 'a')
  const positions = async () =>
    (await stores[0].read.work.open()).map((job) => Number(job.key.split('/')[0]))
  await vi.waitFor(async () => expect(await positions()).toHaveLength(20), 30_000)
  expect((await positions()).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 20 }, (_, n) => n),
  )
  await vi.waitFor(() => expect(heard).toBeGreaterThan(0), 30_000)
})

test('a commit is durable before anybody is answered, whatever the database was told', async () => {
  const url = await postgres.createDatabase()
  await postgres.run(`alter database ${nameOf(url)} set synchronous_commit to off`)
  const writer = createWriter({ address: addressIn(url), untold: () => [], steps: () => undefined })
  undo.push(writer.close)
  await writer.boundaries.begin()
  const client = await writer.pool.connect()
  const { rows } = await client.query<{ synchronous_commit: string }>('show synchronous_commit', [])
  expect(rows).toEqual([{ synchronous_commit: 'on' }])
  await writer.boundaries.rollback()
})

test('reads and writes go on when every connection was ended', async () => {
  const url = await postgres.createDatabase()
  const store = await open(url)
  await append(store, 'a')
  expect(await typesOf(store)).toEqual(['a'])
  let heard = 0
  store.onGrowth(() => (heard += 1))
  await postgres.run(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${nameOf(url)}'`,
  )
  expect(await typesOf(store)).toEqual(['a'])
  await append(store, 'b')
  expect(await typesOf(store)).toEqual(['a', 'b'])
  const other = await open(url)
  await vi.waitFor(async () => {
    heard = 0
    await append(other, 'c')
    await vi.waitFor(() => expect(heard).toBeGreaterThan(0), 1000)
  }, 30_000)
})

/** A way to PostgreSQL that is cut once, just before or just after a commit has gone through. */
async function cutAt(
  when: 'before' | 'after',
): Promise<{ port: number; arm(): void; cuts(): number }> {
  let armed = false
  let cuts = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(postgres.port, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => sockets.delete(socket))
    }
    let isDeaf = false
    upstream.on('data', (bytes) => void (isDeaf || client.write(bytes)))
    client.on('data', (bytes) => {
      const isCut = armed && bytes.includes('commit\0')
      if (!isCut || when === 'after') upstream.write(bytes)
      if (!isCut) return
      armed = false
      isDeaf = true
      setTimeout(() => {
        cuts += 1
        client.destroy()
        upstream.destroy()
      }, 300)
    })
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undo.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    port: (server.address() as AddressInfo).port,
    arm: () => {
      armed = true
    },
    cuts: () => cuts,
  }
}

async function openThrough(when: 'before' | 'after') {
  const { port, arm, cuts } = await cutAt(when)
  const url = new URL(await postgres.createDatabase())
  url.port = String(port)
  const store = await open(url.href)
  await append(store, 'a')
  arm()
  return { store, cuts }
}

test('a commit whose answer was lost is known to have taken place', async () => {
  const { store, cuts } = await openThrough('after')
  await append(store, 'b')
  expect(cuts()).toBe(1)
  expect(await typesOf(store)).toEqual(['a', 'b'])
})

test('a commit that never arrived is told as one to try again, and can be', async () => {
  const { store, cuts } = await openThrough('before')
  await expect(append(store, 'b')).rejects.toMatchObject({ code: 'unavailable' })
  expect(cuts()).toBe(1)
  expect(await typesOf(store)).toEqual(['a'])
  await append(store, 'b')
  expect(await typesOf(store)).toEqual(['a', 'b'])
})

test('a text that no database can keep is refused, and the others of the commit are kept', async () => {
  const store = await open(await postgres.createDatabase())
  const results = await Promise.allSettled([
    append(store, 'a'),
    append(store, 'b\0'),
    append(store, 'c'),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(results[1]).toMatchObject({ reason: { code: 'invalid' } })
  expect(await typesOf(store)).toEqual(['a', 'c'])
})

test('one who cannot be let in is told why, and never shown the password', async () => {
  const url = new URL(await postgres.createDatabase())
  await postgres.run(`create role weak login password 'sesame'`)
  const secret = decodeURIComponent(url.password)
  const changed = (change: (url: URL) => void) => {
    const other = new URL(url)
    change(other)
    return other.href
  }
  const latin = await postgres
    .run(`create database latin encoding 'LATIN1' locale 'C' template template0`)
    .then(() => 'latin')
  const cases: readonly [string, string][] = [
    [changed((other) => (other.password = 'hush-hush')), 'refuses the user or the password'],
    [changed((other) => (other.pathname = '/nowhere')), 'createdb -E UTF8 -T template0 nowhere'],
    [changed((other) => (other.port = '1')), 'does not answer'],
    [changed((other) => (other.pathname = '/')), 'names no database'],
    [changed((other) => (other.pathname = `/${latin}`)), 'is encoded as LATIN1'],
    [
      changed((other) => {
        other.username = 'weak'
        other.password = 'sesame'
      }),
      'create schema orrery authorization "weak"',
    ],
    ['postgres://me:hush-hush@host:port/x', 'cannot be read'],
  ]
  for (const [place, why] of cases) {
    const refusal = await openSqlStore(place, world).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ name: 'Problem', message: expect.stringContaining(why) })
    expect((refusal as Error).message).not.toMatch(/hush-hush|sesame/)
    expect((refusal as Error).message).not.toContain(secret)
    await expect(openLedgerEvidence(place)).rejects.toMatchObject({ name: 'Problem' })
  }
})

test('a user who was given the schema needs no other right', async () => {
  const url = new URL(await postgres.createDatabase())
  await postgres.run(`create role tenant login password 'sesame'`)
  await postgres.run('create schema orrery authorization tenant', nameOf(url.href))
  url.username = 'tenant'
  url.password = 'sesame'
  const store = await open(url.href)
  await append(store, 'a')
  expect(await typesOf(store)).toEqual(['a'])
})

test('what is asked often is found by an index', async () => {
  const url = await postgres.createDatabase()
  await open(url)
  const asked = [
    `select * from ledger_entries where position > 5 order by position limit 10`,
    `select * from ledger_edges where to_kind = 'run' and to_id = 'x' order by position`,
    `select * from runs where run_id = 'x'`,
    `select * from metric_series where run_id = 'x' order by key`,
    `select id from jobs where kind in ('a', 'b') and run_after_ms <= 5
      and (state = 'waiting' or (state = 'running' and lease_until_ms < 5)) order by id limit 1`,
  ]
  await postgres.run(
    `alter database ${nameOf(url)} set search_path to orrery;
     alter database ${nameOf(url)} set enable_seqscan to off`,
  )
  for (const statement of asked) {
    const plan = await postgres.run(`explain ${statement}`, nameOf(url))
    expect(JSON.stringify(plan)).toMatch(/Index|Bitmap/)
    expect(JSON.stringify(plan)).not.toContain('Seq Scan')
  }
})
