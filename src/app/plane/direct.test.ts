import { connect, type AddressInfo } from 'node:net'
import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { randomIds } from '#base/ids'
import { Problem } from '#base/problem'
import { createListener } from './listener.ts'

let gone = 0
let asleep = 0
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

/** Requests over one connection in these pieces, and all that is answered until it says this. */
async function exchange(port: number, pieces: readonly string[], until: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let read = ''
  socket.setEncoding('utf8').on('data', (text: string) => (read += text))
  socket.on('error', () => undefined)
  // Or what is written before would come in one piece.
  await new Promise((resolve) => socket.once('connect', resolve))
  for (const piece of pieces) {
    socket.write(piece)
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
  await expect.poll(() => read).toContain(until)
  socket.destroy()
  return read
}

const plain = (body: string, head = '') =>
  `POST /direct HTTP/1.1\r\nhost: 127.0.0.1\r\n${head}content-length: ${body.length}\r\n\r\n${body}`

test('one connection is read in every mixture of whole requests, pieces, failures and routes, each answered once and in order', async () => {
  const { port } = await open()
  const bodies = ['one', 'slow', 'two', 'fail', 'three', 'four']
  const answers = ['one', 'slow', 'two'].map((body) => `directly: ${body}`)
  const all = [...answers, 'worded', 'directly: three', 'directly: four']
  const requests = bodies.map((body) => plain(body))
  const text = requests.join('')
  const ways = [requests, [text], [text.slice(0, 130), text.slice(130)], [text.slice(0, -3), 'our']]
  for (const pieces of ways) {
    const read = await exchange(port, pieces, 'directly: four')
    expect(read.match(/directly: [a-z]+|worded/g)).toEqual(all)
    expect(read.match(/HTTP\/1\.1 /g)).toHaveLength(bodies.length)
  }
})

test('what might be read in two ways is read in one: the way of Node', async () => {
  const { port, counted } = await open()
  const odd: [string, string][] = [
    [plain('a', 'transfer-encoding: chunked\r\n'), '400'],
    [plain('a', 'content-length: 7\r\n'), '400'],
    [plain('a', 'x: a\r\n folded\r\n'), 'HTTP/1.1'],
    [plain('a', 'x : a\r\n'), '400'],
    [plain('a', 'host: evil.example\r\n'), '418'],
    [plain('a').replace('127.0.0.1', 'evil.example'), '418'],
    [plain('a').replace('content-length: 1', 'content-length: +1'), '400'],
    [plain('a').replace('content-length: 1', 'content-length: 1, 1'), '400'],
    [plain('a').replace('HTTP/1.1\r\nhost', 'HTTP/1.1\nhost'), '400'],
    [plain('a').replace('host: 127.0.0.1\r\n', ''), '400'],
    [plain('a', 'expect: 100-continue\r\n'), '100 Continue'],
    [plain('a', 'connection: close\r\n'), 'directly: a'],
    [`GET /direct HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n`, '404'],
    ['\x16\x03\x01 what is no HTTP\r\n\r\n', '400'],
  ]
  for (const [request, answer] of odd)
    expect(await exchange(port, [request], answer)).toContain(answer)
  // The last request is one of the plain ones: nothing has hurt the server.
  expect(await exchange(port, [plain('end')], 'directly: end')).toContain('keep-alive: timeout=')
  expect(counted()).toBeLessThan(odd.length)
})

test('a caller that sends without reading is not read beyond what fits', async () => {
  const { port, counted } = await open({ bodyBytesMax: 80_000 })
  const socket = connect(port, '127.0.0.1').pause()
  const large = plain('x'.repeat(15_000))
  const sent = 1000
  for (let n = 0; n < sent; n++) socket.write(large)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(counted()).toBeLessThan(sent)
  let answers = 0
  socket.setEncoding('latin1').on('data', (text: string) => {
    answers += text.split('directly: ').length - 1
  })
  socket.resume()
  await expect.poll(() => answers, { timeout: 20_000 }).toBeGreaterThanOrEqual(sent - 20)
  await expect.poll(counted).toBe(sent)
  socket.destroy()
})

test('a connection that idles is closed, one that is being answered is not, and a caller that has gone is told of', async () => {
  const { port, http } = await open()
  http.server.keepAliveTimeout = 60
  const socket = connect(port, '127.0.0.1')
  let read = ''
  socket.setEncoding('utf8').on('data', (text: string) => (read += text))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(plain('sleep'))
  await expect.poll(() => read).toContain('directly: sleep')
  await closed
  const leaving = connect(port, '127.0.0.1')
  leaving.write(plain('wait'))
  await new Promise((resolve) => setTimeout(resolve, 30))
  leaving.destroy()
  await expect.poll(() => gone).toBe(1)
})

test('a stop closes connections that idle, and lets those that are answered end', async () => {
  const { port, http } = await open()
  const [idle, busy] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  const idleClosed = new Promise((resolve) => idle.once('close', resolve))
  const read = { idle: '', busy: '' }
  idle.setEncoding('utf8').on('data', (text: string) => (read.idle += text))
  busy.setEncoding('utf8').on('data', (text: string) => (read.busy += text))
  idle.write(plain('a'))
  await expect.poll(() => read.idle).toContain('directly: a')
  const before = asleep
  busy.write(plain('sleep'))
  await vi.waitUntil(() => asleep > before, { interval: 5 })
  await http.close()
  await idleClosed
  await expect.poll(() => read.busy).toMatch(/connection: close[^]*directly: sleep/)
})

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
      (path) =>
        path !== '/direct'
          ? undefined
          : async (call) => {
              const { body, onAnswer } = call
              onAnswer({ 'x-prediction-id': 'p' })
              if (body.toString() === 'fail') throw new Problem('invalid', 'it failed')
              if (body.toString() === 'slow')
                await new Promise((resolve) => setTimeout(resolve, 30))
              if (body.toString() === 'sleep') asleep += 1
              if (body.toString() === 'sleep')
                await new Promise((resolve) => setTimeout(resolve, 150))
              if (body.toString() === 'wait')
                await new Promise((resolve) => call.gone.addEventListener('abort', resolve))
              if (body.toString() === 'wait') gone += 1
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

async function post(url: string, body: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { method: 'POST', body, headers })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}
