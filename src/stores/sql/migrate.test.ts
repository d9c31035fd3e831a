import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { manualClock, systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { openSqlStore } from './index.ts'
import type { Migration } from './migrate.ts'
import { kyselyOn, migrateFile, openReader, openWriter, type Connection } from './sqlite.ts'

const open: Connection[] = []

afterEach(() => {
  for (const connection of open.splice(0)) connection.close()
})

const newFile = async () => join(await mkdtemp(join(tmpdir(), 'orrery-migrate-')), 'orrery.db')

const adding = (name: string, table: string): Migration => ({
  name,
  up: async (db) => {
    await db.schema.createTable(table).addColumn('id', 'integer').execute()
  },
})
const FIRST = adding('0001-first', 'firsts')
const SECOND = adding('0002-second', 'seconds')
const BROKEN: Migration = {
  name: '0002-broken',
  up: async (db) => {
    await SECOND.up(db)
    throw new Error('no')
  },
}

async function migrated(file: string, migrations: readonly Migration[]): Promise<string[]> {
  const connection = openWriter(file)
  try {
    const db = kyselyOn<unknown>(connection)
    return await migrateFile({ connection, db, file, clock: manualClock() }, migrations)
  } finally {
    connection.close()
  }
}

const tables = (file: string) => {
  const connection = openReader(file)
  open.push(connection)
  const names = connection.prepare("select name from sqlite_master where type = 'table'").pluck()
  return (names.all() as string[]).toSorted()
}

test('each step is taken once, in order', async () => {
  const file = await newFile()
  expect(await migrated(file, [FIRST])).toEqual(['0001-first'])
  expect(await migrated(file, [FIRST, SECOND])).toEqual(['0002-second'])
  expect(await migrated(file, [FIRST, SECOND])).toEqual([])
  expect(tables(file)).toEqual(['firsts', 'migrations', 'seconds'])
})

test('a database that holds something is copied before it is changed, a new one is not', async () => {
  const file = await newFile()
  await migrated(file, [FIRST])
  expect(readdirSync(dirname(file))).toEqual(['orrery.db'])
  const writer = openWriter(file)
  writer.exec('insert into firsts values (42)')
  writer.close()
  await migrated(file, [FIRST, SECOND])
  const copy = `${file}.before-0002-second`
  expect(tables(copy)).toEqual(['firsts', 'migrations'])
  expect(openReader(copy).prepare('select id from firsts').pluck().all()).toEqual([42])
})

test('a step that fails leaves the database as it was, and can be tried again', async () => {
  const file = await newFile()
  await migrated(file, [FIRST])
  await expect(migrated(file, [FIRST, BROKEN])).rejects.toThrow('no')
  expect(tables(file)).toEqual(['firsts', 'migrations'])
  await expect(migrated(file, [FIRST, BROKEN])).rejects.toThrow('no')
  expect(await migrated(file, [FIRST, { ...SECOND, name: '0002-broken' }])).toEqual(['0002-broken'])
})

test('a copy that was cut short by a crash is made anew, and a whole one is kept', async () => {
  const file = await newFile()
  await migrated(file, [FIRST])
  const copy = `${file}.before-0002-broken`
  writeFileSync(`${copy}.half`, 'SQLite form')
  await expect(migrated(file, [FIRST, BROKEN])).rejects.toThrow('no')
  expect(tables(copy)).toEqual(['firsts', 'migrations'])
  expect(existsSync(`${copy}.half`)).toBe(false)
})

test('a database of a newer version is refused and left alone', async () => {
  const file = await newFile()
  await migrated(file, [FIRST, SECOND])
  await expect(migrated(file, [FIRST])).rejects.toMatchObject({
    code: 'conflict',
    message: `${file} was written by a newer version of Orrery (it has 0002-second); start that version or restore a backup`,
  })
  const writer = openWriter(file)
  writer.exec("insert into migrations values ('9999-future', 0)")
  writer.close()
})

test('the store refuses a database of a newer version, and a store that is closed takes no more', async () => {
  const file = await newFile()
  const world = { clock: systemClock, ids: randomIds }
  const store = await openSqlStore(file, world)
  const late = store.transact(({ ledger }) => ledger.size())
  const closing = store.close()
  await expect(store.transact(({ ledger }) => ledger.size())).rejects.toMatchObject({
    code: 'unavailable',
    message: 'the server is stopping; try again',
  })
  await closing
  expect(await late).toBe(0)

  const writer = openWriter(file)
  writer.exec("insert into migrations values ('9999-future', 0)")
  writer.close()
  await expect(openSqlStore(file, world)).rejects.toMatchObject({ code: 'conflict' })
})

test('every step of this version can be taken one release after the other', async () => {
  const { migrations } = await import('./migrations/index.ts')
  const [together, apart] = [await newFile(), await newFile()]
  await migrated(together, migrations)
  for (const [index] of migrations.entries()) await migrated(apart, migrations.slice(0, index + 1))
  expect(tables(apart)).toEqual(tables(together))
  expect(new Set(migrations.map((migration) => migration.name)).size).toBe(migrations.length)
})
