import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import type { Profile } from '#drift'
import type { Logged } from '#inference'
import {
  createMonitoring,
  type Alert,
  type Monitoring,
  type MonitoringDependencies,
} from '#monitoring'
import type { Endpoint, PredictionQueries, PredictionRow } from '#serving'
import {
  joined,
  name,
  openAnalytics,
  rowsOf,
  sql,
  type Analytics,
} from '#stores/analytics/duckdb/index'
import { openSqlStore, type SqlStore } from '#stores/sql/index'

const DAY_MS = 86_400_000
const FEATURES =
  'carrier origin dest distance hour minute weekday temp dewp humid wind_dir wind_speed precip pressure visib'.split(
    ' ',
  )
const MONTHS = Array.from({ length: 12 }, (_, index) => monthFile(index + 1))

/** Every so many-th flight number: enough for each day to be judged. */
const THINNED = 3

type Inputs = Record<string, Logged>
interface Asked {
  readonly atMs: number
  readonly inputs: Inputs
}

let analytics: Analytics
let year: Asked[]
let wholeYear: Profile
let folder: string
let stores = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-year-'))
  analytics = openAnalytics({ memoryMb: 256 })
  wholeYear = await analytics.profile({
    files: MONTHS,
    columns: FEATURES,
    time: { column: 'time_hour', windowMs: DAY_MS },
  })
  const rows = await analytics.query(
    sql`select epoch_ms(time_hour)::double as at, ${joined(FEATURES.map(name), ', ')}
        from ${rowsOf(MONTHS)} where flight % ${THINNED} = 0 order by time_hour, carrier, flight`,
  )
  year = rows.map(({ at, ...inputs }) => ({ atMs: at as number, inputs: inputs as Inputs }))
}, 60_000)
afterAll(async () => {
  await analytics.close()
  await rm(folder, { recursive: true, force: true })
})

test('a year of which the training data had a share raises no alert of drift, and none of quality but for gaps that are there', async () => {
  const alerts = await watched(year)
  expect(alerts.filter(({ kind }) => kind === 'drift')).toEqual([])
  expect(alerts.filter(({ kind }) => kind === 'traffic')).toEqual([])
  const about = alerts.map(({ subject, detail }) => `${subject}: ${detail}`)
  expect(about.filter((each) => !/missing|has no value in any/.test(each))).toEqual([])
  // On the last day of the year the weather is not known at all: eight columns. The others are real outages.
  expect(about.filter((each) => each.includes('has no value'))).toHaveLength(8)
  expect(alerts.length).toBeLessThan(8 + 24)
}, 300_000)

describe('what breaks in June is told of', () => {
  const from = Date.UTC(2013, 4, 24)
  const breaks = Date.UTC(2013, 5, 8)
  const until = Date.UTC(2013, 5, 12)
  const some = (inputs: Inputs, column: string) => inputs[column] as number

  test.each<[string, (inputs: Inputs, index: number) => Inputs, Partial<Alert>, number]>([
    [
      'a feed in °C',
      (inputs) => ({ ...inputs, temp: (some(inputs, 'temp') - 32) / 1.8 }),
      { kind: 'quality', subject: 'temp', severity: 'critical' },
      1,
    ],
    [
      'a stuck sensor',
      (inputs) => ({ ...inputs, humid: 61.7 }),
      { kind: 'quality', subject: 'humid', severity: 'critical' },
      1,
    ],
    [
      'a column that is gone',
      ({ dest: _dest, ...inputs }) => inputs,
      { kind: 'quality', subject: 'dest', severity: 'critical' },
      1,
    ],
    [
      'numbers as text',
      (inputs) => ({ ...inputs, distance: `${some(inputs, 'distance')} mi` }),
      { kind: 'quality', subject: 'distance', severity: 'critical' },
      1,
    ],
    [
      'a new carrier',
      (inputs, index) => (index % 25 === 0 ? { ...inputs, carrier: 'ZZ' } : inputs),
      { kind: 'quality', subject: 'carrier', severity: 'warning' },
      2,
    ],
    [
      'a default in place of what is not known',
      (inputs, index) => (index % 30 === 0 ? { ...inputs, pressure: -9999 } : inputs),
      { kind: 'quality', subject: 'pressure', severity: 'warning' },
      2,
    ],
  ])(
    '%s',
    async (_, broken, expected, windows) => {
      const rows = year
        .filter(({ atMs }) => atMs >= from && atMs < until)
        .map((row, index) =>
          row.atMs < breaks ? row : { atMs: row.atMs, inputs: broken(row.inputs, index) },
        )
      const alerts = await watched(rows)
      const own = alerts.filter(({ raisedMs }) => raisedMs > breaks)
      expect(own).toContainEqual(expect.objectContaining(expected))
      expect(new Set(own.map(({ subject }) => subject))).toEqual(new Set([expected.subject]))
      expect(own.map(({ raisedMs }) => (raisedMs - breaks) / DAY_MS)).toEqual([windows])
    },
    60_000,
  )

  test('silence', async () => {
    const rows = year.filter(
      ({ atMs }) => atMs >= from && atMs < until && (atMs < breaks || atMs >= until - DAY_MS),
    )
    const alerts = await watched(rows)
    expect(alerts).toMatchObject([{ kind: 'traffic', severity: 'critical' }])
    expect((alerts[0] as Alert).raisedMs).toBe(breaks + DAY_MS)
  }, 60_000)

  test('rows that a join made three times', async () => {
    const rows = year
      .filter(({ atMs }) => atMs >= from && atMs < until)
      .flatMap((row) => (row.atMs < breaks ? [row] : [row, row, row]))
    const own = (await watched(rows)).filter(({ raisedMs }) => raisedMs > breaks)
    expect(own).toMatchObject([{ kind: 'quality', subject: '', severity: 'warning' }])
  }, 60_000)
})

/** The alerts that were raised when an endpoint was asked these rows. */
async function watched(rows: readonly Asked[]): Promise<Alert[]> {
  const store = await openSqlStore(join(folder, `${++stores}.db`), {
    clock: manualClock(),
    ids: countedIds(),
  })
  try {
    const monitoring = monitoringOf(store, rows)
    await monitoring.tick()
    for (const job of await store.read.work.open())
      await monitoring.handler.run(job, new AbortController().signal)
    return await monitoring.alerts({ limit: 200 })
  } finally {
    await store.close()
  }
}

function monitoringOf(store: SqlStore, rows: readonly Asked[]): Monitoring {
  const nothing = async (): Promise<never> => {
    throw new Error('not asked here')
  }
  const dependencies: Partial<MonitoringDependencies> = {
    read: store.read.monitoring,
    transact: store.transact,
    endpoints: async () => [ENDPOINT],
    predictions: queriesOf(rows),
    trainingData: {
      find: async () => ({ state: 'known', files: MONTHS, inputs: FEATURES }),
    },
    profiler: {
      columnNames: async () => [...FEATURES, 'time_hour'],
      profile: async () => wholeYear,
      sample: async () => [],
    },
    score: async () => [],
    happenings: async () => [],
    askRows: nothing,
    clock: manualClock(),
  }
  return createMonitoring(dependencies as MonitoringDependencies)
}

const ENDPOINT: Endpoint = {
  name: 'late',
  project: 'p',
  model: 'models:/m@champion',
  shadows: [],
  monitor: {
    window: { size: '1d', by: 'time_hour' },
    settle: '1d',
    min_samples: 100,
    drift: { alert_share: 0.1, persistence: { windows: 3, of: 5 } },
  },
  declaredMs: 0,
  live: {
    endpoint: 'late',
    number: 1,
    role: 'live',
    model: 'm',
    version: 1,
    digest: '',
    createdMs: 0,
  },
  answering: [],
  shadowing: [],
  failure: null,
}

function queriesOf(asked: readonly Asked[]): PredictionQueries {
  const days = Map.groupBy(asked, ({ atMs }) => Math.floor(atMs / DAY_MS))
  const inSpan = (fromMs: number, toMs: number) =>
    [...days].flatMap(([day, each]) => {
      if ((day + 1) * DAY_MS <= fromMs || day * DAY_MS >= toMs) return []
      return each.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
    })
  const queries: Omit<PredictionQueries, 'soFar'> = {
    window: async (_, { fromMs, toMs }) => ({ rows: inSpan(fromMs, toMs).map(rowOf), next: null }),
    summaries: async (_, { fromMs = -Infinity, toMs = Infinity, per }) =>
      [...Map.groupBy(inSpan(fromMs, toMs), ({ atMs }) => Math.floor(atMs / (per as number)))].map(
        ([hour, each]) => ({
          startMs: hour * (per as number),
          predictions: each.length,
          labels: 0,
        }),
      ),
    find: async () => undefined,
    // As if the next day had begun, so that the last one is over.
    watermark: async () => (Math.max(...days.keys()) + 1) * DAY_MS,
    // oxlint-disable-next-line no-empty-function -- these windows are judged by their rows
    profiles: async function* () {},
    onGrowth: () => () => undefined,
  }
  return { ...queries, soFar: queries }
}

function rowOf({ atMs, inputs }: Asked, index: number): PredictionRow {
  return {
    id: `b-${index}`,
    batch: 'b',
    revision: 1,
    modelVersion: 'm/1',
    role: 'live',
    eventMs: atMs,
    atMs,
    latencyMs: 1,
    key: null,
    inputs,
    outputs: {},
    label: null,
  }
}

function monthFile(month: number) {
  const file = `2013-${String(month).padStart(2, '0')}.parquet`
  return { path: join('examples/flights/months', file), name: file }
}
