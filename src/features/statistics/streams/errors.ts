import { addTo, QUIET, restarting, type Detector, type RunningMean, type Said } from './detector.ts'

export interface DdmState extends Said, RunningMean {
  /** The least rate of error so far, and its deviation then; null before there were enough values. */
  least: { rate: number; deviation: number } | null
}

/**
 * DDM (Gama and others, 2004), over errors as 0 and 1: the rate of error is normally at most as far above its least
 * value as chance allows.
 */
export function ddm({ warmStart = 30, warningAt = 2, driftAt = 3 } = {}): Detector<DdmState> {
  return restarting(startOfDdm, (state, value) => {
    addTo(state, value)
    const deviation = Math.sqrt((state.mean * (1 - state.mean)) / state.n)
    if (state.n <= warmStart) return
    const sum = state.mean + deviation
    if (state.least === null || sum <= state.least.rate + state.least.deviation)
      state.least = { rate: state.mean, deviation }
    const { rate, deviation: then } = state.least
    state.drift = sum > rate + driftAt * then
    state.warning = !state.drift && sum > rate + warningAt * then
  })
}

function startOfDdm(): DdmState {
  return { ...QUIET, n: 0, mean: 0, least: null }
}

export interface EddmState extends Said, RunningMean {
  values: number
  lastError: number
  /** Sum of squared differences of the distances from their mean. */
  squares: number
  /** The largest mean plus two deviations so far. */
  largest: number
}

/**
 * EDDM (Baena-García and others, 2006), over errors as 0 and 1: the distances between errors shrink when a concept
 * drifts, gradually too.
 */
export function eddm({ warmStart = 30, alpha = 0.95, beta = 0.9 } = {}): Detector<EddmState> {
  return restarting(startOfEddm, (state, value) => {
    state.values++
    if (value !== 1) return
    const before = state.mean
    const distance = state.values - state.lastError
    addTo(state, distance)
    state.squares += (distance - before) * (distance - state.mean)
    state.lastError = state.values
    if (state.values <= warmStart) return
    const variance = state.n > 1 ? state.squares / (state.n - 1) : 0
    const reach = state.mean + 2 * Math.sqrt(variance)
    if (reach > state.largest) state.largest = reach
    else if (state.n > warmStart) {
      const level = reach / state.largest
      if (level < beta) state.drift = true
      else state.warning = level < alpha
    }
  })
}

function startOfEddm(): EddmState {
  return { ...QUIET, n: 0, mean: 0, values: 0, lastError: 0, squares: 0, largest: -1 }
}

export interface FhddmState extends Said {
  window: number[]
  largest: number
  largestShort: number
}

/**
 * FHDDM (Pesaranghader and Viktor, 2016), over hits as 1 and misses as 0: the share of hits in a window must not
 * fall further below its largest than Hoeffding's bound allows. With a short window it stacks both (FHDDMS, 2018).
 */
export function fhddm({
  window = 100,
  confidence = 1e-6,
  shortWindow = 0,
} = {}): Detector<FhddmState> {
  const boundOf = (size: number) => Math.sqrt(Math.log(1 / confidence) / (2 * size))
  return restarting(startOfFhddm, (state, value) => {
    state.window.push(value)
    if (state.window.length < window) return
    const share = shareIn(state.window)
    state.largest = Math.max(state.largest, share)
    state.drift = state.largest - share > boundOf(window)
    if (shortWindow > 0) {
      const recent = shareIn(state.window.slice(window - shortWindow))
      state.largestShort = Math.max(state.largestShort, recent)
      state.drift ||= state.largestShort - recent > boundOf(shortWindow)
    }
    state.window.shift()
  })
}

function startOfFhddm(): FhddmState {
  return { ...QUIET, window: [], largest: 0, largestShort: 0 }
}

function shareIn(hits: readonly number[]): number {
  return hits.reduce((all, hit) => all + hit, 0) / hits.length
}
