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
