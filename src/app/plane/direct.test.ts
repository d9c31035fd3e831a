import { randomBytes } from 'node:crypto'
import { Agent, request as requestTo } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { randomIds } from '#base/ids'
import { Problem } from '#base/problem'
import { createListener } from './listener.ts'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step()
})

test('a request with a way of its own is answered by it, every other one by the routes', async () => {
  const { url, counted } = await open()
  const direct = await post(`${url}/direct`, 'a body')
  expect([direct.status, direct.text]).toEqual([200, 'directly: a body'])
  expect(Object.fromEntries(direct.headers)).toMatchObject({
    'content-length': '16',
    'x-content-type-options': 'nosniff',
    'x-prediction-id': 'p',
  })
  expect(counted()).toBe(1)
  expect((await post(`${url}/other`, 'b')).text).toBe('by a route')
  expect((await post(`${url}/direct`, 'c', { 'content-encoding': 'gzip' })).text).toBe('by a route')
  expect((await fetch(`${url}/direct`)).status).toBe(404)
  expect(counted()).toBe(1)
})

test('texts and bytes of any length arrive as they are', async () => {
  const { url } = await open({ bodyBytesMax: 100_000 })
  for (const length of [1, 10_000, 50_000]) {
    const bytes = randomBytes(length)
    const answer = await fetch(`${url}/direct`, { method: 'POST', body: bytes, headers: BYTES })
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true)
    const text = 'ä€𝄞'.repeat(length / 10 + 1)
    expect((await post(`${url}/direct`, text)).text).toBe(`directly: ${text}`)
  }
})

test('what fails is worded by its route, and says which prediction was made', async () => {
  const { url } = await open()
  const refused = await post(`${url}/direct`, 'fail')
  expect([refused.status, refused.text]).toEqual([418, 'worded: it failed'])
  expect(refused.headers.get('x-prediction-id')).toBe('p')
  expect(refused.headers.get('x-content-type-options')).toBe('nosniff')
})

test('other hosts and origins are refused, and a body that is too long is not read', async () => {
  const { url } = await open()
  expect((await post(`${url}/direct`, 'a', { origin: 'http://evil.example' })).status).toBe(418)
  expect((await post(`${url}/direct`, 'x'.repeat(2000))).text).toContain('worded')
})

test('what no protocol has a place for is told where predictions are asked for', async () => {
  const { url } = await open()
  const stray = await post(`${url}/nowhere?x=1`, 'a')
  expect([stray.status, JSON.parse(stray.text)]).toEqual([
    404,
    { error: expect.stringMatching(/^there is nothing at POST \/nowhere; ask .*\/v2\/models/) },
  ])
  const foreign = await post(`${url}/nowhere`, 'a', { origin: 'http://evil.example' })
  expect([foreign.status, JSON.parse(foreign.text)]).toEqual([
    403,
    { error: expect.stringContaining('evil.example') },
  ])
})

test('requests that come at once over one connection are answered in their order, in pieces or not', async () => {
  const { port } = await open()
  const request = (body: string, path = '/direct') =>
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  const all = request('slow') + request('fail') + request('b', '/other') + request('c')
  const socket = connect(port, '127.0.0.1')
  let read = ''
  socket.setEncoding('utf8').on('data', (text: string) => (read += text))
  for (const piece of all.match(/[^]{1,40}/g) ?? []) {
    socket.write(piece)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await expect.poll(() => read).toContain('directly: c')
  socket.destroy()
  expect(read.match(/directly: (?:slow|c)|worded|by a route/g)).toEqual([
    'directly: slow',
    'worded',
    'by a route',
    'directly: c',
  ])
})

test('bodies that together are more than may be held are refused, and let in when there is room', async () => {
  const { port, url } = await open({ bodyBytesMax: 80_000, servingInflightBytes: 100_000 })
  const large = 'x'.repeat(60_000)
  const half = connect(port, '127.0.0.1')
  half.write(
    `POST /direct HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${large.length}\r\n\r\nxx`,
  )
  const refused = await vi.waitUntil(async () => {
    const answer = await post(`${url}/direct`, large)
    return answer.status === 503 ? answer : undefined
  })
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(JSON.parse(refused.text)).toMatchObject({ error: expect.stringContaining('try again') })
  expect((await post(`${url}/other`, large)).status).toBe(503)
  expect((await post(`${url}/direct`, large, { 'content-encoding': 'gzip' })).status).toBe(503)
  expect((await post(`${url}/direct`, 'small')).status).toBe(200)
  half.destroy()
  await expect.poll(async () => (await post(`${url}/direct`, large)).status).toBe(200)
})

test('what comes while it closes is refused at once, and what came before is answered', async () => {
  const { port, http } = await open()
  const request = (body: string) =>
    `POST /direct HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  const [busy, other] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  const read = { busy: '', other: '' }
  busy.setEncoding('utf8').on('data', (text: string) => (read.busy += text))
  other.setEncoding('utf8').on('data', (text: string) => (read.other += text))
  // A request whose body is not whole keeps its connection open while others are closed.
  const late = request('late')
  other.write(request('a'))
  await expect.poll(() => read.other).toContain('directly: a')
  busy.write(request('slow').slice(0, -2))
  other.write(late.slice(0, 10))
  await new Promise((resolve) => setTimeout(resolve, 50))
  const closed = http.close()
  await new Promise((resolve) => setTimeout(resolve, 10))
  busy.write('ow')
  other.write(late.slice(10))
  await closed
  await expect.poll(() => read.busy).toContain('directly: slow')
  await expect.poll(() => read.other).toMatch(/503 [^]*retry-after: 1[^]*stopping/i)
})

test('what a request held is let go by the next look at what is young', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void
  const oldBytes = () =>
    getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')
      ?.space_used_size ?? 0
  const { port } = await open()
  await ask(port, 500)
  collect({ type: 'major' })
  const before = oldBytes()
  for (let round = 0; round < 20; round++) {
    await ask(port, 100)
    collect({ type: 'minor' })
  }
  // The headers alone of all that were answered have 16 MB.
  expect(oldBytes() - before).toBeLessThan(6e6)
})

/** Asks so often, one after the other over one connection, for an answer with large headers. */
async function ask(port: number, times: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let asked = 0; asked < times; asked++)
    await new Promise<void>((resolve, reject) => {
      const call = requestTo({ port, path: '/direct', method: 'POST', agent }, (answer) => {
        answer.resume().once('end', resolve)
      })
      call.once('error', reject)
      call.end('large')
    })
  agent.destroy()
}

async function open(
  limits: { bodyBytesMax: number; servingInflightBytes?: number } = { bodyBytesMax: 1000 },
) {
  const logger = pino({ level: 'silent' })
  const { http, answerDirectly } = createListener({
    logger,
    ids: randomIds,
    ...limits,
    allowedHosts: '',
  })
  await http.register(async (app) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, async () => undefined)
    app.setErrorHandler((error: Error, _, reply) =>
      reply.code(418).send(`worded: ${error.message}`),
    )
    for (const path of ['/direct', '/other']) app.post(path, async () => 'by a route')
  })
  let count = 0
  answerDirectly(
    [
      (path, sent) =>
        path !== '/direct'
          ? undefined
          : async ({ body, onAnswer }) => {
              onAnswer({ 'x-prediction-id': 'p' })
              if (body.toString() === 'large')
                onAnswer({ 'x-large': randomBytes(4000).toString('hex') })
              if (body.toString() === 'fail') throw new Problem('invalid', 'it failed')
              if (body.toString() === 'slow')
                await new Promise((resolve) => setTimeout(resolve, 30))
              if (sent['content-type'] === BYTES['content-type']) return { headers: BYTES, body }
              return {
                headers: { 'content-type': 'text/plain' },
                body: `directly: ${body.toString()}`,
              }
            },
    ],
    () => (count += 1),
  )
  await http.listen({ host: '127.0.0.1', port: 0 })
  undo.push(() => http.close())
  const { port } = http.server.address() as AddressInfo
  return { http, port, url: `http://127.0.0.1:${port}`, counted: () => count }
}

const BYTES = { 'content-type': 'application/octet-stream' }

async function post(url: string, body: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { method: 'POST', body, headers })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}
