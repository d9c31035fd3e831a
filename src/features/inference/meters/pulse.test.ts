import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Problem } from '#base/problem'
import { createPulses, latencyBin, latencyEdgeMs } from './pulse.ts'
import type { RoutingTable } from '../routing/routing.ts'
import type { Tensor } from '../tensor.ts'

const table: RoutingTable = {
  endpoint: 'late',
  revisions: [
    { revision: 1, version: 1, weight: 95 },
    { revision: 2, version: 2, weight: 5 },
  ],
  shadows: [],
  override: 'refused',
}

const floats = (name: string, shape: number[], values: number[]): Tensor => ({
  name,
  type: 'float32',
  shape,
  data: Float32Array.from(values),
})

test('a time falls into the bin between its edges', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (ms) => {
      const bin = latencyBin(ms)
      expect(latencyEdgeMs(bin)).toBeLessThanOrEqual(ms * (1 + 1e-9))
      expect(latencyEdgeMs(bin + 1) * (1 + 1e-9)).toBeGreaterThanOrEqual(ms)
    }),
  )
})

test('an edge falls into the bin that it begins', () => {
  for (let bin = 1; bin < 400; bin++) expect(latencyBin(latencyEdgeMs(bin) * 1.0001)).toBe(bin)
})

test('failures are told apart by whose doing they are', () => {
  const pulses = createPulses()
  const errors = [
    new Problem('timeout', 'too slow'),
    new Problem('unavailable', 'it died'),
    new Error('a bug'),
    new Problem('invalid', 'no such column'),
    new Problem('full', 'no space'),
    undefined,
  ]
  for (const error of errors) pulses.note(table, { revision: 2, tookMs: 1, error })
  expect(pulses.take()).toMatchObject([
    { endpoint: 'late', revisions: [{ revision: 2, requests: 5, faults: 3, refusals: 1 }] },
  ])
  expect(pulses.take()).toEqual([])
})

test('after a change of weights a request in flight is counted with those it was divided by', () => {
  const pulses = createPulses()
  const next = { ...table, revisions: table.revisions.map((each) => ({ ...each, weight: 50 })) }
  pulses.note(next, { revision: 2, tookMs: 1 })
  pulses.note(table, { revision: 2, tookMs: 1 })
  expect(pulses.take().map(({ weights }) => weights.map(({ weight }) => weight))).toEqual([
    [50, 50],
    [95, 5],
  ])
})

test('an endpoint with one revision is not counted', () => {
  const pulses = createPulses()
  pulses.note({ ...table, revisions: table.revisions.slice(0, 1) }, { revision: 1, tookMs: 1 })
  expect(pulses.take()).toEqual([])
})

test.each([
  [[floats('label', [2], [1, 0])], '1'],
  [[floats('score', [1, 1], [0.12345])], '0.12'],
  [[floats('probabilities', [1, 3], [0.2, 0.7, 0.1])], '#1'],
  [[floats('probabilities', [1, 2], [0.4, 0.6]), floats('label', [1], [7])], '7'],
])('the first row is put into few words: %#', (outputs, outcome) => {
  const pulses = createPulses()
  pulses.note(table, { revision: 1, tookMs: 1, outputs })
  expect(pulses.take()[0]?.revisions[0]?.outcomes).toEqual([[outcome, 1]])
})
