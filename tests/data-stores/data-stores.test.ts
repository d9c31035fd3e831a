import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestServer } from '../support/server.ts'
import { apiOf, bearer, keyOf, madeStore, md5Of, newServer, type Made } from './support.ts'

let server: TestServer
beforeAll(async () => {
  server = await newServer()
})
afterAll(() => server.stop())

async function sent(
  method: string,
  address: string,
  { token, body, headers }: { token?: string; body?: Buffer | string; headers?: object } = {},
) {
  const answer = await fetch(address, {
    method,
    headers: { ...(token === undefined ? {} : bearer(token)), ...headers },
    ...(body === undefined ? {} : { body: new Uint8Array(Buffer.from(body)) }),
  })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

async function put(store: Made, body: Buffer | string, key = keyOf(md5Of(body))) {
  const answer = await sent('PUT', `${store.url}/${key}`, { token: store.write, body })
  return { ...answer, key }
}

const usage = (name: string) =>
  apiOf(server.url)<{ usedBytes: number; objects: number }>('GET', `/data-stores/${name}`)

test('an object that was sent is found, read whole and in part, listed and removed', async () => {
  const store = await madeStore(server.url, 'whole')
  const { status, key } = await put(store, 'some bytes')
  expect(status).toBe(201)
  expect((await put(store, 'some bytes')).status).toBe(200)
  expect(await usage('whole')).toMatchObject({ usedBytes: 10, objects: 1 })

  const at = `${store.url}/${key}`
  const head = await sent('HEAD', at, { token: store.read })
  expect([head.status, head.headers.get('content-length'), head.text]).toEqual([200, '10', ''])
  expect(head.headers.get('x-orrery-remote')).toBe('1')
  const whole = await sent('GET', at, { token: store.read })
  expect(whole.text).toBe('some bytes')
  const etag = whole.headers.get('etag') ?? ''
  const again = { token: store.read, headers: { 'if-none-match': etag } }
  expect((await sent('GET', at, again)).status).toBe(304)
  const part = await sent('GET', at, { token: store.read, headers: { range: 'bytes=5-' } })
  expect([part.status, part.text, part.headers.get('content-range')]).toEqual([
    206,
    'bytes',
    'bytes 5-9/10',
  ])
  const beyond = await sent('GET', at, { token: store.read, headers: { range: 'bytes=10-' } })
  expect(beyond.status).toBe(416)
  const absent = await sent('HEAD', `${store.url}/${keyOf('0'.repeat(32))}`, { token: store.read })
  expect([absent.status, absent.headers.get('x-orrery-problem')]).toEqual([404, null])

  await put(store, 'more')
  const list = await sent('GET', `${store.url}?limit=1`, { token: store.read })
  const { objects, next } = JSON.parse(list.text) as { objects: object[]; next: string }
  expect(objects).toHaveLength(1)
  const rest = await sent('GET', `${store.url}?limit=1&after=${next}`, { token: store.read })
  expect(rest.text).not.toEqual(list.text)
  expect((await sent('DELETE', at, { token: store.write })).status).toBe(204)
  expect((await sent('DELETE', at, { token: store.write })).status).toBe(404)
  expect((await sent('GET', at, { token: store.read })).status).toBe(404)
  expect(await usage('whole')).toMatchObject({ usedBytes: 4, objects: 1 })
})

test('only a token lets in, for what it allows, in each way that it is sent, until it is revoked', async () => {
  const store = await madeStore(server.url, 'guarded')
  const { key } = await put(store, 'secret')
  const at = `${store.url}/${key}`
  const basic = (password: string) => `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`
  const status = async (method: string, headers: Record<string, string>) =>
    (await sent(method, at, { headers })).status
  expect(await status('GET', {})).toBe(401)
  expect(await status('HEAD', { authorization: 'Bearer wrong' })).toBe(401)
  expect(await status('GET', { authorization: basic('wrong') })).toBe(401)
  expect(await status('GET', { authorization: basic(store.read) })).toBe(200)
  expect(await status('GET', { authorization: store.read })).toBe(200)
  expect(await status('GET', { 'x-orrery-token': store.write })).toBe(200)
  expect(await status('PUT', bearer(store.read))).toBe(403)
  expect(await status('DELETE', bearer(store.read))).toBe(403)
  const other = await madeStore(server.url, 'other')
  expect(await status('GET', bearer(other.write))).toBe(401)
  const refused = await sent('GET', at)
  expect(refused.headers.get('www-authenticate')).toContain('Basic')
  expect(refused.text).toContain('orrery data-store token guarded --read')
  const nobody = await sent('HEAD', `${server.url}/dvc/nobody/${key}`)
  expect([nobody.status, nobody.headers.get('x-orrery-problem')]).toEqual([404, 'not-found'])

  const api = apiOf(server.url)
  const { tokens } = await api<{ tokens: { id: string; access: string }[] }>(
    'GET',
    '/data-stores/guarded/tokens',
  )
  expect(JSON.stringify(tokens)).not.toContain(store.read)
  const reading = tokens.find(({ access }) => access === 'read')
  await api('DELETE', `/data-stores/guarded/tokens/${reading?.id}`)
  expect(await status('GET', bearer(store.read))).toBe(401)
  expect(await status('GET', bearer(store.write))).toBe(200)
  const ledger = await api<{ entries: { type: string }[] }>('GET', '/ledger/entries?limit=1000')
  expect(JSON.stringify(ledger)).not.toContain(store.write)
  const types = new Set(ledger.entries.map(({ type }) => type))
  expect([...types].filter((type) => type.startsWith('data-store-')).toSorted()).toEqual([
    'data-store-created',
    'data-store-token-made',
    'data-store-token-revoked',
  ])
})

test('an open store lets callers of this machine in, and not those for whom a proxy speaks', async () => {
  const { url } = await madeStore(server.url, 'open', { access: 'open' })
  const body = 'free'
  const at = `${url}/${keyOf(md5Of(body))}`
  expect((await sent('POST', at, { body })).status).toBe(201)
  expect((await sent('GET', at)).text).toBe(body)
  const headers = { 'x-forwarded-for': '203.0.113.9' }
  expect((await sent('GET', at, { headers })).status).toBe(401)
})

test('bytes that are not what their name says are refused and not counted, and so is what is no object', async () => {
  const store = await madeStore(server.url, 'lies')
  const lie = await put(store, 'other bytes', keyOf('a'.repeat(32)))
  expect([lie.status, lie.text]).toEqual([400, expect.stringContaining(md5Of('other bytes'))])
  for (const key of [
    'files/md5/ab/c',
    'x',
    'files/md5/../../etc',
    `FILES/md5/aa/${'b'.repeat(30)}`,
  ])
    expect((await put(store, 'x', key)).status).toBe(400)
  const traversal = await sent('GET', `${store.url}/..%2f..%2fetc%2fpasswd`, { token: store.read })
  expect(traversal.status).toBe(404)
  expect(await usage('lies')).toMatchObject({ usedBytes: 0, objects: 0 })
  // DVC 2 hashed text with the line ends of Unix.
  const md5 = md5Of('a\nb\n')
  const legacy = `${md5.slice(0, 2)}/${md5.slice(2)}`
  expect((await put(store, 'a\r\nb\r\n', legacy)).status).toBe(201)
  expect((await put(store, 'a\r\nb\r\n', keyOf(md5))).status).toBe(400)
})

test('the list of a folder is taken only when its files are there', async () => {
  const store = await madeStore(server.url, 'folders')
  const md5 = md5Of('member')
  const list = `[{"md5": "${md5}", "relpath": "a"}, {"md5": "${md5}", "relpath": "b"}]`
  const key = keyOf(md5Of(list), '.dir')
  const early = await put(store, list, key)
  expect([early.status, early.text]).toEqual([409, expect.stringContaining(keyOf(md5))])
  await put(store, 'member')
  expect((await put(store, list, key)).status).toBe(201)
  const odd = '[{"md5": "no"}]'
  expect((await put(store, odd, keyOf(md5Of(odd), '.dir'))).status).toBe(400)
})

test('a store takes no more than its quota, whether the size is told before or not, and what is there may come again', async () => {
  const store = await madeStore(server.url, 'small', { quotaBytes: 1000 })
  expect((await put(store, Buffer.alloc(600, 1))).status).toBe(201)
  const big = Buffer.alloc(500, 2)
  const over = await put(store, big)
  expect([over.status, over.text]).toEqual([507, expect.stringContaining('600 of 1000 bytes')])
  expect(await chunked(store, Buffer.alloc(40 << 20, 3))).toBe(507)
  expect((await put(store, Buffer.alloc(600, 1))).status).toBe(200)
  const api = apiOf(server.url)
  await api('PUT', '/data-stores/small/quota', { quotaBytes: 1100 })
  expect((await put(store, big)).status).toBe(201)
  expect(await usage('small')).toMatchObject({ usedBytes: 1100, objects: 2 })
})

/** Sends without a length, and gives the status. */
function chunked(store: Made, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      `${store.url}/${keyOf(md5Of(body))}`,
      { method: 'PUT', headers: { ...bearer(store.write), 'transfer-encoding': 'chunked' } },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
}

test('an object that many send at once is kept once, and many are asked for in one request', async () => {
  const store = await madeStore(server.url, 'crowd')
  const body = Buffer.alloc(1 << 20, 5)
  const answers = await Promise.all(Array.from({ length: 12 }, () => put(store, body)))
  expect(answers.every(({ status }) => status === 200 || status === 201)).toBe(true)
  expect(await usage('crowd')).toMatchObject({ usedBytes: 1 << 20, objects: 1 })
  const there = keyOf(md5Of(body))
  const keys = [there, keyOf('0'.repeat(32)), '../x', there]
  const asked = await sent('POST', `${store.url}/present`, {
    token: store.read,
    body: JSON.stringify({ keys }),
    headers: { 'content-type': 'application/json' },
  })
  expect([asked.status, JSON.parse(asked.text)]).toEqual([200, { present: [there] }])
  const bad = await sent('POST', `${store.url}/present`, {
    token: store.read,
    body: '{"keys": 1}',
    headers: { 'content-type': 'application/json' },
  })
  expect([bad.status, bad.text]).toEqual([400, expect.stringContaining('keys')])
})

test('a deleted store is gone with its tokens, and a new one of its name has nothing of it', async () => {
  const store = await madeStore(server.url, 'passing')
  const { key } = await put(store, 'short-lived')
  const api = apiOf(server.url)
  await api('DELETE', '/data-stores/passing')
  expect((await sent('GET', `${store.url}/${key}`, { token: store.read })).status).toBe(404)
  await api('POST', '/data-stores', { name: 'passing' })
  expect((await sent('GET', `${store.url}/${key}`, { token: store.read })).status).toBe(401)
  expect(await usage('passing')).toMatchObject({ usedBytes: 0, objects: 0 })
})
