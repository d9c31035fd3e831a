import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  countsOf,
  driftOf,
  type CategoricalProfile,
  type NumericProfile,
  type Profile,
} from '#drift'
import { persists } from '#monitoring'
import {
  joined,
  name,
  openAnalytics,
  rowsOf,
  sql,
  type Analytics,
  type Row,
} from '#stores/analytics/duckdb/index'

const FEATURES = [
  'carrier',
  'origin',
  'dest',
  'distance',
  'hour',
  'minute',
  'weekday',
  'temp',
  'dewp',
  'humid',
  'wind_dir',
  'wind_speed',
  'precip',
  'pressure',
  'visib',
]
const DAY_MS = 86_400_000

let analytics: Analytics
let winter: Profile

beforeAll(async () => {
  analytics = openAnalytics({ memoryMb: 256 })
  winter = await analytics.profile({
    files: [monthFile(1), monthFile(2)],
    columns: FEATURES,
    time: { column: 'time_hour', windowMs: DAY_MS },
  })
})
afterAll(() => analytics.close())

test('March, judged by January and February, is quiet', async () => {
  const march = await daysOf(3)
  const share = march.reduce((all, day) => all + day.share, 0) / march.length
  expect(share).toBeLessThan(0.02)
  expect(
    persists(
      march.map((day) => day.share >= 0.1),
      { windows: 3, of: 5 },
    ),
  ).toBe(false)
})

test('every day has one weekday only, and yet the weekday never drifts', async () => {
  for (const month of [3, 7])
    expect((await daysOf(month)).filter((day) => day.drifted.includes('weekday'))).toEqual([])
})

test('July, judged by January and February, has other temperatures on every day', async () => {
  const july = await daysOf(7)
  for (const day of july) expect(day.drifted).toEqual(expect.arrayContaining(['temp', 'dewp']))
  expect(july.filter((day) => day.drifted.includes('pressure')).length).toBeLessThan(4)
})

async function daysOf(month: number) {
  const rows = await analytics.query(
    sql`select floor(epoch_ms(time_hour) / ${DAY_MS})::bigint as utc_day, ${joined(FEATURES.map(name), ', ')}
        from ${rowsOf([monthFile(month)])} order by utc_day`,
  )
  return [...Map.groupBy(rows, (row) => row['utc_day']).values()]
    .filter((day) => day.length >= 500)
    .map((day) => driftOf(winter, windowOf(day), { samplesMin: 100 }))
}

function windowOf(rows: readonly Row[]) {
  return new Map(
    FEATURES.map((feature) => [
      feature,
      countsOf(
        winter.columns[feature] as NumericProfile | CategoricalProfile,
        rows.map((row) => row[feature] as string | number | null),
      ),
    ]),
  )
}

function monthFile(month: number) {
  const file = `2013-${String(month).padStart(2, '0')}.parquet`
  return { path: join('examples/flights/months', file), name: file }
}
