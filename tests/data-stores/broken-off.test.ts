import Fastify, { type FastifyInstance } from 'fastify'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { createDataStores, type DataStores } from '#datastores'
import { dvcRemoteProtocol } from '#protocols/dvc-remote/index'
import { treeReader } from '#protocols/dvc/tree-stream'
import { legacyDigest } from '#stores/dvc/legacy-hash'
import { openLocalObjects } from '#stores/objects/local'
import { openSqlStore, type SqlStore } from '#stores/sql/index'
import { keyOf, md5Of } from './support.ts'

const USER = { kind: 'user', id: 'test' } as const
let folder: string
let store: SqlStore
let http: FastifyInstance
let datastores: DataStores

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-broken-off-'))
  const world = { clock: systemClock, ids: randomIds }
  store = await openSqlStore(join(folder, 'orrery.db'), world)
  datastores = createDataStores({
    ...world,
    read: store.read.datastores,
    transact: store.transact,
    objects: await openLocalObjects(join(folder, 'objects')),
    formats: { legacyHash: legacyDigest, listReader: treeReader },
  })
  http = Fastify({ forceCloseConnections: true })
  await http.register((app) => dvcRemoteProtocol(app, { datastores, uploadSilenceMs: 200 }))
  await http.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await http.close()
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

/** Sends the beginning of an upload of ten bytes, and resolves when the connection is over. */
function begun(name: string, then: 'rests' | 'leaves'): Promise<void> {
  const { port } = http.server.address() as AddressInfo
  const head = [
    `PUT /dvc/${name}/${keyOf(md5Of('0123456789'))} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-length: 10',
  ]
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.resume()
    socket.write(`${head.join('\r\n')}\r\n\r\n012`, () => {
      if (then === 'leaves') setTimeout(() => socket.destroy(), 50)
    })
  })
}

test('an upload that rests or whose sender leaves is broken off, and nothing of it is kept', async () => {
  await datastores.create(USER, { name: 'team', access: 'open', quotaBytes: null })
  for (const then of ['leaves', 'rests'] as const) await begun('team', then)
  const incoming = join(folder, 'objects', 'incoming')
  for (let looks = 0; looks < 100 && (await readdir(incoming)).length > 0; looks++) await sleep(20)
  expect(await readdir(join(folder, 'objects'), { recursive: true })).toEqual(['incoming'])
  expect(await datastores.get('team')).toMatchObject({ usedBytes: 0, objects: 0 })
})

test('an upload that ends after its store was deleted is refused, also when another has the name', async () => {
  const one = await datastores.create(USER, { name: 'passing', access: 'open', quotaBytes: null })
  const gate = Promise.withResolvers<void>()
  async function* bytes() {
    yield Buffer.from('la')
    await gate.promise
    yield Buffer.from('te')
  }
  const put = datastores.putObject(one, keyOf(md5Of('late')), {
    bytes: bytes(),
    sizeBytes: undefined,
  })
  await datastores.delete(USER, 'passing')
  await datastores.create(USER, { name: 'passing', access: 'open', quotaBytes: null })
  gate.resolve()
  await expect(put).rejects.toThrow(/no data store passing/)
  expect(await datastores.get('passing')).toMatchObject({ objects: 0 })
})
