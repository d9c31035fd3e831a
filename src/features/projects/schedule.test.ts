import { expect, test } from 'vitest'
import { nextTick, scheduleFault, ticksBetween } from './schedule.ts'

const HOUR_MS = 3_600_000
const at = (text: string) => Date.parse(text)
const berlin = (cron: string) => ({ cron, timezone: 'Europe/Berlin' })
const after = (cron: string, from: string, count: number) => {
  const ticks: string[] = []
  for (let now = at(from); ticks.length < count;) {
    now = nextTick(berlin(cron), now) as number
    ticks.push(new Date(now).toISOString().slice(0, 16))
  }
  return ticks
}

test('a schedule keeps the local time when the clocks change', () => {
  expect(after('0 3 * * *', '2026-03-27T12:00Z', 3)).toEqual([
    '2026-03-28T02:00',
    '2026-03-29T01:00',
    '2026-03-30T01:00',
  ])
})

test('a time that the clocks leap over comes when they have leapt, once', () => {
  expect(after('30 2 * * *', '2026-03-28T12:00Z', 2)).toEqual([
    '2026-03-29T01:00',
    '2026-03-30T00:30',
  ])
})

test('a time that comes twice ticks once, but each half hour ticks', () => {
  expect(after('30 2 * * *', '2026-10-24T12:00Z', 2)).toEqual([
    '2026-10-25T00:30',
    '2026-10-26T01:30',
  ])
  expect(after('*/30 * * * *', '2026-10-25T00:00Z', 4)).toEqual([
    '2026-10-25T00:30',
    '2026-10-25T01:00',
    '2026-10-25T01:30',
    '2026-10-25T02:00',
  ])
})

test('ticks between two times leave the first out and take the last in; of many, the newest', () => {
  const hourly = { cron: '@hourly', timezone: 'UTC' }
  const [from, until] = [at('2026-01-01T00:00Z'), at('2026-01-02T00:00Z')]
  const few = ticksBetween(hourly, { afterMs: from, untilMs: until, max: 100 })
  expect([few.count, few.ticks[0], few.ticks.at(-1)]).toEqual([24, from + HOUR_MS, until])
  const newest = ticksBetween(hourly, { afterMs: from, untilMs: until, max: 2 })
  expect(newest).toEqual({ count: 24, ticks: [until - HOUR_MS, until] })
})

test.each([
  ['0 3 * * 1', 'Europe/Berlin', undefined],
  ['@weekly', 'UTC', undefined],
  ['0 3 * *', 'UTC', 'five'],
  ['61 * * * *', 'UTC', 'minute'],
  ['* * * * * *', 'UTC', '5 parts'],
  ['0 0 30 2 *', 'UTC', 'never comes'],
  ['0 3 * * 1', 'Mars/Olympus', 'no time zone'],
])('%s in %s: %s', (cron, timezone, words) => {
  const fault = scheduleFault({ cron, timezone })
  if (words === undefined) expect(fault).toBeUndefined()
  else expect(fault).toContain(words)
})
