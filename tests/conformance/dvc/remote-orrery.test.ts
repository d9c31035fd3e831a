import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as askHttp, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiOf, keyOf, madeStore, md5Of, type Made } from '../../data-stores/support.ts'
import { freePort, spawnServer, type ServerProcess } from '../../support/process.ts'
import { emptied, exchanged, projectWith, setRemote } from './remotes-support.ts'
import { ours } from './support.ts'

let home: string
let port: number
// A process of its own, because the helper that runs dvc holds this one up.
let server: ServerProcess

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-remote-'))
  port = await freePort()
  server = await spawnServer({ home, port })
})
afterAll(async () => {
  await server.family.end()
  await rm(home, { recursive: true, force: true })
})

const basic = ({ url }: Made, password: string) => ({ url, auth: 'basic', user: 'ada', password })

test('dvc and orrery share data over an Orrery server, by login and by header', async () => {
  const store = await madeStore(server.url, 'shared')
  const first = basic(store, store.write)
  const second = {
    ...(await madeStore(server.url, 'other').then(({ url, write }) => ({ url, password: write }))),
    method: 'PUT',
    auth: 'custom',
    custom_auth_header: 'X-Orrery-Token',
  }
  expect(await exchanged({ first, second })).toEqual([])
  const used = await apiOf(server.url)<{ objects: number }>('GET', '/data-stores/shared')
  expect(used.objects).toBe(5)
})

test('who may only read pulls and does not push, and a wrong token opens nothing, with either tool', async () => {
  const store = await madeStore(server.url, 'guarded')
  const box = projectWith(basic(store, store.read))
  try {
    expect(() => box.dvc('push')).toThrow(/403|[Ff]orbidden|failed to push/)
    const refused = await ours(box).data.push()
    expect(refused.objects).toBe(0)
    expect(JSON.stringify(refused.failed)).toContain('may only read')
    setRemote(box, basic(store, store.write))
    box.dvc('push', '-q')
    setRemote(box, basic(store, store.read))
    emptied(box)
    box.dvc('pull', '-q')
    expect(box.dvc('status', '-c')).toContain('in sync')
    setRemote(box, basic(store, 'wrong'))
    expect(() => box.dvc('push')).toThrow(/401|[Uu]nauthorized|failed/)
    await expect(ours(box).data.push()).rejects.toThrow(/401/)
  } finally {
    box.remove()
  }
})

test('a push over the quota says so and keeps what fits, and the folder that misses a file is not there', async () => {
  const store = await madeStore(server.url, 'small', { quotaBytes: 100_000 })
  const box = projectWith(basic(store, store.write))
  try {
    const pushed = await ours(box).data.push()
    expect(pushed.objects).toBe(4)
    expect(JSON.stringify(pushed.failed)).toContain('more do not fit')
    expect(() => box.dvc('push')).toThrow(/507|failed to push/)
    const used = await apiOf(server.url)<{ objects: number }>('GET', '/data-stores/small')
    expect(used.objects).toBe(4)
  } finally {
    box.remove()
  }
})

test('a push asks for many objects at once', async () => {
  const store = await madeStore(server.url, 'many')
  const counted = await startCounting(server.url)
  const box = projectWith(basic({ ...store, url: `${counted.url}/dvc/many` }, store.write))
  try {
    for (let file = 0; file < 60; file++) box.write(`data/${file}.txt`, `file ${file}\n`)
    await ours(box).data.add(['data'])
    expect((await ours(box).data.push()).failed).toEqual([])
    const sent = counted.take()
    expect(sent.filter((line) => line.startsWith('HEAD')).length).toBeLessThan(6)
    expect(sent.filter((line) => line.endsWith('/present')).length).toBeLessThan(6)
    box.write('data/60.txt', 'one more\n')
    await ours(box).data.add(['data'])
    await ours(box).data.push()
    expect(counted.take().length).toBeLessThan(12)
  } finally {
    box.remove()
    await counted.stop()
  }
})

test('what was acknowledged is there after the server was killed in the midst of a push', async () => {
  const store = await madeStore(server.url, 'killed')
  const headers = { authorization: `Bearer ${store.write}` }
  const bodies = Array.from({ length: 200 }, (_, at) => Buffer.alloc(20_000, `${at} `))
  const acknowledged: string[] = []
  let next = 0
  const sender = async () => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
      const key = keyOf(md5Of(body))
      const url = `${store.url}/${key}`
      const answer = await fetch(url, { method: 'PUT', headers, body: new Uint8Array(body) })
      if (answer.status === 201) acknowledged.push(key)
      if (acknowledged.length === 40) await server.kill()
    }
  }
  await Promise.allSettled(Array.from({ length: 4 }, sender))
  expect(acknowledged.length).toBeGreaterThanOrEqual(40)
  expect(acknowledged.length).toBeLessThan(bodies.length)
  server = await spawnServer({ home, port })
  for (const key of acknowledged) {
    const answer = await fetch(`${store.url}/${key}`, { headers })
    expect([answer.status, keyOf(md5Of(Buffer.from(await answer.arrayBuffer())))]).toEqual([
      200,
      key,
    ])
  }
  const listed = await fetch(store.url, { headers })
  const { objects } = (await listed.json()) as { objects: { sizeBytes: number }[] }
  const used = await apiOf(server.url)<{ usedBytes: number }>('GET', '/data-stores/killed')
  expect(used.usedBytes).toBe(objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
})

/** Passes requests on to the server and remembers each. */
async function startCounting(target: string) {
  let lines: string[] = []
  const proxy: Server = createServer((asked, answer) => {
    lines.push(`${asked.method} ${asked.url}`)
    const { method, headers } = asked
    const passed = askHttp(new URL(asked.url ?? '', target), { method, headers }, (came) => {
      answer.writeHead(came.statusCode ?? 502, came.headers)
      came.pipe(answer)
    })
    passed.on('error', () => answer.destroy())
    asked.pipe(passed)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    take: () => {
      const taken = lines
      lines = []
      return taken
    },
    stop: async () => {
      proxy.closeAllConnections()
      await new Promise((resolve) => proxy.close(resolve))
    },
  }
}
