import { expect, test } from 'vitest'
import { createPaces } from './pace.ts'

test('a run hangs when it takes ten times as long as usual, and never before there was one', () => {
  const paces = createPaces()
  expect(paces.hangs('m', 1, 60_000)).toBe(false)
  paces.note('m', 1, 100)
  expect([900, 1100].map((sinceMs) => paces.hangs('m', 1, sinceMs))).toEqual([false, true])
  // Many rows take longer than one.
  expect([1100, 60_000].map((sinceMs) => paces.hangs('m', 50, sinceMs))).toEqual([false, true])
})

test('one run that was held up does not make others seem to wait in vain', () => {
  const paces = createPaces()
  for (const tookMs of [0.2, 0.2, 400]) paces.note('m', 1, tookMs)
  expect(paces.waitMs('m', 4096)).toBeLessThan(1000)
  // A model that has become slow is known for it soon.
  for (let run = 0; run < 100; run++) paces.note('m', 1, 20)
  expect(paces.waitMs('m', 4096)).toBeGreaterThan(60_000)
})
