import { expect, test } from 'vitest'
import type { PredictionRow } from '#serving'
import { DEFAULT_MONITOR } from '../default-monitor.ts'
import type { View } from './part.ts'
import { labels } from './labels.ts'
import type { Window } from '../windows/window.ts'

const DAY_MS = 86_400_000

test('labels that come no more are told of, until they come again', async () => {
  const days = await watched([...full(14), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.9, 0.9])
  expect(days.slice(0, 14).every((state) => state === 'over' || state === 'open')).toBe(true)
  expect(days.slice(14, 26)).toEqual(Array.from({ length: 12 }, () => 'holds'))
  expect(days.slice(26)).toEqual(['over', 'over'])
})

test.each<[string, number[]]>([
  ['people rest on two days of the week', weeks(6, [0.9, 0.9, 0.9, 0.9, 0.9, 0, 0])],
  ['labels always were rare', [...Array.from({ length: 14 }, () => 0.05), 0, 0, 0]],
  ['they come and go by half', weeks(6, [0.9, 0.5, 0.8, 0.5, 0.6, 0.7, 0.5])],
  ['less than a week is known', [...full(6), 0]],
])('nothing is told where %s', async (_, shares) => {
  expect(await watched(shares)).not.toContain('holds')
})

test('a label that comes late does not make up for the day on which it was missed', async () => {
  const known = { state: 'counted', share: 0, usual: 0.9, stopped: true } as const
  const view = viewOf(1, { share: 1, before: [] })
  expect(await labels.judge({ ...view, found: { labels: known } })).toEqual({ labels: known })
})

function full(days: number): number[] {
  return Array.from({ length: days }, () => 0.9)
}

function weeks(count: number, week: readonly number[]): number[] {
  return Array.from({ length: count }, () => week).flat()
}

/** What is said at each day; `shares` says how many of its predictions had a label in time. */
async function watched(shares: readonly number[]): Promise<string[]> {
  const before: Window[] = []
  const states: string[] = []
  for (const [day, share] of shares.entries()) {
    const found = await labels.judge(viewOf(day, { share, before }))
    const window = { startMs: day * DAY_MS, ...found } as unknown as Window
    const conditions = labels.conditions(window, before, DEFAULT_MONITOR)
    before.push(window)
    states.push(conditions === 'unjudged' ? 'unjudged' : (conditions[0]?.state ?? 'none'))
  }
  return states
}

function viewOf(day: number, of: { share: number; before: readonly Window[] }): View {
  const rows = Array.from({ length: 200 }, (_, at) => ({ label: at < 200 * of.share ? 1 : null }))
  return {
    monitor: DEFAULT_MONITOR,
    span: { fromMs: day * DAY_MS, toMs: (day + 1) * DAY_MS },
    found: {},
    rows: async () => rows as unknown as PredictionRow[],
    earlier: async (count: number) => of.before.slice(-count),
    at: async (startMs: number) => of.before.find((each) => each.startMs === startMs),
  } as unknown as View
}
