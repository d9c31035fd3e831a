import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { groupCommit } from './group-commit.ts'
import { boundariesOf, openReader, openWriter, type Connection } from './sqlite.ts'

const open: Connection[] = []

afterEach(() => {
  for (const connection of open.splice(0)) connection.close()
})

async function opened() {
  const file = join(await mkdtemp(join(tmpdir(), 'orrery-group-')), 'orrery.db')
  const writer = openWriter(file)
  writer.exec('create table notes (text text not null)')
  const reader = openReader(file)
  open.push(writer, reader)
  const begun: string[] = []
  const spied = new Proxy(writer, {
    get: (connection, name) => {
      if (name === 'exec')
        return (sql: string) => {
          begun.push(sql)
          return connection.exec(sql)
        }
      const value: unknown = Reflect.get(connection, name)
      return typeof value === 'function' ? value.bind(connection) : value
    },
  })
  let commits = 0
  const { transact, drained } = groupCommit(boundariesOf(spied), () => (commits += 1))
  const insert = writer.prepare('insert into notes values (?)')
  const write = (text: string, then?: () => Promise<void> | void) =>
    transact(async () => {
      insert.run(text)
      await then?.()
      return text
    })
  const notes = () => reader.prepare('select text from notes').pluck().all() as string[]
  return { writer, transact, drained, write, notes, begun, commits: () => commits }
}

const fails = () => {
  throw new Error('changed my mind')
}

test('writers that come together share one commit, and each is answered with its own value', async () => {
  const { write, notes, begun, commits } = await opened()
  const texts = Array.from({ length: 64 }, (_, n) => `n${n}`)
  expect(await Promise.all(texts.map((text) => write(text)))).toEqual(texts)
  expect(notes()).toEqual(texts)
  expect(begun.filter((sql) => sql === 'commit')).toHaveLength(1)
  expect(commits()).toBe(1)
})

test('one that fails is undone alone', async () => {
  const { write, notes, transact } = await opened()
  const results = await Promise.allSettled([
    write('a'),
    write('b', fails),
    write('c'),
    transact(async () => fails()),
    write('d'),
  ])
  expect(results.map((each) => each.status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'rejected',
    'fulfilled',
  ])
  expect(notes()).toEqual(['a', 'c', 'd'])
})

test('nobody is answered before the commit is durable', async () => {
  const { write, notes, begun } = await opened()
  let answered = 0
  const answers = ['a', 'b', 'c'].map(async (text) => {
    await write(text)
    answered += 1
    expect(begun.at(-1)).toBe('commit')
    expect(notes()).toHaveLength(3)
  })
  await Promise.all(answers)
  expect(answered).toBe(3)
})

test('those who come while a commit is under way share the next one', async () => {
  const { write, notes, begun } = await opened()
  const [began, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const first = write('first', () => {
    began.resolve()
    return goOn.promise
  })
  await began.promise
  const later = [write('x'), write('y')]
  goOn.resolve()
  await first
  await Promise.all(later)
  expect(notes()).toEqual(['first', 'x', 'y'])
  expect(begun.filter((sql) => sql === 'commit')).toHaveLength(2)
})

test('a disk that is full rejects everybody of the commit, keeps nothing of it, and heals', async () => {
  const { writer, write, notes } = await opened()
  await write('before')
  const pages = writer.pragma('page_count', { simple: true }) as number
  writer.pragma(`max_page_count = ${pages + 2}`)
  const results = await Promise.allSettled([
    write('a'),
    write('x'.repeat(100_000)),
    write('b'),
    write('c'),
  ])
  const kept = notes()
  for (const [index, text] of ['a', 'x'.repeat(100_000), 'b', 'c'].entries())
    expect(kept.includes(text)).toBe(results[index]?.status === 'fulfilled')
  expect(results[1]).toMatchObject({ status: 'rejected', reason: { code: 'SQLITE_FULL' } })
  expect(writer.inTransaction).toBe(false)
  writer.pragma('max_page_count = 1000000')
  await write('after')
  expect(notes()).toContain('after')
})

test('a commit that fails rejects all of its group and the next one is not touched by it', async () => {
  const { writer, write, notes } = await opened()
  writer.exec(`create table parents (id integer primary key);
    create table children (parent integer references parents(id) deferrable initially deferred)`)
  const results = await Promise.allSettled([
    write('a'),
    write('b', () => void writer.exec('insert into children values (1)')),
    write('c'),
  ])
  expect(results.map((each) => each.status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(notes()).toEqual([])
  await write('d')
  expect(notes()).toEqual(['d'])
})

test('a work that ends the transaction under the others takes them with it, and says so', async () => {
  const { writer, write, notes } = await opened()
  const results = await Promise.allSettled([
    write('a'),
    write('b', () => void writer.exec('rollback')),
    write('c'),
  ])
  expect(results.map((each) => each.status)).toEqual(['rejected', 'rejected', 'rejected'])
  await write('d')
  expect(notes()).toEqual(['d'])
})

test('a transaction inside a transaction is refused at once instead of waiting for ever', async () => {
  const { write, notes } = await opened()
  await expect(write('outer', async () => void (await write('inner')))).rejects.toThrow(
    'never begun inside another one',
  )
  await write('next')
  expect(notes()).toEqual(['next'])
})

test('what was begun is over when it has drained', async () => {
  const { write, drained, notes } = await opened()
  const answers = [write('a'), write('b')]
  await drained()
  expect(notes()).toEqual(['a', 'b'])
  await Promise.all(answers)
})
