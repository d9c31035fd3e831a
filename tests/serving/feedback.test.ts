import Fastify, { type FastifyInstance } from 'fastify'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Inference, NewBatch } from '#inference'
import { feedbackProtocol } from '#protocols/feedback/index'
import { openAnalytics } from '#stores/analytics/duckdb/index'
import { segmentFiles } from '#stores/analytics/duckdb/segments'
import { openJournal, openSource } from '#stores/journal/index'
import { openLocalObjects } from '#stores/objects/local'
import { openPredictionLog, openRecorded } from '#stores/predictions/index'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step()
})

const all = { fromMs: 0, toMs: 9e15 }

test('truths and rewards by request, by prediction and by entity end where monitors and bandits look', async () => {
  const { log, journal, post } = await open()
  await journal.append(batch('r1', 3, 1))
  await journal.append(batch('r2', 1, 2))
  const url = '/v2/models/flights/feedback'
  expect(await post(url, { id: 'r1', truth: [1, null, 0], reward: 0.5 })).toEqual([
    202,
    { accepted: 2 },
  ])
  expect(await post(url, { inference_id: 'r1-1', reward: 2 })).toEqual([202, { accepted: 1 }])
  expect(
    await post('/endpoints/flights/feedback', {
      feedback: [
        { key: 'k-r2-0', truth: true, reward: 1 },
        { prediction: 'r2-0', label: 'late', source: 'desk' },
      ],
    }),
  ).toMatchObject([202, { accepted: 2 }])
  const labels = (await log.window('flights', all)).rows.map(({ id, label }) => [id, label])
  expect(labels).toEqual([
    ['r1-0', 1],
    ['r2-0', 'late'],
    ['r1-1', null],
    ['r1-2', 0],
  ])
  expect(await log.rewards('flights', { sinceMs: 0 })).toEqual([
    { revision: 1, count: 2, sum: 2.5, sumOfSquares: 4.25 },
    { revision: 2, count: 1, sum: 1, sumOfSquares: 1 },
  ])
})

test('what one source says twice counts once, also when another has spoken in between', async () => {
  const { log, journal, post } = await open()
  await journal.append(batch('r1', 1, 1))
  const url = '/endpoints/flights/feedback'
  const said = { id: 'r1', truth: 1, reward: 1, source: 'shop' }
  await post(url, said)
  await post(url, { id: 'r1', truth: 0, source: 'desk' })
  await post(url, said)
  expect((await log.find('r1-0'))?.label).toBe(0)
  expect(await log.rewards('flights', { sinceMs: 0 })).toMatchObject([{ count: 1, sum: 1 }])
  await post(url, { ...said, reward: 3 })
  expect(await log.rewards('flights', { sinceMs: 0 })).toMatchObject([{ count: 1, sum: 3 }])
})

test('feedback may come before its prediction, and of one that is not logged with the revision that the caller names', async () => {
  const { log, journal, post } = await open()
  const url = '/v2/models/flights/feedback'
  await post(url, { id: 'r9', truth: 1, reward: 1 })
  await post(url, { id: 'unlogged', reward: 5 }, { 'x-route': ':7:' })
  expect(await log.rewards('flights', { sinceMs: 0 })).toMatchObject([{ revision: 7, sum: 5 }])
  await journal.append(batch('r9', 1, 4))
  expect((await log.find('r9-0'))?.label).toBe(1)
  expect(await log.rewards('flights', { sinceMs: 0 })).toMatchObject([
    { revision: 4, sum: 1 },
    { revision: 7 },
  ])
  expect(await log.rewards('flights', { sinceMs: 5000 })).toEqual([])
})

test("Seldon's clients give feedback in their own words, at both of its paths", async () => {
  const { log, journal, post } = await open()
  await journal.append(batch('p1', 2, 1))
  await journal.append(batch('p2', 1, 2))
  const seldon = (puid: string, rest: object) => ({
    request: { data: { names: [], ndarray: [[1]] } },
    response: { meta: { puid, routing: { flights: 3 }, tags: {} }, data: {} },
    ...rest,
  })
  expect(
    await post(
      '/seldon/default/flights/api/v1.0/feedback',
      seldon('p1', { reward: 0, truth: { data: { ndarray: [[1], [0]] } } }),
    ),
  ).toEqual([200, { meta: { puid: 'p1' } }])
  expect(await post('/api/v1.0/feedback', seldon('p2', { reward: 1 }))).toEqual([
    200,
    { meta: { puid: 'p2' } },
  ])
  await post(
    '/api/v1.0/feedback',
    seldon('p3', { truth: { data: { tensor: { shape: [1, 1], values: [7] } } }, reward: 2 }),
  )
  const labels = (await log.window('flights', all)).rows.map(({ id, label }) => [id, label])
  expect(labels).toEqual([
    ['p1-0', 1],
    ['p2-0', null],
    ['p1-1', 0],
  ])
  expect(await log.rewards('flights', { sinceMs: 0 })).toMatchObject([
    { revision: 2, sum: 1 },
    { revision: 3, sum: 2 },
  ])
})

test.each([
  ['/endpoints/flights/feedback', '{', 400, /not JSON/],
  ['/endpoints/flights/feedback', '[]', 400, /must be an object/],
  ['/endpoints/flights/feedback', Buffer.from([0x22, 0xff, 0x22]), 400, /not UTF-8/],
  ['/endpoints/flights/feedback', '{"id":"a"}', 400, /neither a truth nor a reward/],
  ['/endpoints/flights/feedback', '{"reward":1}', 400, /must name either/],
  ['/endpoints/flights/feedback', '{"id":"a","key":1,"reward":1}', 400, /must name either/],
  ['/endpoints/flights/feedback', '{"key":{},"reward":1}', 400, /neither a text nor a number/],
  ['/endpoints/flights/feedback', '{"id":"a","reward":"x"}', 400, /finite number/],
  ['/endpoints/flights/feedback', '{"id":"a","truth":{}}', 400, /the truth of/],
  ['/endpoints/flights/feedback', '{"id":"a","reward":1,"time":"soon"}', 400, /no time/],
  ['/endpoints/flights/feedback', '{"id":"a","reward":1,"revision":0}', 400, /revision/],
  ['/endpoints/flights/feedback', '{"id":"a","reward":1,"row":-1}', 400, /row/],
  ['/endpoints/flights/feedback', '{"id":"a","rewards":1}', 400, /means nothing here/],
  ['/endpoints/flights/feedback', '{"key":"a","reward":[1,2]}', 400, /only a request/],
  ['/v2/models/nobody/feedback', '{"id":"a","reward":1}', 404, /no endpoint/],
  ['/seldon/d/flights/api/v1.0/feedback', '{"reward":1}', 400, /names no prediction/],
  ['/seldon/d/flights/api/v1.0/feedback', '{"response":{"meta":{"puid":"a"}}}', 400, /neither/],
])('%s refuses %s with %i', async (url, payload, status, words) => {
  const { http } = await open()
  const headers = { 'content-type': 'application/json' }
  const answer = await http.inject({ method: 'POST', url, payload, headers })
  expect(answer.statusCode).toBe(status)
  expect(answer.body).toMatch(words)
})

async function open() {
  const home = await mkdtemp(join(tmpdir(), 'orrery-feedback-'))
  const [folder, file] = [join(home, 'journal'), join(home, 'predictions.db')]
  const logger = pino({ level: 'silent' })
  const analytics = openAnalytics({ memoryMb: 256, threads: 1 })
  const log = openPredictionLog({
    file,
    folder: join(home, 'segments'),
    objects: await openLocalObjects(join(home, 'objects')),
    files: segmentFiles(analytics),
    journal: { source: openSource(folder), logger },
  })
  const recorded = openRecorded({ file, sealed: log.findBatch })
  const journal = openJournal({ folder, ingested: recorded, syncMs: 50, logger })
  const http: FastifyInstance = Fastify()
  await http.register((app) =>
    feedbackProtocol(app, { inference: oneEndpoint, journal, clock: manualClock(1000) }),
  )
  undo.push(analytics.close, log.close, recorded.close, journal.close, () => http.close())
  const post = async (url: string, payload: object, headers: Record<string, string> = {}) => {
    const answer = await http.inject({ method: 'POST', url, payload, headers })
    return [answer.statusCode, answer.json()]
  }
  return { log, journal, http, post }
}

const oneEndpoint: Pick<Inference, 'standings' | 'describe'> = {
  standings: () => [{ endpoint: 'flights', state: 'ready', reason: null, revision: null }],
  describe: async (name) => {
    throw new Problem('not-found', `there is no endpoint ${name}`)
  },
}

function batch(id: string, rows: number, number: number): NewBatch {
  const revision = {
    number,
    role: 'live' as const,
    modelVersion: `late/${number}`,
    outputs: [{ name: 'score', type: 'float32' as const }],
  }
  return {
    id,
    endpoint: 'flights',
    digest: null,
    atMs: 1000,
    latencyMs: 1.25,
    columns: ['hour'],
    rows: Array.from({ length: rows }, (_, row) => ({
      eventMs: 1000 + row,
      key: `k-${id}-${row}`,
      inputs: [row],
    })),
    answers: [{ revision, outputs: [Array.from({ length: rows }, () => 0.5)] }],
  }
}
