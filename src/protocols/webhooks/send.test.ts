import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Address } from './addresses.ts'
import { openDestinations } from './send.ts'

const undo: (() => void)[] = []
afterEach(() => {
  for (const step of undo.splice(0)) step()
})

async function listen(answer: RequestListener): Promise<number> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  undo.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const v4 = (address: string): Address => ({ address, family: 4 })
const open = (settings: Partial<Parameters<typeof openDestinations>[0]> = {}) =>
  openDestinations({ schemes: ['https', 'http'], allowPrivate: false, agent: 'test', ...settings })
const post = (destinations: ReturnType<typeof open>, url: string) =>
  destinations.post({ url, headers: {}, body: '{}', signal: new AbortController().signal })

test.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://0/',
  'http://10.1.2.3/',
  'http://172.16.0.1/',
  'http://192.168.0.1/',
  'http://100.64.0.1/',
  'http://169.254.169.254/latest/meta-data',
  'http://192.0.0.192/',
  'http://192.0.2.1/',
  'http://198.18.0.1/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:8.8.8.8]/',
  'http://[::10.0.0.1]/',
  'http://[64:ff9b::10.0.0.1]/',
  'http://[64:ff9b:1::1]/',
  'http://[2002:a00:1::]/',
  'http://[2001::1]/',
  'http://[fc00::1]/',
  'http://[fe80::1]/',
  'http://[fec0::1]/',
  'http://[ff02::1]/',
  'http://[2001:db8::1]/',
])('%s is not a public address', async (url) => {
  const message = { code: 'invalid', message: expect.stringContaining('public') as string }
  await expect(open().check(url)).rejects.toMatchObject(message)
  await expect(post(open(), url)).rejects.toMatchObject(message)
})

test.each(['https://8.8.8.8/', 'https://[2606:4700::1111]/', 'https://172.32.0.1/'])(
  '%s is one',
  async (url) => {
    await expect(open().check(url)).resolves.toBeUndefined()
  },
)

test.each([
  ['ftp://8.8.8.8/', 'scheme'],
  ['file:///etc/passwd', 'scheme'],
  ['http://8.8.8.8/', 'scheme'],
  ['https://user:word@8.8.8.8/', 'password'],
  ['https://user@8.8.8.8/', 'user'],
  ['https://', 'no URL'],
  ['8.8.8.8', 'no URL'],
  ['https://8.8.8.8:99999/', 'no URL'],
])('%s is refused for its %s', async (url, words) => {
  const destinations = open({ schemes: ['https'] })
  const refused = { code: 'invalid', message: expect.stringContaining(words) as string }
  await expect(destinations.check(url)).rejects.toMatchObject(refused)
  await expect(post(destinations, url)).rejects.toMatchObject(refused)
})

test('a name with one closed address among open ones is refused, and so is one without any', async () => {
  const resolve = async () => [v4('8.8.8.8'), v4('10.0.0.1')]
  await expect(open({ resolve }).check('https://both.example/')).rejects.toThrow('10.0.0.1')
  const nothing = open({ resolve: async () => [] })
  await expect(nothing.check('https://none.example/')).rejects.toThrow('no address now')
})

test('a name that turns to a private address after it was checked is not followed there', async () => {
  let hits = 0
  const port = await listen((_, response) => {
    hits++
    response.end()
  })
  const answers = [[v4('8.8.8.8')], [v4('127.0.0.1')]]
  const destinations = open({ resolve: async () => answers.shift() ?? [] })
  await destinations.check(`http://turning.example:${port}/`)
  await expect(post(destinations, `http://turning.example:${port}/`)).rejects.toThrow('127.0.0.1')
  expect(hits).toBe(0)
})

test('the connection goes to the address that was checked, and the name is asked for once', async () => {
  let asked = 0
  const hosts: (string | undefined)[] = []
  const port = await listen((request, response) => {
    hosts.push(request.headers.host)
    response.end('ok')
  })
  const destinations = open({
    allowPrivate: true,
    resolve: async () => {
      asked++
      return [v4('127.0.0.1')]
    },
  })
  // No such name exists: only the address that was given can lead to the server.
  const url = `http://nowhere.invalid:${port}/hook`
  expect(await post(destinations, url)).toEqual({ status: 200, body: 'ok', retryAfterMs: null })
  expect([asked, hosts]).toEqual([1, [`nowhere.invalid:${port}`]])
})

test('a redirect is an answer and not a way', async () => {
  let hits = 0
  const inner = await listen((_, response) => {
    hits++
    response.end()
  })
  const outer = await listen((_, response) => {
    response.writeHead(307, { location: `http://127.0.0.1:${inner}/` }).end()
  })
  const destinations = open({ allowPrivate: true })
  expect(await post(destinations, `http://127.0.0.1:${outer}/`)).toMatchObject({ status: 307 })
  expect(hits).toBe(0)
})

test('of an endless answer the beginning is read, and a receiver that says nothing is left', async () => {
  let closed = 0
  const endless = await listen((_, response) => {
    response.on('close', () => closed++)
    const more = () => {
      while (response.write('x'.repeat(1000)));
      response.once('drain', more)
    }
    more()
  })
  const silent = await listen(() => undefined)
  const destinations = open({ allowPrivate: true, timeoutMs: 300 })
  const { body } = await post(destinations, `http://127.0.0.1:${endless}/`)
  expect(body).toBe('x'.repeat(4096))
  await expect.poll(() => closed).toBe(1)
  await expect(post(destinations, `http://127.0.0.1:${silent}/`)).rejects.toMatchObject({
    code: 'timeout',
  })
  const stuck = open({ timeoutMs: 100, resolve: () => new Promise(() => undefined) })
  await expect(post(stuck, 'https://slow.example/')).rejects.toMatchObject({ code: 'timeout' })
})

test('a receiver may say when it wants to be called again, within reason', async () => {
  const waits = ['120', '999999', 'tomorrow']
  const port = await listen((_, response) => {
    response.writeHead(429, { 'retry-after': waits.shift() }).end()
  })
  const destinations = open({ allowPrivate: true })
  const answers = []
  for (let each = 0; each < 3; each++)
    answers.push((await post(destinations, `http://127.0.0.1:${port}/`)).retryAfterMs)
  expect(answers).toEqual([120_000, 3_600_000, null])
})
