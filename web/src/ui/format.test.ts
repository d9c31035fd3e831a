import { expect, test } from 'vitest'
import { ago, bytes, counted, duration, rate } from './format.ts'

test.each([
  [0.84, '0.8 ms'],
  [41.4, '41 ms'],
  [999.7, '1 s'],
  [1240, '1.2 s'],
  [59_970, '1 min 0 s'],
  [200_400, '3 min 20 s'],
  [7_260_000, '2 h 1 min'],
])('%d ms reads %s', (ms, words) => {
  expect(duration(ms)).toBe(words)
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [8_880_000, '8.9 MB'],
  [38_000_000, '38 MB'],
])('%d bytes read %s', (size, words) => {
  expect(bytes(size)).toBe(words)
})

test('a time ago is told in the unit that matters', () => {
  const now = Date.parse('2026-01-10T00:00:00Z')
  expect(ago('2026-01-09T23:59:58Z', now)).toBe('just now')
  expect(ago('2026-01-09T23:59:17Z', now)).toBe('40 s ago')
  expect(ago('2026-01-09T12:00:00Z', now)).toBe('12 h ago')
  // Clocks of two machines differ a little: the future is now.
  expect(ago('2026-01-10T00:00:05Z', now)).toBe('just now')
})

test('rates keep a digit while it says something', () => {
  expect([0, 0.44, 9.94, 12.3, 1830.2].map(rate)).toEqual(['0', '0.4', '9.9', '12', '1,830'])
})

test('one is one', () => {
  expect([counted(1, 'window'), counted(1200, 'window')]).toEqual(['1 window', '1,200 windows'])
})
