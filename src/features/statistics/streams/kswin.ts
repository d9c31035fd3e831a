import { kolmogorovSmirnov } from '../samples/kolmogorov.ts'
import { sampleOf } from '../samples/sample.ts'
import { QUIET, restarting, type Detector, type Said } from './detector.ts'
import { sampleIndices, twisterOf, type Twister } from './twister.ts'

export interface KswinState extends Said {
  window: number[]
  twister: Twister
}

/** Smaller gaps than this are no drift, however unlikely they are. */
const GAP_MIN = 0.1

/**
 * KSWIN (Raab, Heusinger and Schleif, 2020), over any numbers: the newest values of a window against as many drawn
 * from the rest of it, by Kolmogorov and Smirnov. It draws as Python does from the same seed.
 */
export function kswin({
  alpha = 0.005,
  window = 100,
  recent = 30,
  seed = 0,
} = {}): Detector<KswinState> {
  const start = (): KswinState => ({ ...QUIET, window: [], twister: twisterOf(seed) })
  return restarting(start, (state, value) => {
    state.window.push(value)
    if (state.window.length > window) state.window.shift()
    state.drift = false
    if (state.window.length < window) return
    const older = sampleIndices(state.twister, window - recent, recent)
    const newest = state.window.slice(window - recent)
    const { statistic, p } = kolmogorovSmirnov(
      sampleOf(older.map((index) => state.window[index] as number)),
      sampleOf(newest),
    )
    if (p > alpha || statistic <= GAP_MIN) return
    state.drift = true
    state.window = newest
  })
}
