import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packedBlock, unpackedBlock, type MetricColumns } from './metric-block.ts'

const columns = (rows: readonly (readonly [number, number, number])[]): MetricColumns => ({
  atMs: Float64Array.from(rows, ([atMs]) => atMs),
  step: Float64Array.from(rows, ([, step]) => step),
  value: Float64Array.from(rows, ([, , value]) => value),
})

const whole = fc.oneof(
  fc.integer({ min: 0, max: 10 }),
  fc.maxSafeInteger(),
  fc.constantFrom(0, 2 ** 50, -(2 ** 50), 2 ** 53 - 1, -(2 ** 53) + 1),
)
const value = fc.oneof(fc.double(), fc.float(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 0))

test('what was packed is unpacked, whatever the times, steps and values', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(whole, whole, value), { maxLength: 300 }), (rows) => {
      const given = columns(rows)
      expect(unpackedBlock(packedBlock(given))).toEqual(given)
    }),
    { numRuns: 500 },
  )
})

test('evenly growing steps and times take next to nothing, and single precision half of double', () => {
  const points = 4096
  const rows = (scale: (step: number) => number) =>
    Array.from({ length: points }, (_, step) => [1.7e12 + step * 250, step, scale(step)] as const)
  const single = packedBlock(columns(rows((step) => Math.fround(1 / (step + 1)))))
  const double = packedBlock(columns(rows((step) => 1 / (step + 1))))
  expect(single.length).toBeLessThan(points * 4 + 60)
  expect(double.length).toBeLessThan(points * 8 + 60)
})

test('a block at an odd place of a larger buffer is read as well', () => {
  const given = columns([
    [5, 1, 0.1],
    [6, 2, 0.2],
  ])
  const packed = packedBlock(given)
  const larger = new Uint8Array(packed.length + 3)
  larger.set(packed, 3)
  expect(unpackedBlock(larger.subarray(3))).toEqual(given)
})
