import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { createMonitoring, type Window } from '#monitoring'
import { openSqlStore, type SqlStore } from '#stores/sql/index'
import { answerProblems } from './errors.ts'
import { monitorRoutes } from './monitors.ts'

const DAY_MS = 86_400_000
let folder: string
let store: SqlStore
let app: FastifyInstance

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-monitors-'))
  const clock = manualClock()
  store = await openSqlStore(join(folder, 'orrery.db'), { clock, ids: countedIds() })
  await store.transact(async ({ monitoring }) => {
    for (const day of [0, 1, 2]) await monitoring.saveWindow(windowAt(day))
    for (const day of [1, 2])
      await monitoring.saveAlert({
        id: `drift/late/${day}`,
        endpoint: 'late',
        kind: 'drift',
        subject: '',
        severity: 'warning',
        detail: 'temp drifted',
        raisedWindowMs: day * DAY_MS,
        raisedMs: (day + 1) * DAY_MS,
        clearedWindowMs: day === 1 ? 9 * DAY_MS : null,
        clearedMs: day === 1 ? 10 * DAY_MS : null,
      })
  })
  const nothing = async (): Promise<never> => {
    throw new Error('not asked here')
  }
  app = Fastify()
  answerProblems(app)
  monitorRoutes(
    app,
    createMonitoring({
      read: store.read.monitoring,
      transact: store.transact,
      endpoints: async () => [],
      predictions: {
        window: nothing,
        summaries: nothing,
        find: nothing,
        watermark: nothing,
        soFar: { watermark: nothing, summaries: nothing },
        profiles: () => {
          throw new Error('not asked here')
        },
        onGrowth: () => () => undefined,
      },
      trainingData: {
        find: async () => ({ state: 'unknown', reason: 'its data was never pushed' }),
      },
      profiler: { columnNames: nothing, profile: nothing, sample: nothing },
      score: nothing,
      askRows: nothing,
      happenings: () => Promise.resolve([]),
      clock,
    }),
  )
})
afterAll(async () => {
  await app.close()
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

test('windows are listed newest first, in pages', async () => {
  const first = await get('/endpoints/late/windows?limit=2')
  expect(first.body).toMatchObject({
    windows: [
      { start: '1970-01-03T00:00:00.000Z', end: '1970-01-04T00:00:00.000Z', predictions: 5 },
      { start: '1970-01-02T00:00:00.000Z' },
    ],
    next: '1970-01-02T00:00:00.000Z',
  })
  const second = await get(`/endpoints/late/windows?limit=2&before=${first.body['next'] as string}`)
  expect(second.body).toMatchObject({ windows: [{ predictions: 5 }], next: null })
})

test('a window is shown with what was found of it', async () => {
  const { body } = await get('/endpoints/late/windows/1970-01-02T00:00:00Z')
  expect(body).toMatchObject({ drift: { state: 'skipped', reason: 'test' }, performance: null })
})

test('alerts are open or cleared, the last raised first', async () => {
  expect((await get('/alerts')).body).toMatchObject({
    alerts: [
      { id: 'drift/late/2', state: 'open', cleared: null },
      { id: 'drift/late/1', state: 'cleared', cleared: '1970-01-11T00:00:00.000Z' },
    ],
    next: null,
  })
  expect((await get('/alerts?open=true&endpoint=late')).body['alerts']).toHaveLength(1)
  expect((await get('/alerts?limit=1')).body['next']).toBe('drift/late/2')
})

test.each([
  ['/endpoints/nope/windows', 404, /there is no endpoint nope/],
  ['/endpoints/late/windows/1999-01-01T00:00:00Z', 404, /no window of late that starts at 1999/],
  ['/endpoints/late/windows/yesterday', 400, /date-time/],
  ['/endpoints/late/windows?limit=0', 400, /limit/],
  ['/models/m/versions/1/reference', 404, /no reference for m:1: its data was never pushed/],
])('%s is answered by %i', async (url, status, detail) => {
  const answer = await get(url)
  expect(answer.status).toBe(status)
  expect(answer.body['detail']).toMatch(detail)
})

async function get(url: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await app.inject({ url })
  return { status: answer.statusCode, body: answer.json() }
}

function windowAt(day: number): Window {
  return {
    endpoint: 'late',
    startMs: day * DAY_MS,
    endMs: (day + 1) * DAY_MS,
    modelVersion: 'm/1',
    predictions: 5,
    drift: { state: 'skipped', reason: 'test' },
    performance: null,
  }
}
