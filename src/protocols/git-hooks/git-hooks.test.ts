import { createHmac } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import { beforeEach, expect, test } from 'vitest'
import type { HookCall } from '#automation'
import { manualClock } from '#base/clock'
import { failureOf } from '#base/failure'
import { Problem } from '#base/problem'
import type { HookConfig, Project } from '#projects'
import { gitHooksProtocol } from './index.ts'

const SECRET = 'a secret of some length'
const commit = 'c'.repeat(40)
const pushed = JSON.stringify({ ref: 'refs/heads/main', before: 'b'.repeat(40), after: commit })
const clock = manualClock()
const nowS = Math.floor(clock.nowMs() / 1000)
const hmac = (text: string, secret = SECRET) =>
  createHmac('sha256', secret).update(text).digest('hex')

let app: FastifyInstance
let calls: HookCall[]

beforeEach(async () => {
  calls = []
  const keys = new Set<string>()
  const hook = (from: HookConfig['from'], secret = 'THE_SECRET') => ({ from, secret })
  const hooks = {
    github: hook('github'),
    gitea: hook('gitea'),
    gitlab: hook('gitlab'),
    plain: hook('hmac'),
    unset: hook('github', 'NOT_SET'),
    short: hook('github', 'TOO_SHORT'),
  }
  app = Fastify()
  app.setErrorHandler((error: Error, request, reply) =>
    reply.code(failureOf(error, request.id).status).send(),
  )
  await app.register(gitHooksProtocol, {
    project: async (name: string) => {
      if (name !== 'flights') throw new Problem('not-found', 'none')
      return { name, config: { hooks } } as unknown as Project
    },
    call: async (call: HookCall) => {
      const key = `${call.hook} ${call.key}`
      if (keys.has(key)) return false
      keys.add(key)
      calls.push(call)
      return true
    },
    secret: (name: string) => ({ THE_SECRET: SECRET, TOO_SHORT: 'short' })[name],
    clock,
  })
  return () => app.close()
})

async function post(hook: string, headers: Record<string, string>, body = pushed) {
  const answer = await app.inject({
    method: 'POST',
    url: `/hooks/flights/${hook}`,
    headers: { 'content-type': 'application/json', ...headers },
    payload: body,
  })
  return answer.statusCode
}

const github = (body = pushed, secret = SECRET) => ({
  'x-github-event': 'push',
  'x-hub-signature-256': `sha256=${hmac(body, secret)}`,
})

test.each([
  ['github', github()],
  ['gitea', { 'x-gitea-event': 'push', 'x-gitea-signature': hmac(pushed) }],
  ['gitlab', { 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': SECRET }],
  [
    'plain',
    {
      'x-orrery-event': 'push',
      'x-orrery-timestamp': String(nowS),
      'x-orrery-signature': `sha256=${hmac(`${nowS}.${pushed}`)}`,
    },
  ],
])('a push that %s tells of with the secret is taken, once', async (hook, headers) => {
  expect(await post(hook, headers)).toBe(202)
  expect(await post(hook, { ...headers, 'x-github-delivery': 'another' })).toBe(200)
  expect(calls).toHaveLength(1)
  expect(calls[0]).toMatchObject({ project: 'flights', hook, push: { branch: 'main', commit } })
})

test.each([
  ['github', {}],
  ['github', github(pushed, 'another secret that is long')],
  ['github', { 'x-hub-signature-256': hmac(pushed) }],
  ['github', { 'x-gitlab-token': SECRET }],
  ['gitea', { 'x-gitea-signature': `sha256=${hmac(pushed)}` }],
  ['gitlab', { 'x-gitlab-token': `${SECRET} ` }],
  ['gitlab', { 'x-gitlab-token': '' }],
  ['plain', { 'x-orrery-signature': `sha256=${hmac(pushed)}` }],
  [
    'plain',
    {
      'x-orrery-timestamp': String(nowS - 301),
      'x-orrery-signature': `sha256=${hmac(`${nowS - 301}.${pushed}`)}`,
    },
  ],
])(
  'a call of %s without the proof is refused: %o',
  async (hook, headers: Record<string, string>) => {
    expect(await post(hook, headers)).toBe(401)
    expect(calls).toEqual([])
  },
)

test('a signature holds for its own body alone', async () => {
  expect(await post('github', github(), `${pushed} `)).toBe(401)
})

test('what is no push of a branch is taken as a call and as no push', async () => {
  const bodies = [
    { ref: 'refs/tags/v1', after: commit },
    { ref: 'refs/heads/main', after: '0'.repeat(40) },
    { ref: 'refs/heads/main', after: '--upload-pack=x' },
    [],
  ].map((body) => JSON.stringify(body))
  for (const body of [...bodies, 'no JSON', '']) {
    expect(await post('github', github(body), body)).toBe(202)
    expect(calls.at(-1)?.push).toBeUndefined()
  }
})

test('a form that carries the payload is read too', async () => {
  const body = new URLSearchParams({ payload: pushed }).toString()
  const headers = { ...github(body), 'content-type': 'application/x-www-form-urlencoded' }
  expect(await post('github', headers, body)).toBe(202)
  expect(calls[0]?.push).toEqual({ branch: 'main', commit })
})

test('a hook without a good secret, and one that is not there, take nothing', async () => {
  expect(await post('unset', github())).toBe(503)
  expect(await post('short', github(pushed, 'short'))).toBe(503)
  expect(await post('toString', github())).toBe(404)
  const other = await app.inject({ method: 'POST', url: '/hooks/trains/github', payload: '' })
  expect(other.statusCode).toBe(404)
})
