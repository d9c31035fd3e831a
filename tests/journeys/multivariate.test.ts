import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { askingOf } from '../support/asking.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// Weather joined by the wrong hour: every column looks as ever, together they make no sense.

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)
const ROWS_A_DAY = 200
const DAYS = 12
const BROKEN_DAY = 9

const asking = askingOf(() => server.url)
const ask = <T = Record<string, unknown>>(path: string, body?: unknown) =>
  asking<T>(body === undefined ? 'GET' : 'POST', path, body)

async function tell(endpoint: string, day: number, change: 'none' | 'join' | 'points') {
  const draw = seededDraws(day + 1)
  const predictions = Array.from({ length: ROWS_A_DAY }, (_, at) => {
    const temp = draw() * 40
    const dew = (change === 'join' ? draw() * 40 : temp) - draw() * 3
    const by = change === 'points' ? 0.3 : 0
    return {
      id: `${endpoint}-${day}-${at}`,
      time: START + day * DAY + at * 60_000,
      inputs: { temp, dew, wind: draw() * 20, face: [draw() + by, draw(), draw() - by] },
      outputs: { score: temp / 40 },
    }
  })
  await ask('/predictions', { endpoint, modelVersion: 'late-1', predictions })
}

interface Alert {
  readonly kind: string
  readonly subject: string
  readonly detail: string
  readonly raisedWindow: string
}

async function alertsAfter(endpoint: string, change: 'join' | 'points'): Promise<Alert[]> {
  await ask('/endpoints', {
    name: endpoint,
    elsewhere: true,
    monitor: { min_samples: 50, settle: '1h', reference: { from: '2026-01-05', to: '2026-01-12' } },
  })
  for (let day = 0; day < DAYS; day++) await tell(endpoint, day, day < BROKEN_DAY ? 'none' : change)
  await ask(`/endpoints/${endpoint}/watermark`, { time: START + (DAYS + 1) * DAY })
  const windows = async () =>
    (await ask<{ windows: unknown[] }>(`/endpoints/${endpoint}/windows`)).windows.length
  // A day on which nobody asked is a window, too.
  await expect.poll(windows, { timeout: 120_000 }).toBeGreaterThanOrEqual(DAYS)
  const { alerts } = await ask<{ alerts: Alert[] }>(`/alerts?endpoint=${endpoint}`)
  return alerts.filter(({ kind }) => kind === 'multivariate')
}

test(
  'columns that no longer hang together raise an alert that names them, on the second day',
  { timeout: 150_000 },
  async () => {
    const [alert, ...others] = await alertsAfter('late', 'join')
    expect(others).toEqual([])
    expect(alert).toMatchObject({ subject: '', raisedWindow: '2026-01-15T00:00:00.000Z' })
    expect(alert?.detail).toMatch(/^(dew, temp|temp, dew) no longer hang together as they did/)
  },
)

test('embeddings that moved raise an alert on their column', { timeout: 150_000 }, async () => {
  const [alert, ...others] = await alertsAfter('faces', 'points')
  expect(others).toEqual([])
  expect(alert).toMatchObject({ subject: 'face', raisedWindow: '2026-01-15T00:00:00.000Z' })
  expect(alert?.detail).toMatch(/^face lies 0\.\d+ radii from where it did/)
})
