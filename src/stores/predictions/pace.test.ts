import { expect, test } from 'vitest'
import { restMs } from './pace.ts'

test('taking over rests as long as it took while there is time, and far longer while there is none', () => {
  expect(restMs(10, { spareProcessors: 1.2, filesWaiting: 0 })).toBe(10)
  expect(restMs(10, { spareProcessors: 0.1, filesWaiting: 0 })).toBe(90)
  expect(restMs(10, { spareProcessors: -0.4, filesWaiting: 0 })).toBe(490)
  expect(restMs(500, { spareProcessors: 0, filesWaiting: 7 })).toBe(2000)
})

test('what waits for quieter times has a bound', () => {
  expect(restMs(10, { spareProcessors: 0, filesWaiting: 7 })).toBe(490)
  expect(restMs(10, { spareProcessors: 0, filesWaiting: 8 })).toBe(10)
})
