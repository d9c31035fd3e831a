import { expect, test } from 'vitest'
import type { Logged } from '#inference'
import type { HourProfile, PredictionRow } from '#serving'
import { addValue, emptySketch, type ColumnSketch } from '#sketches'
import { driftVerdict } from '../parts/drift-verdict.ts'
import type { Reference } from '../store.ts'
import type { WindowDrift } from '../windows/window.ts'
import { driftHistory } from './history.ts'
import { lookAtHours } from './look.ts'
import { referenceOfSpan } from './reference.ts'
import { lookAtRows } from './rows.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const monitor = { min_samples: 50, drift: { alert_share: 0.3, persistence: { windows: 2, of: 3 } } }

/** How far an effect from profiles may be from that of the rows, where an hour has more values than are kept. */
const TOLERANCE = 0.02

test('a window of few different values is judged from profiles as from its rows, to the last digit that counts', () => {
  const reference = referenceOf(rowsOf({ days: 20, perHour: 20 }))
  for (const shift of [0, 0.3, 2]) {
    const rows = rowsOf({ days: 1, perHour: 40, seed: 9, shift })
    const [judged, expected] = [
      verdict(reference, lookAtHours(hoursOf(rows), reference)),
      verdict(reference, lookAtRows(rows, reference)),
    ]
    expect(rounded(judged)).toEqual(rounded(expected))
  }
})

test('a window of many values is judged the same, and its effects are as near as is stated', () => {
  const reference = referenceOf(rowsOf({ days: 10, perHour: 100 }))
  for (const shift of [0, 0.05, 0.3]) {
    const rows = rowsOf({ days: 1 / 24, perHour: 40_000, seed: 11, shift })
    const hours = hoursOf(rows)
    const found = features(verdict(reference, lookAtHours(hours, reference)))
    const expected = features(verdict(reference, lookAtRows(rows, reference)))
    expect(found.map(({ state }) => state)).toEqual(expected.map(({ state }) => state))
    const off = found.map(({ effect }, at) => Math.abs(effect - (expected[at]?.effect ?? NaN)))
    expect(Math.max(...off)).toBeLessThan(TOLERANCE)
  }
})

test('chance is not ruled out by what a sketch does not know', () => {
  const reference = referenceOf(rowsOf({ days: 10, perHour: 100 }))
  const rows = rowsOf({ days: 1 / 24, perHour: 40_000, seed: 12 })
  const found = features(verdict(reference, lookAtHours(hoursOf(rows), reference)))
  expect(Math.min(...found.map(({ p }) => p))).toBeGreaterThan(0.01)
})

test('a history of windows is told from profiles alone, each by the version that answered most of it', async () => {
  const before = rowsOf({ days: 10, perHour: 20 })
  const reference = referenceOf(before)
  const rows = [
    ...rowsOf({ days: 2, perHour: 20, seed: 3 }),
    ...rowsOf({ days: 1, perHour: 20, seed: 4, shift: 3, fromMs: 2 * DAY, version: 'late/2' }),
  ]
  const asked: string[] = []
  const windows = await Array.fromAsync(
    driftHistory({
      endpoint: 'flights',
      hours: hoursOf(rows),
      sizeMs: DAY,
      monitor,
      reference: async (modelVersion) => {
        asked.push(modelVersion)
        return { state: 'known', reference }
      },
    }),
  )
  expect(asked).toEqual(['late/1', 'late/1', 'late/2'])
  expect(windows.map(({ startMs, endMs, predictions }) => [startMs, endMs, predictions])).toEqual([
    [0, DAY, 480],
    [DAY, 2 * DAY, 480],
    [2 * DAY, 3 * DAY, 480],
  ])
  const alarms = windows.map(({ drift }) => drift.state === 'judged' && drift.alarming)
  expect(alarms).toEqual([false, false, true])
})

test('without a reference the reason is told, and nobody was asked nothing is', async () => {
  const reference = async () => ({ state: 'unknown' as const, reason: 'its data is gone' })
  const history = { endpoint: 'e', sizeMs: DAY, monitor, reference }
  const hours = hoursOf(rowsOf({ days: 1, perHour: 3 }))
  expect(await Array.fromAsync(driftHistory({ ...history, hours }))).toMatchObject([
    { drift: { state: 'skipped', reason: 'there is no reference: its data is gone' } },
  ])
  expect(await Array.fromAsync(driftHistory({ ...history, hours: [] }))).toEqual([])
  expect(referenceOfSpan([], { modelVersion: 'late/1', windowMs: DAY })).toBeUndefined()
})

test('a span as a reference knows how much its own windows differ, and what one version answered', () => {
  const rows = rowsOf({ days: 20, perHour: 10 })
  const other = rowsOf({ days: 1, perHour: 10, shift: 50, version: 'late/2' })
  const reference = referenceOf([...rows, ...other])
  const { delay, carrier, absent } = reference.profile.columns
  expect(delay).toMatchObject({ kind: 'numeric', spread: { windows: 20 } })
  expect(carrier).toMatchObject({ kind: 'categorical', categories: ['AA', 'UA', 'true'] })
  expect(absent).toEqual({ kind: 'other', reason: 'the reference has no value of it' })
  expect(reference.prediction?.max).toBeLessThan(2)
})

function verdict(reference: Reference, look: Parameters<typeof driftVerdict>[1]['look']) {
  return driftVerdict({ state: 'known', reference }, { monitor, look })
}

function features(drift: WindowDrift) {
  if (drift.state === 'skipped') throw new Error(drift.reason)
  return [...drift.features, drift.prediction].flatMap((each) =>
    each?.state === 'steady' || each?.state === 'drifted'
      ? [{ feature: each.feature, state: each.state, effect: each.effect ?? 0, p: each.p }]
      : [],
  )
}

/** In what order sums were added shows in their last digits. */
function rounded(drift: WindowDrift): unknown {
  return JSON.parse(
    JSON.stringify(drift, (_, value: unknown) =>
      typeof value === 'number' ? Number(value.toPrecision(10)) : value,
    ),
  )
}

function referenceOf(rows: readonly PredictionRow[]): Reference {
  const made = referenceOfSpan(hoursOf(rows), { modelVersion: 'late/1', windowMs: DAY })
  if (made === undefined) throw new Error('there are rows')
  return made
}

function rowsOf({
  days,
  perHour,
  seed = 1,
  shift = 0,
  fromMs = 0,
  version = 'late/1',
}: {
  days: number
  perHour: number
  seed?: number
  shift?: number
  fromMs?: number
  version?: string
}): PredictionRow[] {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  return Array.from({ length: Math.round(days * 24) * perHour }, (_, at) => {
    const delay = next() + next() + next() + shift
    return {
      id: `b-${at}`,
      batch: 'b',
      revision: version === 'late/1' ? 1 : 2,
      modelVersion: version,
      role: 'live',
      eventMs: fromMs + Math.floor(at / perHour) * HOUR + (at % perHour),
      atMs: 0,
      latencyMs: 1,
      key: null,
      inputs: {
        delay: next() < 0.02 ? null : delay,
        carrier: next() < 0.02 ? true : next() < 0.6 ? 'AA' : 'UA',
        whole: Math.floor(next() * 10),
        absent: null,
        list: [1, 2],
      },
      outputs: { label: 1, probabilities: [1 - delay / 4, delay / 4] },
      label: null,
    }
  })
}

/** The profiles that the log would have of these rows. */
function hoursOf(rows: readonly PredictionRow[]): HourProfile[] {
  const groups = Map.groupBy(
    rows,
    ({ eventMs, revision }) => `${Math.floor(eventMs / HOUR)}/${revision}`,
  )
  return [...groups.values()].map((group) => {
    const [{ eventMs, revision, modelVersion }] = group as [PredictionRow, ...PredictionRow[]]
    const outputs = sketchesOf(group.map((row) => row.outputs))
    for (const row of group)
      for (const [at, value] of (row.outputs['probabilities'] as Logged[]).entries())
        addTo(outputs, `probabilities[${at}]`, value)
    return {
      startMs: Math.floor(eventMs / HOUR) * HOUR,
      revision,
      modelVersion,
      rows: group.length,
      inputs: sketchesOf(group.map((row) => row.inputs)),
      outputs,
      latencyMs: emptySketch(),
    }
  })
}

function sketchesOf(records: readonly Readonly<Record<string, Logged>>[]) {
  const sketches = new Map<string, ColumnSketch>()
  for (const record of records)
    for (const [name, value] of Object.entries(record)) addTo(sketches, name, value)
  return sketches
}

function addTo(sketches: Map<string, ColumnSketch>, name: string, value: Logged): void {
  const sketch = sketches.get(name) ?? emptySketch()
  sketches.set(name, sketch)
  addValue(sketch, value)
}
