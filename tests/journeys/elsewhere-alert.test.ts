import { afterAll, beforeAll, expect, test } from 'vitest'
import { askingOf } from '../support/asking.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// A model that no part of Orrery serves drifts and fails, and whoever looks after it hears of both.

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => {
  await server.stop()
})

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)
const DAYS = 12
/** From this day on the amounts are others, and the answers have nothing to do with the truth. */
const BAD_DAY = 9

const ask = askingOf(() => server.url)

/** Numbers from 0 to 1 that look like chance and are the same each time. */
const spread = (at: number) => (Math.sin(at * 12.9898) * 43_758.5453) % 1

test('an endpoint elsewhere is judged against its own past, and alerts are raised by drift and by truths', async () => {
  await ask('POST', '/endpoints', {
    name: 'credit',
    elsewhere: true,
    monitor: {
      settle: '1h',
      min_samples: 50,
      reference: { from: '2026-01-05', to: '2026-01-12' },
      drift: { alert_share: 0.3, persistence: { windows: 1, of: 1 } },
      performance: { metric: 'roc_auc', min: 0.7, persistence: { windows: 1, of: 1 } },
    },
  })
  for (let day = 0; day < DAYS; day++) {
    const isBad = day >= BAD_DAY
    const rows = Array.from({ length: 200 }, (_, at) => {
      const noise = Math.abs(spread(day * 1000 + at))
      const isLate = at % 2
      const chance = isBad ? Math.abs(spread(at + 7 + day)) : isLate * 0.5 + noise * 0.5
      return { id: `c${day}-${at}`, noise, isLate, chance, timeMs: START + day * DAY + at * 60_000 }
    })
    await ask('POST', '/predictions', {
      endpoint: 'credit',
      modelVersion: 'scorecard 2026',
      predictions: rows.map(({ id, noise, chance, timeMs }) => ({
        id,
        time: timeMs,
        inputs: { amount: isBad ? 50 + noise * 10 : noise * 10, age: 20 + noise * 40 },
        outputs: { probability: chance },
      })),
    })
    await ask('POST', '/endpoints/credit/ground-truth', {
      truths: rows.map(({ id, isLate }) => ({ prediction: id, label: isLate })),
    })
  }
  await ask('POST', '/endpoints/credit/watermark', { time: START + (DAYS + 1) * DAY })
  const alerts = async () => {
    const found = await ask<{ alerts: { kind: string }[] }>('GET', '/alerts?endpoint=credit')
    return found.alerts.map(({ kind }) => kind)
  }
  await expect
    .poll(alerts, { timeout: 30_000 })
    .toEqual(expect.arrayContaining(['drift', 'performance']))
  const windows = async () =>
    (await ask<{ windows: { modelVersion: string }[] }>('GET', '/endpoints/credit/windows')).windows
  await expect
    .poll(async () => (await windows()).length, { timeout: 60_000 })
    .toBeGreaterThanOrEqual(DAYS)
  expect(new Set((await windows()).map(({ modelVersion }) => modelVersion))).toEqual(
    new Set(['scorecard 2026']),
  )
})
