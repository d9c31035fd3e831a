import { expect, test } from 'vitest'
import { idleShare, restMs } from './pace.ts'

test('taking over rests as long as it took while there is time, and far longer while there is none', () => {
  expect(restMs(10, { idle: 0.6, filesWaiting: 0 })).toBe(10)
  expect(restMs(10, { idle: 0.02, filesWaiting: 0 })).toBe(490)
  expect(restMs(500, { idle: 0, filesWaiting: 1 })).toBe(2000)
})

test('what waits for quieter times has a bound', () => {
  expect(restMs(10, { idle: 0, filesWaiting: 1 })).toBe(490)
  expect(restMs(10, { idle: 0, filesWaiting: 2 })).toBe(10)
})

test('the share of idle time is that since it was asked before', () => {
  const readings = [
    { idle: 1000, all: 2000 },
    { idle: 1800, all: 3000 },
    { idle: 1800, all: 3010 },
    { idle: 1800, all: 4000 },
  ]
  const share = idleShare(() => readings.shift() ?? { idle: 0, all: 0 })
  expect([share(), share(), share()]).toEqual([0.8, 0.8, 0])
})
