import BetterSqlite from 'better-sqlite3'
import { existsSync, statSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { verifyHome } from '#app/home/verify-home'
import { loadConfig } from '#app/settings/config'
import { asker, startWorld } from '../support/bad-input/world.ts'
import {
  copyOf,
  databaseIn,
  bytesOf,
  fillOddly,
  isWaiting,
  migrate,
  migrateKilled,
  migrateWithin,
  orreryMigrate,
  removeAll,
  rowsIn,
  told,
  until,
} from '../support/moving.ts'
import { startPostgres, type Postgres } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let postgres: Postgres
/** Of a stopped server that has one of everything. */
let world: string
const homes: string[] = []
const running: TestServer[] = []

beforeAll(async () => {
  const [started, made] = await Promise.all([startPostgres(), worldWithHistory()])
  postgres = started
  world = made
})

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop({ keepHome: true })
  await removeAll(homes)
})

afterAll(async () => {
  await postgres.stop()
  await rm(world, { recursive: true, force: true })
})

async function worldWithHistory(): Promise<string> {
  const { url, home, things, stop } = await startWorld()
  const ask = asker(url)
  const mlflow = (path: string, body: object) => ask('POST', `/api/2.0/mlflow/${path}`, body)
  const run_id = things.run
  // So many that the earliest are packed, and some that are no numbers.
  for (let batch = 0; batch < 9; batch += 1)
    await mlflow('runs/log-batch', {
      run_id,
      metrics: Array.from({ length: 1000 }, (_, at) => ({
        key: 'long',
        value: at % 100 === 0 ? 'NaN' : at / 7,
        timestamp: batch * 1000 + at,
        step: at,
      })),
    })
  await mlflow('runs/log-batch', {
    run_id,
    metrics: ['Infinity', '-Infinity', '-0', '5e-324'].map((value, step) => ({
      key: 'odd',
      value,
      timestamp: step,
      step,
    })),
    params: [{ key: 'ключ', value: '' }],
    tags: [{ key: 'note', value: '😀\u2028\t"quoted"\\N' }],
  })
  await mlflow('registered-models/alias', {
    name: 'flights-late',
    alias: 'challenger',
    version: '1',
  })
  const { run } = await mlflow('runs/create', { experiment_id: things.experiment })
  await mlflow('runs/delete', { run_id: run.info.run_id })
  await until(async () => (await ask('GET', '/api/v1/trash')).items.length > 0)
  await stop({ keepHome: true })
  return home
}

async function homeOf(source = world): Promise<string> {
  const home = await copyOf(source)
  homes.push(home)
  return home
}

/** The server of a home, on the database that its config.yaml names. */
async function serverIn(home: string, database?: string): Promise<TestServer> {
  const named = loadConfig({ home }, {}).config.database
  const server = await startTestServer({ home, database: database ?? named })
  running.push(server)
  return server
}

async function stopped(server: TestServer): Promise<void> {
  running.splice(running.indexOf(server), 1)
  await server.stop({ keepHome: true })
}

const fileIn = (home: string) => join(home, 'orrery.db')

test('a whole installation goes to PostgreSQL, is used there, and comes back', async () => {
  const home = await homeOf()
  const before = await serverIn(home)
  const answers = await told(before.url)
  await stopped(before)
  const kept = await bytesOf(fileIn(home))

  const url = await postgres.createDatabase()
  await writeFile(join(home, 'config.yaml'), '# ours\nsealRows: 500 # few\n')
  const preview = await orreryMigrate(home, '--to', url, '--dry-run')
  expect(preview.end).toBe('looked at')
  expect(await schemasIn(url)).not.toContain('orrery')
  expect(await bytesOf(fileIn(home))).toBe(kept)

  const moved = await orreryMigrate(home, '--to', url)
  expect(moved).toMatchObject({ end: 'moved', digest: preview.digest })
  expect(rowsOf(moved, 'metric_blocks')).toBeGreaterThan(0)
  expect(rowsOf(moved, 'trash')).toBe(1)
  expect(await readFile(join(home, 'config.yaml'), 'utf8')).toBe(
    `# ours\nsealRows: 500 # few\ndatabase: ${JSON.stringify(url)}\n`,
  )
  const there = await serverIn(home)
  expect(await told(there.url)).toEqual(answers)
  const { experiment_id } = await asker(there.url)('POST', '/api/2.0/mlflow/experiments/create', {
    name: 'made in PostgreSQL',
  })
  // Numbers go on where they were, from 0.
  expect(experiment_id).toBe(String((answers['experiments'] as unknown[]).length))
  const answersThere = await told(there.url)
  await stopped(there)

  const back = await orreryMigrate(home, '--to', 'sqlite:')
  expect(back.end).toBe('moved')
  expect(await verifyHome(home)).toMatchObject({ head: back.ledger.head, faults: [] })
  const again = await serverIn(home)
  expect(await told(again.url)).toEqual(answersThere)
  expect((await readdir(home)).filter((name) => name.startsWith('orrery.db.moved-'))).toHaveLength(
    1,
  )
})

test('every table that migrations make goes there and back, with whatever can be in it', async () => {
  const home = await homeOf()
  const names = fillOddly(fileIn(home))
  const url = await postgres.createDatabase()
  const there = await migrate(home, url)
  expect(there.error).toBeUndefined()
  // Whoever adds a table need not do anything for it to be moved; what is not moved is named here.
  const moved = there.tables.map(({ table }) => table)
  const own = ['lead', 'migrations', 'moves', 'replicas'].filter((name) => names.includes(name))
  expect([...moved, ...own].toSorted()).toEqual(names.toSorted())
  expect(there.tables.filter(({ rows }) => rows === 0)).toEqual([])
  const back = await migrate(home, `sqlite:${fileIn(home)}`)
  expect(back.tables).toEqual(there.tables)
  expect(back.digest).toBe(there.digest)
  for (const name of moved) expect(rowsIn(fileIn(home), name)).toEqual(rowsIn(back.setAside, name))
})

test('neither of two copies is ever used beside the other', async () => {
  const home = await homeOf()
  const url = await postgres.createDatabase()
  await migrate(home, url)
  await expect(serverIn(home, '')).rejects.toThrow(
    new RegExp(
      `${fileIn(home)} holds was moved to postgres://.*bring it back with "orrery migrate --to sqlite:`,
    ),
  )
  expect((await migrate(home, url)).error?.message).toContain('there is nothing to move')
  await migrate(home, 'sqlite:')
  await expect(serverIn(home, url)).rejects.toThrow(/holds was moved to/)
  expect((await migrate(home, url)).error?.message).toMatch(
    /still holds what was moved to .*drop schema orrery cascade/,
  )
  await postgres.run('drop schema orrery cascade', databaseIn(url))
  expect((await migrate(home, url)).end).toBe('moved')
})

test('a move that is killed while it copies leaves nothing, and the next one starts over', async () => {
  const home = await homeOf()
  const url = await postgres.createDatabase()
  await migrated(url)
  const kept = await bytesOf(fileIn(home))
  const other = await blocking(url, 'lock table orrery.runs in share mode')
  expect(await migrateKilled(home, url, () => until(() => isWaiting(postgres, url)))).toBe(true)
  await other.end()
  expect(await bytesOf(fileIn(home))).toBe(kept)
  expect(await postgres.run('select 1 from orrery.experiments', databaseIn(url))).toEqual([])
  await stopped(await serverIn(home))
  expect(await migrate(home, url)).toMatchObject({ end: 'moved' })
  expect(await verifyHome(home, { database: url })).toMatchObject({ faults: [] })

  const half = `${fileIn(home)}.moving`
  expect(await migrateKilled(home, 'sqlite:', () => until(() => existsSync(half)))).toBe(true)
  await stopped(await serverIn(home))
  expect(await migrate(home, 'sqlite:')).toMatchObject({ end: 'moved' })
  expect(existsSync(half)).toBe(false)
})

test('a copy that was finished but not put to use is used, unless the source went on meanwhile', async () => {
  const home = await homeOf()
  const url = await postgres.createDatabase()
  // Nobody can mark the source as left, so that the move is cut off just before that.
  const killed = async () => {
    const lock = new BetterSqlite(fileIn(home))
    lock.exec('begin immediate')
    await migrateKilled(home, url, () => until(() => isArriving(url)))
    lock.close()
  }
  await killed()
  await expect(serverIn(home, url)).rejects.toThrow(/whose move, of .*, was not finished/)
  const [first] = await movesIn(url)
  expect((await migrate(home, url)).id).toBe(first?.['id'])

  await postgres.run('drop schema orrery cascade', databaseIn(url))
  await asIfNeverLeft(home)
  await killed()
  const live = await serverIn(home)
  await asker(live.url)('POST', '/api/2.0/mlflow/experiments/create', { name: 'meanwhile' })
  await stopped(live)
  expect(await migrate(home, url)).toMatchObject({ end: 'moved' })
  const names = await postgres.run('select name from orrery.experiments', databaseIn(url))
  expect(names).toContainEqual({ name: 'meanwhile' })
})

test('a move that is killed after its source was left is finished by the same command', async () => {
  const home = await homeOf()
  const url = await postgres.createDatabase()
  await migrate(home, url)
  // As it is between the mark in the source and the one in the copy, and before the settings.
  await postgres.run(`update orrery.moves set state = 'arriving'`, databaseIn(url))
  await rm(join(home, 'config.yaml'))
  await expect(serverIn(home)).rejects.toThrow(
    /finish the move by giving the same "orrery migrate"/,
  )
  expect((await migrate(home, url)).end).toBe('finished')
  await stopped(await serverIn(home))
  await rm(join(home, 'config.yaml'))
  expect((await migrate(home, url)).end).toBe('finished')
  expect(loadConfig({ home }, {}).config.database).toBe(url)
})

test('killed at any moment, again and again, it ends with everything moved', async () => {
  const home = await homeOf()
  const url = await postgres.createDatabase()
  const { digest } = await orreryMigrate(home, '--to', url, '--dry-run')
  for (const afterMs of [300, 500, 700, 900, 1100]) {
    await migrateKilled(home, url, () => sleep(afterMs))
    // Whatever became of it, just one of the two can be used.
    const isMoved = loadConfig({ home }, {}).config.database !== ''
    if (isMoved) break
  }
  const last = await migrate(home, url)
  expect(last.error?.message ?? last.end).toMatch(/moved|finished|nothing to move/)
  expect(await verifyHome(home, { database: url })).toMatchObject({ faults: [] })
  const back = await migrate(home, 'sqlite:')
  expect(back.digest).toBe(digest)
})

test('what PostgreSQL cannot keep is named, row by row, before anything is copied', async () => {
  const home = await homeOf()
  const url = await postgres.createDatabase()
  change(home, (database) => {
    database.prepare(`insert into run_tags values ('a', 'nul', ?)`).run('x\0y')
    database.exec(`insert into run_tags values ('a', 'torn', cast(x'61ff' as text));
      insert into run_tags values ('a', 'whole', cast(x'61efbfbd' as text));
      insert into run_tags values ('a', cast(x'ff62' as text), 'torn key');
      insert into metric_series (series_id, run_id, key, step, at_ms, value, is_nan)
        values (77, 'a', 'k', 1.5, 0, 0, 3000000000)`)
  })
  const { error } = await migrate(home, url)
  expect(error?.code).toBe('conflict')
  expect(error?.message.split('\n  ').slice(1)).toEqual([
    'metric_series (series_id 77): step holds a fraction instead of a number',
    'run_tags (run_id "a", key "nul"): value holds the character \\0, which PostgreSQL cannot keep',
    'run_tags (run_id "a", key "torn"): value holds bytes that are no text, which PostgreSQL cannot keep',
    'run_tags (run_id "a", key "\ufffdb"): key holds bytes that are no text, which PostgreSQL cannot keep',
  ])
  expect(await schemasIn(url)).not.toContain('orrery')
})

test.each<[string, (home: string) => string | Promise<string>, RegExp]>([
  ['no place', () => 'mysql://db/x', /--to takes postgres:\/\/user.*or sqlite:FILE/],
  ['a URL with a host that is none', () => 'postgres://no.such.host.invalid/x', /not known/],
  ['nobody listening', () => 'postgres://127.0.0.1:1/x', /does not answer/],
  ['an absent database', () => postgres.url('absent'), /there is no database "absent"/],
  ['a wrong password', () => postgres.url('postgres').replace(/:[^:@]*@/, ':no@'), /password/],
  ['too few rights', () => urlOfGuest(), /too few rights.*create schema orrery authorization/],
  ['a file outside of the home', () => 'sqlite:elsewhere.db', /keeps its SQLite file in its home/],
  ['the very same', (home) => `sqlite:${fileIn(home)}`, /there is nothing to move/],
  [
    'tables of somebody else',
    () => urlWith('create table orrery.theirs (a int)'),
    /something already \(theirs\)/,
  ],
  ['an installation in use', () => urlInUse(), /a server uses the database/],
  ['another installation', () => urlOfOther(), /something already \(rows in .*drop schema/],
  ['a newer version', () => urlWith(NEWER), /was written by a newer version.*9999-later/],
])('to %s it refuses to move, and changes nothing', async (_, to, message) => {
  const home = await homeOf()
  const kept = await bytesOf(fileIn(home))
  const { error } = await migrate(home, await to(home))
  expect(error?.message).toMatch(message)
  expect(error?.message).not.toContain('real:password')
  expect(await bytesOf(fileIn(home))).toBe(kept)
  expect(existsSync(join(home, 'config.yaml'))).toBe(false)
})

const NEWER = `create table orrery.migrations (name text primary key, at_ms bigint);
  insert into orrery.migrations values ('9999-later', 0)`

test.each<[string, (home: string) => unknown, RegExp]>([
  ['is in use', (home) => serverIn(home), /another server uses .*stop it/],
  [
    'is older',
    (home) => change(home, run(`delete from migrations where name like '0024%'`)),
    /older version.*start this version on it once/,
  ],
  [
    'is newer',
    (home) => change(home, run(`insert into migrations values ('9999-later', 0)`)),
    /newer version/,
  ],
  [
    'has a table of somebody else',
    (home) => change(home, run('create table theirs (a text)')),
    /only the source has the table theirs/,
  ],
  [
    'has rows that belong to none',
    (home) => change(home, run(ORPHAN)),
    /violates foreign key.*nobody.*repair it in the source/,
  ],
  ['has another ledger', (home) => change(home, run(FORGED)), /the ledger in .* is not whole/],
  ['is no database', (home) => writeFile(fileIn(home), 'my notes'), /not a database/],
  ['is not there', (home) => rm(fileIn(home)), /holds no installation/],
  ['has no key', (home) => rm(join(home, 'keys'), { recursive: true }), /no key of a ledger/],
])('a home whose database %s is not moved', async (_, spoil, message) => {
  const home = await homeOf()
  const url = await postgres.createDatabase()
  await spoil(home)
  expect((await migrate(home, url)).error?.message).toMatch(message)
  if (await schemasIn(url).then((names) => names.includes('orrery')))
    expect(await postgres.run('select 1 from orrery.experiments', databaseIn(url))).toEqual([])
  expect(existsSync(join(home, 'config.yaml'))).toBe(false)
})

const ORPHAN = `pragma foreign_keys = off;
  insert into model_version_tags (model, version, key, value) values ('nobody', 1, 'a', 'b')`

const FORGED = `drop trigger ledger_entries_no_update;
  update ledger_entries set body = replace(body, 'asked', 'other') where position = 1`

test('a connection that is lost midway leaves the home as it was', async () => {
  const home = await homeOf()
  const url = await postgres.createDatabase()
  await migrated(url)
  const other = await blocking(url, 'lock table orrery.runs in share mode')
  const moving = migrate(home, url)
  await until(() => isWaiting(postgres, url))
  await postgres.run(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'orrery migrate'`,
  )
  const { error } = await moving
  await other.end()
  expect(error).toMatchObject({ code: 'unavailable' })
  expect(error?.message).toMatch(
    /connection to the database was lost.*give the same command again, or go on with/,
  )
  expect((await migrate(home, url)).end).toBe('moved')
})

test('a disk that is full on the way back leaves the home on PostgreSQL', async () => {
  const home = await homeOf()
  const url = await postgres.createDatabase()
  const wholeKib = Math.ceil(statSync(fileIn(home)).size / 1024)
  await migrate(home, url)
  // While the tables are made, and while the rows are written.
  for (const kib of [500, wholeKib - 64]) {
    const { error } = await migrateWithin(kib, home, 'sqlite:')
    expect(error?.message).toMatch(/disk.*go on with postgres:/)
    expect(existsSync(`${fileIn(home)}.moving`)).toBe(false)
  }
  await stopped(await serverIn(home))
  expect((await migrate(home, 'sqlite:')).end).toBe('moved')
})

/** A database as a move leaves it that has come no further than the tables. */
async function migrated(url: string): Promise<void> {
  const home = await homeOf()
  await migrate(home, url)
  const names = await postgres.run(
    `select tablename as name from pg_tables where schemaname = 'orrery' and tablename <> 'migrations'`,
    databaseIn(url),
  )
  await postgres.run(
    [
      'set session_replication_role = replica',
      ...names.map(({ name }) => `delete from orrery."${String(name)}"`),
    ].join(';'),
    databaseIn(url),
  )
}

/** Somebody in the database who holds on to what a statement of a transaction took. */
async function blocking(url: string, statement: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(`begin; ${statement}`)
  return client
}

const movesIn = (url: string) => postgres.run('select * from orrery.moves', databaseIn(url))

const isArriving = (url: string) =>
  movesIn(url).then(
    (moves) => moves.some(({ state }) => state === 'arriving'),
    () => false,
  )

async function asIfNeverLeft(home: string): Promise<void> {
  change(home, run('delete from moves'))
  await rm(join(home, 'config.yaml'))
}

const run = (statements: string) => (database: BetterSqlite.Database) => database.exec(statements)

function change(home: string, how: (database: BetterSqlite.Database) => unknown): void {
  const database = new BetterSqlite(fileIn(home))
  how(database)
  database.close()
}

async function schemasIn(url: string): Promise<unknown[]> {
  const rows = await postgres.run('select nspname from pg_namespace', databaseIn(url))
  return rows.map(({ nspname }) => nspname)
}

async function urlWith(statement: string): Promise<string> {
  const url = await postgres.createDatabase()
  await postgres.run(`create schema orrery; ${statement}`, databaseIn(url))
  return url
}

async function urlOfGuest(): Promise<string> {
  await postgres.run(`create role guest login password 'guest'`)
  const url = new URL(await postgres.createDatabase())
  url.username = 'guest'
  url.password = 'guest'
  return url.href
}

async function urlInUse(): Promise<string> {
  const url = await postgres.createDatabase()
  running.push(await startTestServer({ database: url }))
  return url
}

async function urlOfOther(): Promise<string> {
  const url = await postgres.createDatabase()
  await (await startTestServer({ database: url })).stop()
  return url
}

function rowsOf(moved: { tables: { table: string; rows: number }[] }, name: string): number {
  return moved.tables.find(({ table }) => table === name)?.rows ?? 0
}
