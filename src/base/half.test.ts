import { expect, test } from 'vitest'
import { halfOfNumber, numberOfHalf } from './half.ts'

test('every one of the 65,536 halves comes back as it was', () => {
  const changed = Array.from({ length: 0x10000 }, (_, bits) => bits).filter((bits) => {
    const isNaN = (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0
    return isNaN ? !Number.isNaN(numberOfHalf(bits)) : halfOfNumber(numberOfHalf(bits)) !== bits
  })
  expect(changed).toEqual([])
})

test('numbers between two halves go to the nearer one, and ties to the even one', () => {
  const seen = [
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    1 + 2 ** -11 + 2 ** -20,
    65_519,
    65_520,
    2 ** -25,
    1.5 * 2 ** -24,
  ]
  expect(seen.map((value) => numberOfHalf(halfOfNumber(value)))).toEqual([
    1,
    1 + 2 ** -9,
    1 + 2 ** -10,
    65_504,
    Number.POSITIVE_INFINITY,
    0,
    2 ** -23,
  ])
  expect(Object.is(numberOfHalf(halfOfNumber(-0)), -0)).toBe(true)
  expect(halfOfNumber(Number.NaN)).toBe(0x7e00)
})
