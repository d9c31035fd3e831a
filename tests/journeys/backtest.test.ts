import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import type { BacktestWire } from '#protocols/api/backtests'
import { askingOf } from '../support/asking.ts'
import { MAIN } from '../support/orrery.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// A rule is tried on what has been before it may wake anybody: by the code that judges live, so that it says what would have been.

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)
const DAYS = 20
const ROWS_A_DAY = 120
const persistence = { windows: 2, of: 3 }
const MONITOR = {
  window: { size: '1d' },
  settle: '36h',
  min_samples: 50,
  reference: { from: '2026-01-05', to: '2026-01-11' },
  drift: { alert_share: 0.3, persistence },
  performance: { metric: 'roc_auc', min: 0.7, persistence },
  slices: { by: ['country'], min_samples: 20, metrics: [{ metric: 'accuracy', min: 0.6 }] },
  fairness: {
    by: ['sex'],
    metrics: [{ metric: 'demographic_parity_difference', max: 0.3 }],
    persistence,
  },
  kpis: { profit: { outcomes: { tp: 12, fp: -4, fn: -10, tn: 1 }, unit: 'EUR', min: 0.5 } },
}

let server: TestServer
const ask = askingOf(() => server.url)

beforeAll(async () => {
  server = await startTestServer()
  await ask('POST', '/endpoints', { name: 'credit', elsewhere: true, monitor: MONITOR })
  for (let day = 0; day < DAYS; day++) {
    if (day === 17) continue
    const modelVersion = day < 15 ? 'scorecard 2025' : 'scorecard 2026'
    await ask('POST', '/predictions', {
      endpoint: 'credit',
      modelVersion,
      predictions: rowsOf(day),
    })
    const time = new Date(START + (day + 1) * DAY + 1000).toISOString()
    await ask('POST', '/endpoints/credit/watermark', { time })
  }
  const time = new Date(START + (DAYS + 2) * DAY).toISOString()
  await ask('POST', '/endpoints/credit/watermark', { time })
  const settled = async () => {
    const { windows } = await ask<{ windows: { performance: unknown }[] }>(
      'GET',
      '/endpoints/credit/windows',
    )
    return windows.filter(({ performance }) => performance !== null).length
  }
  while ((await settled()) < DAYS - 1) await setTimeout(300)
}, 90_000)
afterAll(async () => {
  await server.stop()
})

test('the rule that runs, tried on history, gives the very alerts that were raised', async () => {
  const { alerts: raised } = await ask<{ alerts: { id: string; kind: string }[] }>(
    'GET',
    '/alerts?limit=200',
  )
  const kinds = new Set(raised.map(({ kind }) => kind))
  expect(kinds).toEqual(
    new Set(['drift', 'quality', 'performance', 'fairness', 'kpis', 'concept', 'traffic']),
  )
  for (const since of ['400d', '2026-01-01']) {
    const tried = await backtest({ since })
    expect(tried.windows).toBe(DAYS + 2)
    expect(tried.alerts.map(({ would }) => would)).toEqual(tried.alerts.map(({ was }) => was))
    expect(new Set(tried.alerts.map(({ outcome }) => outcome))).toEqual(new Set(['same']))
    const told = new Set(tried.alerts.map(({ was }) => was?.id))
    expect(told).toEqual(new Set(raised.map(({ id }) => id)))
  }
})

test('of a shorter time only what was open in it is told', async () => {
  const { alerts, from } = await backtest({ since: '5d' })
  const { alerts: all } = await backtest({ since: '90d' })
  expect(all.length).toBeGreaterThan(alerts.length)
  expect(
    alerts.every(({ would }) => would?.cleared === null || (would?.cleared ?? '') > from),
  ).toBe(true)
  expect(new Set(alerts.map(({ outcome }) => outcome))).toEqual(new Set(['same']))
})

test('another rule raises other alerts: later ones, none, and those that nobody was told of', async () => {
  const tried = await backtest({
    monitor: {
      ...MONITOR,
      drift: { alert_share: 1, persistence: { windows: 5, of: 5 } },
      performance: { ...MONITOR.performance, metrics: [{ metric: 'brier', max: 0.01 }] },
      fairness: { ...MONITOR.fairness, metrics: [] },
    },
  })
  const about = (kind: string, subject = '') =>
    tried.alerts.filter(({ would, was }) => {
      const alert = would ?? was
      return alert?.kind === kind && alert.subject === subject
    })
  expect(about('fairness', 'demographic_parity_difference of sex')).toMatchObject([
    { outcome: 'gone', would: null },
  ])
  expect(about('performance', 'brier')).toMatchObject([{ outcome: 'new', was: null }])
  expect(about('performance', 'roc_auc')).toMatchObject([{ outcome: 'same' }])
  expect(about('drift')[0]?.outcome).not.toBe('same')
})

test('windows of another length are told from hourly profiles, and what needs more is said', async () => {
  const tried = await backtest({ monitor: { ...MONITOR, min_samples: 20, window: { size: '6h' } } })
  expect(tried.windows).toBeGreaterThan(70)
  expect(new Set(tried.alerts.flatMap(({ would }) => would?.kind ?? []))).toEqual(
    new Set(['drift']),
  )
  expect(tried.notes).toEqual([expect.stringContaining('all else needs windows of 1d')])
})

test('nothing is changed by trying, and what cannot be is refused', async () => {
  const before = await ask('GET', '/alerts?limit=200')
  await backtest({ monitor: { ...MONITOR, min_samples: 10 } })
  expect(await ask('GET', '/alerts?limit=200')).toEqual(before)
  await expect(backtest({ since: 'yesterday' })).rejects.toThrow(/write 30d, 12h or/)
  await expect(backtest({ monitor: { windw: {} } })).rejects.toThrow(/monitor/)
  await expect(
    backtest({ monitor: { ...MONITOR, performance: { metric: 'nonsense', min: 1 } } }),
  ).rejects.toThrow(/nonsense/)
  await expect(backtest({ monitor: { ...MONITOR, window: { size: '90m' } } })).rejects.toThrow(
    /whole hours/,
  )
  await expect(
    backtest({ since: '9000d', monitor: { ...MONITOR, window: { size: '1h' } } }),
  ).resolves.toBeDefined()
  await expect(ask('POST', '/endpoints/nope/backtest', {})).rejects.toThrow(/no endpoint nope/)
})

test('the command tries the rule of a file, and shows what would change', async () => {
  const file = join(server.home, 'orrery.yaml')
  const monitor = { ...MONITOR, fairness: { ...MONITOR.fairness, metrics: [] } }
  await writeFile(file, JSON.stringify({ project: 'p', endpoints: { credit: { monitor } } }))
  const shown = await orrery('alerts', 'backtest', 'credit', '-f', file)
  expect(shown).toMatch(/^credit, 22 windows from .* were raised/m)
  expect(shown).toMatch(/^= .*drift/m)
  expect(shown).toMatch(/^- .*fairness of demographic_parity_difference of sex/m)
  const rule = join(server.home, 'rule.json')
  await writeFile(rule, JSON.stringify(monitor))
  const told = JSON.parse(
    await orrery('alerts', 'backtest', 'credit', '--rule', rule, '--json'),
  ) as {
    alerts: unknown[]
  }
  expect(told.alerts).toEqual((await backtest({ monitor })).alerts)
  await expect(orrery('alerts', 'backtest', 'other', '-f', file)).rejects.toThrow(
    /has no endpoint other/,
  )
}, 60_000)

function backtest(body: object = {}): Promise<BacktestWire> {
  return ask<BacktestWire>('POST', '/endpoints/credit/backtest', body)
}

async function orrery(...words: string[]): Promise<string> {
  const done = await promisify(execFile)(process.execPath, [MAIN, ...words, '--url', server.url])
  return done.stdout
}

/** Bad days come, and are over; another version answers the last ones, and on one nobody asks. */
function rowsOf(day: number) {
  const random = seededDraws(77 + day)
  const isBad = day >= 8 && day < 12
  const countries = isBad ? ['DE', 'FR', 'US', 'BR'] : ['DE', 'FR', 'US', 'JP']
  return Array.from({ length: ROWS_A_DAY }, (_, at) => {
    const share = random()
    const sex = random() < 0.5 ? 'f' : 'm'
    const said = Math.min(0.97, Math.max(0.03, isBad && sex === 'f' ? share * 0.5 : share))
    return {
      id: `c${day}-${at}`,
      time: START + day * DAY + Math.floor((at / ROWS_A_DAY) * DAY),
      inputs: {
        amount: (20 + share * 400) * (isBad ? 100 : 1),
        age: 18 + Math.floor(random() * 60) + (isBad ? 25 : 0),
        country: countries[Math.floor(random() * 4)] as string,
        sex,
      },
      outputs: { probability: said },
      label: random() < (isBad ? 1 - said : said) ? 1 : 0,
    }
  })
}
