import { addTo, QUIET, restarting, type Detector, type RunningMean, type Said } from './detector.ts'

export interface PageHinkleyState extends Said, RunningMean {
  rise: number
  fall: number
  /** Null before the first value. */
  leastRise: number | null
  largestFall: number
}

export interface PageHinkleyOptions {
  readonly valuesMin?: number
  readonly delta?: number
  readonly threshold?: number
  readonly alpha?: number
  readonly direction?: 'up' | 'down' | 'both'
}

/** Page and Hinkley's test (1954): how far the faded sum of deviations from the mean has left its extreme. */
export function pageHinkley({
  valuesMin = 30,
  delta = 0.005,
  threshold = 50,
  alpha = 1 - 0.0001,
  direction = 'both',
}: PageHinkleyOptions = {}): Detector<PageHinkleyState> {
  return restarting(startOfPageHinkley, (state, value) => {
    addTo(state, value)
    const deviation = value - state.mean
    state.rise = alpha * state.rise + deviation - delta
    state.fall = alpha * state.fall + deviation + delta
    state.leastRise = Math.min(state.leastRise ?? Infinity, state.rise)
    state.largestFall = Math.max(state.largestFall, state.fall)
    if (state.n < valuesMin) return
    const rose = state.rise - state.leastRise > threshold
    const fell = state.largestFall - state.fall > threshold
    state.drift = (direction !== 'down' && rose) || (direction !== 'up' && fell)
  })
}

function startOfPageHinkley(): PageHinkleyState {
  return { ...QUIET, n: 0, mean: 0, rise: 0, fall: 0, leastRise: null, largestFall: -1 }
}
