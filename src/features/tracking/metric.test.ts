import { expect, test } from 'vitest'
import { checkedMetric, newestOfEachKey, type Metric } from './metric.ts'

const at = (step: number, atMs: number, value: number, key = 'loss'): Metric => ({
  key,
  value,
  step,
  atMs,
})

test('the newest point of a key is the greatest by step, then time, then value', () => {
  expect(newestOfEachKey([at(2, 1, 0), at(1, 9, 9), at(2, 1, 5), at(2, 0, 9)])).toEqual([
    at(2, 1, 5),
  ])
  expect(newestOfEachKey([at(0, 0, -1), at(0, 0, Number.NaN)])).toEqual([at(0, 0, Number.NaN)])
  expect(newestOfEachKey([at(0, 0, 1), at(0, 0, Number.NaN)])).toEqual([at(0, 0, 1)])
  expect(newestOfEachKey([at(0, 0, 1, 'a'), at(0, 0, 1, 'b')])).toHaveLength(2)
})

test('infinite values are kept as the largest finite ones, NaN as it is', () => {
  expect(checkedMetric(at(0, 0, Infinity)).value).toBe(Number.MAX_VALUE)
  expect(checkedMetric(at(0, 0, -Infinity)).value).toBe(-Number.MAX_VALUE)
  expect(checkedMetric(at(0, 0, Number.NaN)).value).toBeNaN()
})

test.each([at(0.5, 0, 1), at(2 ** 53, 0, 1), at(0, -1, 1), at(0, 0.5, 1), at(0, 0, 1, '..')])(
  'a point that cannot be kept is refused: %j',
  (metric) => {
    expect(() => checkedMetric(metric)).toThrow(/give|key/)
  },
)
