import { Webhook as Verifier } from 'standardwebhooks'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { countedIds } from '#base/ids'
import type { Entry } from '#ledger'
import { attempted, DELIVERY_LIFE_MS, retryDelayMs, type Delivery } from './delivery.ts'
import { matches, newSecret, standardDialect } from './standard.ts'

test.each([
  ['*', 'run-started', true],
  ['run-started', 'run-started', true],
  ['run-started', 'run-started-again', false],
  ['promotion-*', 'promotion-accepted', true],
  ['promotion-*', 'model-promotion-accepted', false],
  ['*-deleted', 'run-deleted', true],
  ['model-*-tag-*', 'model-version-tag-set', true],
  ['model-*-tag-*', 'model-version-staged', false],
  ['a*a', 'a', false],
])('%s asks for %s: %s', (pattern, type, wanted) => {
  expect(matches(pattern, type)).toBe(wanted)
})

test('a pattern means what the regular expression with .* for its stars means', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*'), maxLength: 12 })
  fc.assert(
    fc.property(word, word, (pattern, text) => {
      const type = text.replaceAll('*', '')
      const regexp = new RegExp(`^${pattern.replaceAll('*', '.*')}$`)
      expect(matches(pattern, type)).toBe(regexp.test(type))
    }),
  )
})

test('messages are signed by each secret so that an independent library verifies them', () => {
  const ids = countedIds()
  const [newer, older] = [newSecret(ids), newSecret(ids)]
  const atMs = Date.now()
  const body = '{"type":"ping","text":"ä\\u0000"}'
  const headers = standardDialect.headers({ id: 'msg_1', atMs, body, secrets: [newer, older] })
  for (const secret of [newer, older])
    expect(new Verifier(secret).verify(body, { ...headers })).toEqual(JSON.parse(body))
  expect(() => new Verifier(newer).verify(body.replace('ping', 'pong'), { ...headers })).toThrow(
    'No matching signature',
  )
})

test('a delivery that fails is tried at growing distances for five days', () => {
  let delivery: Delivery = {
    id: 'msg_1',
    place: '1',
    webhook: 'w',
    event: 'run-started',
    lane: null,
    position: 1,
    body: '{}',
    state: 'waiting',
    attempts: 0,
    nextMs: 0,
    expiresMs: DELIVERY_LIFE_MS,
    createdMs: 0,
    lastMs: null,
    response: null,
    error: null,
  }
  const at: number[] = []
  while (delivery.nextMs !== null) {
    at.push(delivery.nextMs)
    const failed = { ok: false, response: null, error: 'away', retryAfterMs: null } as const
    delivery = attempted(delivery, failed, delivery.nextMs)
  }
  expect(delivery).toMatchObject({ state: 'failed', error: 'away', attempts: at.length })
  expect(at.length).toBeGreaterThan(12)
  expect(at[1]).toBeLessThanOrEqual(6000)
  expect(at.at(-1)).toBeGreaterThanOrEqual(DELIVERY_LIFE_MS)
  const waits = at.slice(1).map((each, index) => each - (at[index] ?? 0))
  expect(Math.max(...waits)).toBeLessThanOrEqual(0.6 * 86_400_000)
})

test('what failed together is not tried together', () => {
  const waits = Array.from({ length: 50 }, (_, each) => retryDelayMs(`msg_${each}`, 3))
  expect(new Set(waits).size).toBe(50)
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(64_000)
  expect(Math.max(...waits)).toBeLessThanOrEqual(96_000)
})

test('a subject is what the data of an entry names', async () => {
  const entry = (data: Entry['data']): Entry => ({
    type: 'x',
    position: 1,
    atMs: 0,
    actor: { kind: 'user', id: 'a' },
    edges: [],
    data,
  })
  const told = async (data: Entry['data'], subject: string | null) =>
    standardDialect.message(entry(data), { events: ['*'], subject }, undefined as never)
  expect(await told({ model: 'a', version: 3 }, 'model:a')).toBeDefined()
  expect(await told({ model: 'a', version: 3 }, 'version:3')).toBeDefined()
  expect(await told({ model: 'a:b' }, 'model:a:b')).toBeDefined()
  expect(await told({ model: 'ab' }, 'model:a')).toBeUndefined()
  expect(await told({ from: 'a' }, 'model:a')).toBeUndefined()
  expect(await told({ model: { sha256: 'a' } }, 'model:[object Object]')).toBeUndefined()
})
