import { expect, test } from 'vitest'
import { aligned, smoothed } from './smoothing.ts'

test('a smoothed line begins with the first value and follows slowly', () => {
  expect(smoothed([1, 1, null, 1], 0.9)).toEqual([1, expect.closeTo(1), null, expect.closeTo(1)])
  expect(smoothed([1, 5], 0)).toEqual([1, 5])
  const [, second] = smoothed([0, 1], 0.9)
  expect(second).toBeGreaterThan(0.5)
  expect(second).toBeLessThan(0.6)
})

test('lines of different places share one axis', () => {
  expect(
    aligned([
      { x: [0, 2], y: [1, null] },
      { x: [1], y: [5] },
    ]),
  ).toEqual({
    x: [0, 1, 2],
    y: [
      [1, undefined, null],
      [undefined, 5, undefined],
    ],
  })
})
