import { mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { loadConfig } from '../settings/config.ts'
import { runningServer, takeHome } from './home.ts'
import { findLedgerKey, ledgerKey } from './keys.ts'
import { startServer, type Server } from '../server.ts'

const stopping: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const stop of stopping.splice(0).toReversed()) await stop()
})

const newHome = () => mkdtemp(join(tmpdir(), 'orrery-home-'))

async function start(home: string, port = 0): Promise<Server> {
  const { config } = loadConfig({ home, port, logLevel: 'silent' }, {})
  const server = await startServer(config, { logger: pino({ level: 'silent' }) })
  stopping.push(server.stop)
  return server
}

test('a home has one server at a time, and the next is told where the first one is', async () => {
  const home = await newHome()
  const { url, stop } = await start(home)
  expect(await runningServer(home)).toEqual({ pid: process.pid, url })
  await expect(start(home)).rejects.toMatchObject({
    code: 'conflict',
    message: `another server uses ${home} (process ${process.pid}, ${url}); stop it or choose another --home`,
  })
  await stop()
  expect(await runningServer(home)).toBeUndefined()
  await start(home)
})

test('a server that cannot start gives its home back', async () => {
  const home = await newHome()
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  stopping.push(async () => other.close())
  const { port } = other.address() as AddressInfo
  await expect(start(home, port)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('choose another --port, or 0 for a free one'),
  })
  await start(home)
})

test('a home that cannot be made is refused', async () => {
  const file = join(await newHome(), 'file')
  await writeFile(file, '')
  await expect(takeHome(join(file, 'home'))).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('cannot be written (ENOTDIR'),
  })
})

test('a database file that is none is refused and left as it is', async () => {
  const home = await newHome()
  await writeFile(join(home, 'orrery.db'), 'my own notes')
  await expect(start(home)).rejects.toMatchObject({
    code: 'conflict',
    message: `${join(home, 'orrery.db')} is not a database; restore it from a backup or choose another --home`,
  })
  expect(await readdir(home)).toContain('orrery.db')
})

test("the ledger's key is made once, whole, for its owner alone", async () => {
  const home = await newHome()
  const keys = join(home, 'keys')
  expect(await findLedgerKey(keys)).toBeUndefined()
  const key = await ledgerKey(keys)
  expect((await ledgerKey(keys)).equals(key)).toBe(true)
  expect(await readdir(join(home, 'keys'))).toEqual(['ledger.pem'])
  await writeFile(join(home, 'keys', 'ledger.pem'), '-----BEGIN')
  await expect(ledgerKey(keys)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('is not a private key; restore it from a backup'),
  })
})

test('servers that start at once on one folder of keys have one key', async () => {
  const keys = join(await newHome(), 'keys')
  const made = await Promise.all([ledgerKey(keys), ledgerKey(keys), ledgerKey(keys)])
  for (const key of made) expect(key.equals(made[0])).toBe(true)
  expect(await readdir(keys)).toEqual(['ledger.pem'])
})

test('a home keeps its name for as long as it exists', async () => {
  const home = await newHome()
  const first = await takeHome(home)
  await first.release()
  const second = await takeHome(home)
  await second.release()
  expect(second.id).toBe(first.id)
})
