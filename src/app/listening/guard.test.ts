import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { answerProblems } from '#protocols/api/errors'
import { isLoopback, requestGuard } from './guard.ts'

const app = Fastify()
const guard = requestGuard(['Orrery.Example'])
answerProblems(app)
app.addHook('onRequest', async (request) => guard(request))
app.route({ method: ['GET', 'POST', 'DELETE'], url: '/', handler: async () => 'here' })

const ask = async (method: 'GET' | 'POST' | 'DELETE', headers: Record<string, string>) =>
  (await app.inject({ method, url: '/', headers })).statusCode

test.each([
  ['127.0.0.1:4680'],
  ['127.0.0.1'],
  ['localhost:80'],
  ['LOCALHOST'],
  ['[::1]:4680'],
  ['orrery.example'],
  ['ORRERY.example:443'],
])('a request to the Host %s is answered', async (host) => {
  expect(await ask('POST', { host })).toBe(200)
})

test.each([
  ['evil.example'],
  ['10.evil.example:4680'],
  ['192.168.0.7'],
  ['127.0.0.1.evil.example'],
  ['localhost.evil.example'],
  ['evil.example:localhost'],
  ['localhost@evil.example'],
  ['0.0.0.0'],
  ['[::]'],
  [' '],
])('a request to the Host %j, as DNS rebinding would send, is refused', async (host) => {
  expect(await ask('GET', { host })).toBe(403)
})

test('a refusal says which setting would let the Host in', async () => {
  const answer = await app.inject({ url: '/', headers: { host: 'my-box:4680' } })
  expect(answer.json()).toMatchObject({
    code: 'forbidden',
    detail:
      'the Host "my-box:4680" is not served here; name it in the setting allowedHosts if it is yours',
  })
})

const host = 'localhost:4680'
test.each([
  ['GET', { origin: 'http://localhost:4680' }, 200],
  ['POST', { origin: 'http://localhost:4680', 'sec-fetch-site': 'same-origin' }, 200],
  ['POST', { 'sec-fetch-site': 'none' }, 200],
  ['POST', {}, 200],
  ['GET', { 'sec-fetch-site': 'cross-site' }, 200],
  // Another port of this machine is another site's page all the same.
  ['POST', { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' }, 403],
  ['POST', { origin: 'http://127.0.0.1:4680' }, 403],
  ['GET', { origin: 'https://evil.example' }, 403],
  ['POST', { origin: 'null' }, 403],
  ['POST', { 'sec-fetch-site': 'same-site' }, 403],
  ['DELETE', { 'sec-fetch-site': 'cross-site' }, 403],
] as const)('%s with %j is answered with %i', async (method, headers, status) => {
  expect(await ask(method, { host, ...headers })).toBe(status)
})

test('loopback is what the operating system keeps inside the machine', () => {
  expect(
    ['localhost', '127.0.0.1', '127.8.9.1', '::1'].filter((each) => !isLoopback(each)),
  ).toEqual([])
  expect(
    ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil.example', '1127.0.0.1', ''].filter(isLoopback),
  ).toEqual([])
})
