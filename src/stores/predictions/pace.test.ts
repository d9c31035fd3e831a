import { expect, test } from 'vitest'
import { restMs } from './pace.ts'

test('taking over rests as long as it took while there is time, and far longer while there is none', () => {
  expect(restMs(10, { idle: 0.6, filesWaiting: 0 })).toBe(10)
  expect(restMs(10, { idle: 0.02, filesWaiting: 0 })).toBe(490)
  expect(restMs(500, { idle: 0, filesWaiting: 1 })).toBe(2000)
})

test('what waits for quieter times has a bound', () => {
  expect(restMs(10, { idle: 0, filesWaiting: 1 })).toBe(490)
  expect(restMs(10, { idle: 0, filesWaiting: 2 })).toBe(10)
})
