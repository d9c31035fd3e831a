import { connect, type AddressInfo } from 'node:net'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
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

async function open() {
  const logger = pino({ level: 'silent' })
  const { http, answerDirectly } = createListener({
    logger,
    ids: randomIds,
    bodyBytesMax: 1000,
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
          : async ({ body, onAnswer }) => {
              onAnswer({ 'x-prediction-id': 'p' })
              if (body.toString() === 'fail') throw new Problem('invalid', 'it failed')
              if (body.toString() === 'slow')
                await new Promise((resolve) => setTimeout(resolve, 30))
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
  return { port, url: `http://127.0.0.1:${port}`, counted: () => count }
}

async function post(url: string, body: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { method: 'POST', body, headers })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}
