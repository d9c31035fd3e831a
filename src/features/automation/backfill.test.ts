import { expect, test } from 'vitest'
import { dateOfRequest, datesOf, differsByDate, orderFor, requestFor } from './backfill.ts'

const at = (text: string) => Date.parse(text)
const starts = (from: string, to: string, every: string) =>
  datesOf({ fromMs: at(from), toMs: at(to), every }).map(({ startMs }) =>
    new Date(startMs).toISOString().slice(0, 10),
  )

test('a range has its first date and its last', () => {
  expect(starts('2026-01-30', '2026-02-01', '1d')).toEqual([
    '2026-01-30',
    '2026-01-31',
    '2026-02-01',
  ])
  expect(starts('2026-01-01', '2026-01-01', '1d')).toEqual(['2026-01-01'])
  expect(starts('2026-01-01', '2026-01-20', '1w')).toHaveLength(3)
})

test('months keep their day as far as they have it, and lead back to it', () => {
  expect(starts('2026-01-31', '2026-04-30', '1mo')).toEqual([
    '2026-01-31',
    '2026-02-28',
    '2026-03-31',
    '2026-04-30',
  ])
  expect(starts('2024-02-29', '2028-03-01', '1y').at(-1)).toBe('2028-02-29')
})

test('each date lasts until the next begins', () => {
  const dates = datesOf({ fromMs: at('2026-01-31'), toMs: at('2026-12-31'), every: '1mo' })
  expect(dates.slice(1).map(({ startMs }) => startMs)).toEqual(
    dates.slice(0, -1).map(({ endMs }) => endMs),
  )
})

test.each([
  ['2026-01-02', '2026-01-01', '1d', 'before the first'],
  ['2026-01-01', '2026-01-02', '0d', 'no step'],
  ['2026-01-01', '2026-01-02', '1 day', 'no step'],
  ['2000-01-01', '2026-01-02', '1h', 'more than 10000'],
  ['2026-01-01', '2026-01-02', '999999y', 'there is no date'],
])('%s to %s every %s is refused: %s', (from, to, every, words) => {
  expect(() => starts(from, to, every)).toThrow(words)
})

test('what is set and the variables tell the date', () => {
  const date = {
    backfill: 'backfill-01AB',
    number: 3,
    startMs: at('2026-01-31'),
    endMs: at('2026-02-01'),
    state: 'running',
    tries: 2,
    request: null,
    reason: null,
  } as const
  expect(orderFor({ set: ['day={date}', 'until={end}'] }, date)).toEqual({
    overrides: ['day=2026-01-31', 'until=2026-02-01T00:00:00.000Z'],
    variables: {
      ORRERY_DATE: '2026-01-31',
      ORRERY_START: '2026-01-31T00:00:00.000Z',
      ORRERY_END: '2026-02-01T00:00:00.000Z',
    },
  })
  expect(dateOfRequest(requestFor(date))).toEqual({
    backfill: 'backfill-01AB',
    number: 3,
    tries: 2,
  })
  expect(dateOfRequest('keep-fresh-0000000007')).toBeUndefined()
  expect([differsByDate(['lr=1']), differsByDate(['day={date}'])]).toEqual([false, true])
})
