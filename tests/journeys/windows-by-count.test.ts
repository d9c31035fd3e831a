import { afterAll, beforeAll, expect, test } from 'vitest'
import { askingOf } from '../support/asking.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// An endpoint that is asked seldom, or in bursts, is judged after so many predictions, whenever that is.

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => {
  await server.stop()
})

const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 5)

const ask = askingOf(() => server.url)

async function tell(from: number, times: readonly number[]): Promise<void> {
  await ask('POST', '/predictions', {
    endpoint: 'seldom',
    modelVersion: 'm',
    predictions: times.map((time, at) => ({
      id: `p${from + at}`,
      time,
      inputs: { x: from + at },
      outputs: { value: (from + at) % 7 },
      label: (from + at) % 5,
    })),
  })
}

interface Found {
  start: string
  end: string
  predictions: number
  partial?: boolean
  performance: { state: string; labels: number } | null
}

async function windows(): Promise<[string, number, boolean, number | null][]> {
  const found = await ask<{ windows: Found[] }>('GET', '/endpoints/seldom/windows')
  return found.windows
    .toReversed()
    .map(({ end, predictions, partial, performance }) => [
      end,
      predictions,
      partial === true,
      performance?.labels ?? null,
    ])
}

const times = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => START + (from + at) * 60_000)
const endOf = (last: number) => new Date(START + last * 60_000 + 1).toISOString()

test('windows of a hundred predictions are judged when they are full, settle with their truths, and end at the longest time', async () => {
  await ask('POST', '/endpoints', {
    name: 'seldom',
    elsewhere: true,
    monitor: { window: { count: 100, longest: '10h' }, settle: '1h', min_samples: 50 },
  })
  await tell(0, times(0, 250))
  const full = [
    [endOf(99), 100, false],
    [endOf(199), 100, false],
  ]
  const counted = async () => (await windows()).map((window) => window.slice(0, 3))
  await expect.poll(counted, { timeout: 30_000 }).toEqual(full)

  // Twenty come late for the second window, whose truths are not judged yet: they count there, and in no other.
  await tell(250, times(150, 20))
  await ask('POST', '/endpoints/seldom/watermark', { time: START + 200 * 60_000 + HOUR })
  await expect.poll(windows, { timeout: 30_000 }).toEqual([
    [endOf(99), 100, false, 100],
    [endOf(199), 120, false, 120],
  ])

  // Of the third there are only fifty: ten hours after its first it is over.
  await ask('POST', '/endpoints/seldom/watermark', { time: START + 13 * HOUR + 20 * 60_000 })
  await expect
    .poll(counted, { timeout: 30_000 })
    .toEqual([full[0], [endOf(199), 120, false], [endOf(800).replace('001Z', '000Z'), 50, true]])
})

test('a rule is tried on windows by count as they were cut, and not on others', async () => {
  const rule = (monitor: object) => ({
    since: '30d',
    monitor: { window: { count: 100, longest: '10h' }, settle: '1h', min_samples: 50, ...monitor },
  })
  interface Tried {
    windows: number
    alerts: { outcome: string; would: { kind: string; subject: string } | null }[]
  }
  const tried = (monitor: object) => ask<Tried>('POST', '/endpoints/seldom/backtest', rule(monitor))
  const live = await ask<Tried>('POST', '/endpoints/seldom/backtest', { since: '30d' })
  expect(live.windows).toBe(3)
  expect(live.alerts.filter(({ outcome }) => outcome !== 'same')).toEqual([])
  const persistence = { windows: 2, of: 2 }
  const strict = await tried({ performance: { metric: 'accuracy', min: 0.99, persistence } })
  expect(strict.alerts.map(({ outcome, would }) => [outcome, would?.kind])).toContainEqual([
    'new',
    'performance',
  ])
  await expect(tried({ window: { count: 50 } })).rejects.toThrow(/with the windows that run/)
})

test('what cannot be is refused', async () => {
  const make = (window: object, more: object = {}) =>
    ask('POST', '/endpoints', { name: 'odd', elsewhere: true, monitor: { window, ...more } })
  await expect(make({ count: 0 })).rejects.toThrow(/count/)
  await expect(make({ longest: '1d' })).rejects.toThrow(/longest is of windows by count/)
  await expect(make({ count: 100 }, { reference: 'previous' })).rejects.toThrow(/lie at no hour/)
})
