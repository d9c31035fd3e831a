import { expect, test } from 'vitest'
import { awaited, cronWords, momentIn, until } from './words.ts'

test.each([
  ['*/15 * * * *', 'every 15 minutes'],
  ['5 * * * *', 'minute 5 of every hour'],
  ['@hourly', 'minute 0 of every hour'],
  ['0 3 * * *', '03:00 every day'],
  ['30 14 * * 1-5', '14:30 Monday to Friday'],
  ['0 0 * * 7', '00:00 every Sunday'],
  ['0 6 1 * *', '06:00 on day 1 of every month'],
  ['0 6 1 * 1', 'the schedule 0 6 1 * 1'],
  ['0 6 1 2 *', 'the schedule 0 6 1 2 *'],
  ['0,30 6 * * *', 'the schedule 0,30 6 * * *'],
])('the schedule %s reads as %s', (cron, words) => {
  expect(cronWords(cron)).toBe(words)
})

test('what sets a policy off is told with all its conditions', () => {
  expect(
    awaited({ kind: 'event', type: 'policy-run-finished', where: { policy: 'a', depth: 2 } }),
  ).toBe('policy-run-finished in the ledger with policy a and depth 2')
  expect(
    awaited({ kind: 'schedule', cron: '0 3 * * 1', timezone: 'Europe/Berlin', catchUp: 'none' }),
  ).toBe('03:00 every Monday (Europe/Berlin); missed ticks are let go')
})

test('a moment is told as clocks of the zone show it, and how far off it is', () => {
  const tick = '2026-03-29T01:00:00Z'
  expect(momentIn(tick, 'Europe/Berlin')).toBe('Sun 29 Mar, 03:00')
  expect(momentIn(tick, 'Asia/Tokyo')).toBe('Sun 29 Mar, 10:00')
  expect(until(tick, Date.parse('2026-03-28T22:00:00Z'))).toBe('in 3 h')
  expect(until(tick, Date.parse(tick) + 1)).toBe('now')
})
