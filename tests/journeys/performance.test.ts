import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { askingOf } from '../support/asking.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// Models of every kind are measured by the truths that come: a regression, three classes, a decision about people.

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => {
  await server.stop()
})

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 5)
const ROWS_A_DAY = 300
const CARRIERS = ['AA', 'UA', 'B6'] as const

const asking = askingOf(() => server.url)
const ask = <T = Record<string, unknown>>(path: string, body?: unknown) =>
  asking<T>(body === undefined ? 'GET' : 'POST', path, body)

interface Told {
  readonly inputs: Record<string, unknown>
  readonly outputs: Record<string, unknown>
  readonly label: unknown
}

/** A day of predictions; their truths come in a call of their own, as they do. */
async function tell(endpoint: string, day: number, row: (draw: () => number) => Told) {
  const draw = seededDraws(500 + day)
  const rows = Array.from({ length: ROWS_A_DAY }, () => row(draw))
  await ask('/predictions', {
    endpoint,
    predictions: rows.map(({ inputs, outputs }, index) => ({
      id: `${day}-${index}`,
      modelVersion: 'v1',
      time: START + day * DAY + Math.floor((index / ROWS_A_DAY) * DAY),
      inputs,
      outputs,
    })),
  })
  await ask(`/endpoints/${endpoint}/ground-truth`, {
    truths: rows.map(({ label }, index) => ({ prediction: `${day}-${index}`, label })),
  })
}

interface Metric {
  value: number
  ciLow: number | null
  ciHigh: number | null
}

interface Window {
  start: string
  performance: {
    state: string
    task: string
    main: string
    labels: number
    metrics: Record<string, Metric>
    slices: { by: string; slices: { value: string; metrics: Record<string, Metric> }[] }[]
    classes: { class: string; recall: number }[] | null
  } | null
  kpis?: { kpis: { name: string; value: number; total: number | null; note?: string }[] }
  fairness?: {
    columns: { groups: { group: string }[]; suppressed: { groups: number } }[]
  }
}

async function measured(endpoint: string, day: number): Promise<Window> {
  const start = new Date(START + day * DAY).toISOString()
  const found = async () => {
    const { windows } = await ask<{ windows: Window[] }>(`/endpoints/${endpoint}/windows?limit=50`)
    return windows.find((each) => each.start === start && each.performance?.state === 'measured')
  }
  await expect.poll(found, { timeout: 30_000 }).toBeDefined()
  return (await found()) as Window
}

interface Alert {
  kind: string
  subject: string
  severity: string
  state: string
  detail: string
  raisedWindow: string
  clearedWindow: string | null
}

async function alertsOf(endpoint: string, kind: string): Promise<Alert[]> {
  const { alerts } = await ask<{ alerts: Alert[] }>(`/alerts?endpoint=${endpoint}`)
  return alerts.filter((each) => each.kind === kind)
}

const monitor = { window: { size: '1d' }, settle: '1d' }

test('a regression is measured by its errors: an alert on rmse is raised, and cleared when they are small again', async () => {
  const endpoint = 'fares'
  const persistence = { windows: 2, of: 3 }
  await ask('/endpoints', {
    name: endpoint,
    elsewhere: true,
    monitor: {
      ...monitor,
      performance: {
        metrics: [
          { metric: 'rmse', max: 12 },
          { metric: 'r2', min: 0.2 },
        ],
        persistence,
      },
      slices: { by: ['carrier'] },
      kpis: {
        regret: { outcomes: { over: -1, under: -2 }, unit: 'USD', min: -20, persistence },
        long_haul: { sql: 'select avg((inputs.distance > 500)::int) from predictions' },
        broken: { sql: "select count(*) from read_csv('/etc/passwd')" },
      },
    },
  })
  const fare = (spread: number) => (draw: () => number) => {
    const distance = Math.floor(draw() * 1000)
    const fair = 50 + distance / 5
    const noise = (draw() + draw() + draw() - 1.5) * 2 * spread
    return {
      inputs: { carrier: CARRIERS[Math.floor(draw() * 3)], distance },
      outputs: { fare: fair + noise },
      label: fair,
    }
  }
  for (let day = 0; day < 3; day++) await tell(endpoint, day, fare(8))
  for (let day = 3; day < 6; day++) await tell(endpoint, day, fare(40))
  for (let day = 6; day < 10; day++) await tell(endpoint, day, fare(8))

  const calm = await measured(endpoint, 1)
  expect(calm.performance).toMatchObject({ task: 'regression', main: 'rmse', labels: ROWS_A_DAY })
  const { rmse, mae, r2 } = calm.performance?.metrics ?? {}
  expect(rmse?.value).toBeGreaterThan(7)
  expect(rmse?.value).toBeLessThan(9)
  expect(rmse?.ciLow).toBeLessThan(rmse?.value ?? 0)
  expect(mae?.value).toBeLessThan(rmse?.value ?? 0)
  expect(r2?.value).toBeGreaterThan(0.9)
  expect(calm.performance?.slices[0]?.slices.map(({ value }) => value).toSorted()).toEqual([
    'AA',
    'B6',
    'UA',
  ])
  const [regret, longHaul, broken] = calm.kpis?.kpis ?? []
  expect(regret?.value).toBeCloseTo((regret?.total ?? 0) / ROWS_A_DAY, 9)
  expect(regret?.value).toBeLessThan(-5)
  expect(longHaul?.value).toBeGreaterThan(0.4)
  expect(broken?.value).toBeNull()
  expect(broken?.note).toContain('disabled')

  await measured(endpoint, 7)
  const [alert, ...others] = await alertsOf(endpoint, 'performance')
  expect(others).toEqual([])
  expect(alert).toMatchObject({
    subject: 'rmse',
    severity: 'critical',
    state: 'cleared',
    raisedWindow: new Date(START + 3 * DAY).toISOString(),
    clearedWindow: new Date(START + 7 * DAY).toISOString(),
  })
  expect(alert?.detail).toMatch(
    /^rmse \d+(\.\d+)? \(.* to .*, 300 labels\) is beyond doubt not at most 12$/,
  )
  expect(await alertsOf(endpoint, 'kpis')).toMatchObject([{ subject: 'regret', state: 'cleared' }])
}, 90_000)

test('three classes are measured class by class, with their probabilities', async () => {
  const endpoint = 'tickets'
  await ask('/endpoints', {
    name: endpoint,
    elsewhere: true,
    monitor: {
      ...monitor,
      performance: { metric: 'f1', min: 0.99, persistence: { windows: 2, of: 2 } },
    },
  })
  const names = ['bug', 'question', 'wish']
  for (let day = 0; day < 4; day++)
    await tell(endpoint, day, (draw) => {
      const truth = Math.floor(draw() * 3)
      const weights = names.map((_, place) => (place === truth ? 0.6 : 0) + draw())
      const total = weights.reduce((all, each) => all + each, 0)
      const probabilities = weights.map((each) => each / total)
      const said = probabilities.indexOf(Math.max(...probabilities))
      return {
        inputs: { length: Math.floor(draw() * 100) },
        outputs: { label: names[said], probabilities },
        label: names[truth],
      }
    })
  const { performance } = await measured(endpoint, 1)
  expect(performance).toMatchObject({ task: 'multiclass', main: 'f1_macro', labels: ROWS_A_DAY })
  expect(performance?.classes?.map((each) => each.class)).toEqual(names)
  expect(performance?.metrics['roc_auc_ovo']?.value).toBeGreaterThan(0.8)
  expect(performance?.metrics['log_loss']?.value).toBeLessThan(1)
  expect(await alertsOf(endpoint, 'performance')).toMatchObject([
    { subject: 'f1_macro', state: 'open' },
  ])
}, 90_000)

test('a decision about people is watched for how it treats groups', async () => {
  const endpoint = 'loans'
  await ask('/endpoints', {
    name: endpoint,
    elsewhere: true,
    monitor: {
      ...monitor,
      fairness: {
        by: ['sex'],
        metrics: [{ metric: 'demographic_parity_ratio', min: 0.8 }],
      },
    },
  })
  const lend = (lean: number) => (draw: () => number) => {
    const chance = draw()
    const sex = chance < 0.02 ? 'x' : chance < 0.5 ? 'f' : 'm'
    const worthy = draw()
    return {
      inputs: { sex },
      outputs: { probability: Math.min(1, Math.max(0, worthy - (sex === 'f' ? lean : 0))) },
      label: draw() < worthy ? 1 : 0,
    }
  }
  await tell(endpoint, 0, lend(0))
  for (let day = 1; day < 4; day++) await tell(endpoint, day, lend(0.4))
  const { fairness } = await measured(endpoint, 1)
  // Of so few nothing is told.
  expect(fairness?.columns[0]?.groups.map(({ group }) => group).toSorted()).toEqual(['f', 'm'])
  expect(fairness?.columns[0]?.suppressed.groups).toBe(1)
  expect(await alertsOf(endpoint, 'fairness')).toMatchObject([
    {
      subject: 'demographic_parity_ratio of sex',
      severity: 'critical',
      state: 'open',
      raisedWindow: new Date(START + DAY).toISOString(),
    },
  ])
}, 90_000)

test('a metric that no task has is refused when the endpoint is declared', async () => {
  const performance = { metric: 'rmes', max: 12 }
  await expect(
    ask('/endpoints', { name: 'typo', elsewhere: true, monitor: { ...monitor, performance } }),
  ).rejects.toThrow('there is no metric rmes')
})
