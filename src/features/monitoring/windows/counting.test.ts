import { describe, expect, test } from 'vitest'
import type { PredictionQueries, PredictionRow } from '#serving'
import { cutWindows } from './counting.ts'

const MINUTE = 60_000

/** The log of an endpoint that was asked at these times, read a few rows at a time. */
function logOf(times: readonly number[]): Pick<PredictionQueries, 'window'> {
  const rows = times.toSorted((one, other) => one - other)
  return {
    window: async (_, { fromMs, toMs, after }) => {
      const found = rows.filter((eventMs) => eventMs >= fromMs && eventMs < toMs)
      const at = Number(after ?? 0)
      return {
        rows: found.slice(at, at + 7).map((eventMs) => ({ eventMs }) as PredictionRow),
        next: at + 7 < found.length ? String(at + 7) : null,
      }
    },
  }
}

const minutes = (count: number) => Array.from({ length: count }, (_, at) => at * MINUTE)

describe('windows by count', () => {
  const cut = (times: readonly number[], how: Partial<Parameters<typeof cutWindows>[2]> = {}) =>
    cutWindows(logOf(times), 'e', {
      count: 10,
      longestMs: undefined,
      fromMs: null,
      reachedMs: times.at(-1) ?? 0,
      ...how,
    })

  test('are over with their last prediction, and the next begin there', async () => {
    expect(await cut(minutes(25))).toEqual({
      windows: [
        { startMs: 0, endMs: 9 * MINUTE + 1, predictions: 10 },
        { startMs: 9 * MINUTE + 1, endMs: 19 * MINUTE + 1, predictions: 10 },
      ],
      missing: 5,
    })
  })

  test('wait for the moment of their last prediction to pass, and keep together what was asked in one', async () => {
    const times = [...minutes(9), 9 * MINUTE, 9 * MINUTE, 9 * MINUTE]
    expect((await cut(times)).windows).toEqual([])
    expect((await cut(times, { reachedMs: 9 * MINUTE + 1 })).windows).toEqual([
      { startMs: 0, endMs: 9 * MINUTE + 1, predictions: 12 },
    ])
  })

  test('go on from the window before, whatever came late for it', async () => {
    const { windows } = await cut(minutes(25), { fromMs: 9 * MINUTE + 1 })
    expect(windows).toEqual([{ startMs: 9 * MINUTE + 1, endMs: 19 * MINUTE + 1, predictions: 10 }])
  })

  test('are over after their longest time, however few predictions they have', async () => {
    const times = [0, MINUTE, 100 * MINUTE, 101 * MINUTE]
    const how = { longestMs: 60 * MINUTE, reachedMs: 200 * MINUTE }
    expect((await cut(times, how)).windows).toEqual([
      { startMs: 0, endMs: 60 * MINUTE, predictions: 2 },
      { startMs: 60 * MINUTE, endMs: 160 * MINUTE, predictions: 2 },
    ])
  })
})
