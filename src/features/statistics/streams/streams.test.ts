import { describe, expect, test } from 'vitest'
import values from '../golden/streams.json' with { type: 'json' }
import { adwin, type AdwinState } from './adwin.ts'
import type { Detector, Said } from './detector.ts'
import { ddm, eddm, fhddm } from './errors.ts'
import { hddmA, hddmW } from './hoeffding.ts'
import { kswin } from './kswin.ts'
import { pageHinkley } from './page-hinkley.ts'

const detectors: Record<keyof typeof values.detectors, Detector<Said>> = {
  adwin: adwin(),
  'adwin of errors': adwin({ delta: 0.05, clock: 8, bucketsMax: 3, partMin: 7, grace: 20 }),
  kswin: kswin({ seed: 7 }),
  'kswin wide': kswin({ alpha: 0.02, window: 200, recent: 50, seed: 12_345 }),
  pageHinkley: pageHinkley(),
  'pageHinkley up': pageHinkley({ direction: 'up', threshold: 20 }),
  'pageHinkley down': pageHinkley({ direction: 'down', threshold: 20 }),
  ddm: ddm(),
  eddm: eddm(),
  fhddm: fhddm(),
  'fhddm short': fhddm({ shortWindow: 20, confidence: 0.001 }),
  hddmA: hddmA(),
  'hddmA twoSided': hddmA({ twoSided: true }),
  hddmW: hddmW(),
  'hddmW twoSided': hddmW({ twoSided: true }),
}

describe('each value is judged as River judges it', () => {
  for (const [name, detector] of Object.entries(detectors)) {
    const { stream, drifts, warnings } = values.detectors[name as keyof typeof values.detectors]
    test(`${name}: ${drifts.length} drifts`, () => {
      const found = saidOf(detector, values.streams[stream as keyof typeof values.streams])
      expect(found).toEqual({ drifts, warnings })
    })
  }

  test('and ADWIN keeps the same sums', () => {
    const { stream, inner } = values.detectors.adwin
    const detector = adwin()
    const state = detector.start()
    const sums = new Map<number, AdwinState>()
    for (const [step, value] of values.streams[stream as 'numbers'].entries()) {
      detector.update(state, value)
      sums.set(step, { ...state })
    }
    for (const [step, width, total, variance] of inner as [number, number, number, number][]) {
      const found = sums.get(step) as AdwinState
      expect(found.width).toBe(width)
      expect(found.total).toBeCloseTo(total, 8)
      expect(found.variance).toBeCloseTo(variance, 8)
    }
  })
})

test('a detector goes on after a restart as if nothing had happened', () => {
  for (const [name, detector] of Object.entries(detectors)) {
    const { stream, drifts, warnings } = values.detectors[name as keyof typeof values.detectors]
    const found = saidOf(detector, values.streams[stream as keyof typeof values.streams], 50)
    expect([name, found]).toEqual([name, { drifts, warnings }])
  }
})

/** The steps with a drift, and those at which what is said of warnings changed; `restartEvery` so many values all is put to JSON and back. */
function saidOf(
  detector: Detector<Said>,
  stream: readonly number[],
  restartEvery = Infinity,
): { drifts: number[]; warnings: number[] } {
  let state = detector.start()
  const found = { drifts: new Array<number>(), warnings: new Array<number>() }
  let warned = false
  for (const [step, value] of stream.entries()) {
    if (step % restartEvery === 0) state = JSON.parse(JSON.stringify(state)) as Said
    const { drift, warning } = detector.update(state, value)
    if (drift) found.drifts.push(step)
    if (warning !== warned) found.warnings.push(step)
    warned = warning
  }
  return found
}
