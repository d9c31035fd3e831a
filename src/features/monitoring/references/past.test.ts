import { describe, expect, test } from 'vitest'
import type { MonitorConfig } from '#projects'
import { DEFAULT_MONITOR } from '../default-monitor.ts'
import { pastReferences, referenceProblems } from './past.ts'

const DAY_MS = 86_400_000
const fromMs = Date.UTC(2013, 6, 10)
const span = { fromMs, toMs: fromMs + DAY_MS }

describe('windows are compared with the past of', () => {
  test.each<[string, MonitorConfig['reference'], [from: number, to: number][]]>([
    ['the window before', 'previous', [[-1, 0]]],
    [
      'the same weekday, for six weeks',
      'same-weekday',
      [-42, -35, -28, -21, -14, -7].map((day) => [day, day + 1]),
    ],
    ['a period', { from: '2013-07-01', to: '2013-07-04' }, [[-9, -6]]],
  ])('%s', async (_, reference, spans) => {
    const { found, asked } = await lookedUp({
      ...DEFAULT_MONITOR,
      ...(reference === undefined ? {} : { reference }),
    })
    expect(
      asked.map((each) => [each.fromMs, each.toMs].map((ms) => (ms - fromMs) / DAY_MS)),
    ).toEqual(spans)
    // Nobody asked anything there.
    expect(found).toMatchObject({
      state: 'unknown',
      reason: expect.stringMatching(/nobody asked/) as string,
    })
  })

  test('nothing, where they are compared with the training data', async () => {
    expect(await lookedUp(DEFAULT_MONITOR)).toEqual({ found: undefined, asked: [] })
  })

  test('no hours, where windows are no whole hours: that is said', async () => {
    const monitor = { ...DEFAULT_MONITOR, window: { size: '90m' }, reference: 'previous' } as const
    expect((await lookedUp(monitor)).found).toMatchObject({
      state: 'unknown',
      reason: expect.stringMatching(/whole hours/) as string,
    })
  })
})

test('a period is looked at once, and again when there is more of it', async () => {
  let looks = 0
  let predictions = 0
  const references = pastReferences({
    // oxlint-disable-next-line require-yield -- nobody asked anything there
    profiles: async function* () {
      looks++
    },
    summaries: async () => [{ startMs: fromMs, predictions, labels: 0 }],
  })
  const monitor = { ...DEFAULT_MONITOR, reference: { from: '2013-07-01', to: '2013-07-04' } }
  const looked = async (endpoint: string) => {
    await references(endpoint, { monitor, version: { model: 'm', version: 1 }, span })
    return looks
  }
  expect([await looked('e'), await looked('e'), await looked('other')]).toEqual([1, 1, 2])
  predictions = 1
  expect([await looked('e'), await looked('e')]).toEqual([3, 3])
})

test.each([
  ['2013-02-01', '2013-01-01', ['the period ends (2013-01-01) before it begins (2013-02-01)']],
  ['2013-13-01', '2014-01-01', ['2013-13-01 is no day; write one as 2013-01-31']],
  ['2013-01-01', '2013-02-01', []],
])('a period from %s to %s is checked', (from, to, problems) => {
  expect(referenceProblems({ from, to })).toEqual(problems)
})

async function lookedUp(monitor: MonitorConfig) {
  const asked: { fromMs: number; toMs: number }[] = []
  const references = pastReferences({
    // oxlint-disable-next-line require-yield -- nobody asked anything there
    profiles: async function* (_, each) {
      asked.push(each)
    },
    summaries: async () => [],
  })
  const found = await references('e', { monitor, version: { model: 'm', version: 1 }, span })
  return { found, asked }
}
