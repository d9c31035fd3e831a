import { expect, test } from 'vitest'
import { instantMs, keyOf } from './event.ts'

test('times are read as people and programs write them, in UTC unless they say otherwise', () => {
  const noon = Date.UTC(2013, 2, 1, 12)
  for (const text of [
    '2013-03-01T12:00:00Z',
    '2013-03-01T12:00:00.000000Z',
    '2013-03-01 12:00:00',
    '2013-03-01T12:00',
    '2013-03-01T13:00:00+01:00',
    '2013-03-01T07:00:00-0500',
    noon,
    BigInt(noon),
  ])
    expect(instantMs(text)).toBe(noon)
  expect(instantMs('2013-03-01')).toBe(Date.UTC(2013, 2, 1))
  expect(instantMs('2012-02-29')).toBe(Date.UTC(2012, 1, 29))
  for (const none of [
    'soon',
    '',
    '2013-13-01',
    '2013-02-29',
    '2013-04-31T12:00:00Z',
    '13',
    null,
    undefined,
    Number.NaN,
    1e20,
    {},
  ])
    expect(instantMs(none)).toBeUndefined()
})

test('a number and its text are one key', () => {
  expect([keyOf(7), keyOf('7'), keyOf(7n), keyOf(null), keyOf([7])]).toEqual([
    '7',
    '7',
    '7',
    null,
    null,
  ])
})
