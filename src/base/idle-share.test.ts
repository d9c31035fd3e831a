import { expect, test } from 'vitest'
import { idleShare } from './idle-share.ts'

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
