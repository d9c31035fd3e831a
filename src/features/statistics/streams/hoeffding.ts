import { addTo, QUIET, restarting, type Detector, type RunningMean, type Said } from './detector.ts'

export interface HddmOptions {
  readonly driftConfidence?: number
  readonly warningConfidence?: number
  /** Whether a fall counts too, and not only a rise. */
  readonly twoSided?: boolean
}

export interface HddmAState extends Said {
  all: RunningMean
  /** The cut from which on the mean rose most, and the one for falls. */
  low: RunningMean
  high: RunningMean
}

/** HDDM-A (Frías-Blanco and others, 2015), over values from 0 to 1: means before and after a cut by Hoeffding's bound. */
export function hddmA({
  driftConfidence = 0.001,
  warningConfidence = 0.005,
  twoSided = false,
}: HddmOptions = {}): Detector<HddmAState> {
  const boundOf = (n: number) => Math.sqrt((1 / (2 * n)) * Math.log(1 / driftConfidence))
  return restarting(startOfHddmA, (state, value) => {
    const { all } = state
    addTo(all, value)
    if (state.low.n === 0) state.low = { ...all }
    if (state.high.n === 0) state.high = { ...all }
    const bound = boundOf(all.n)
    if (state.low.mean + boundOf(state.low.n) >= all.mean + bound) state.low = { ...all }
    if (state.high.mean - boundOf(state.high.n) <= all.mean - bound) state.high = { ...all }
    const rose = (confidence: number) =>
      differs(all.mean - state.low.mean, state.low.n, all.n, confidence)
    const fell = (confidence: number) =>
      differs(state.high.mean - all.mean, state.high.n, all.n, confidence)
    say(state, rose, twoSided ? fell : null, { driftConfidence, warningConfidence })
  })
}

function startOfHddmA(): HddmAState {
  const empty = { n: 0, mean: 0 }
  return { ...QUIET, all: { ...empty }, low: { ...empty }, high: { ...empty } }
}

/** Whether a difference of the means of the first `cut` and of all `n` values is beyond Hoeffding's bound. */
function differs(difference: number, cut: number, n: number, confidence: number): boolean {
  if (cut === n) return false
  const m = ((n - cut) / cut) * (1 / n)
  return difference >= Math.sqrt((m / 2) * Math.log(2 / confidence))
}

/** A rise decides on both signals; a fall, where it counts, only adds. */
function say(
  state: Said,
  rose: (confidence: number) => boolean,
  fell: ((confidence: number) => boolean) | null,
  { driftConfidence, warningConfidence }: { driftConfidence: number; warningConfidence: number },
): void {
  state.drift = rose(driftConfidence)
  state.warning = !state.drift && rose(warningConfidence)
  if (fell?.(driftConfidence) === true) state.drift = true
  else if (fell?.(warningConfidence) === true) state.warning = true
}

/** An exponentially weighted mean and the sum of its squared weights, which bounds how far it strays. */
export interface Weighted {
  mean: number
  bound: number
  empty: boolean
}

export interface HddmWState extends Said {
  all: Weighted
  beforeRise: Weighted
  sinceRise: Weighted
  beforeFall: Weighted
  sinceFall: Weighted
  /** Null before there is a cut. */
  riseCut: number | null
  fallCut: number | null
}

/** HDDM-W (Frías-Blanco and others, 2015): the same over weighted means, by McDiarmid's bound, for gradual change. */
export function hddmW({
  driftConfidence = 0.001,
  warningConfidence = 0.005,
  twoSided = false,
  lambda = 0.05,
}: HddmOptions & { readonly lambda?: number } = {}): Detector<HddmWState> {
  return restarting(startOfHddmW, (state, value) => {
    add(state.all, value, lambda)
    const bound = mcDiarmid(state.all.bound, driftConfidence)
    if (state.riseCut === null || state.all.mean + bound < state.riseCut) {
      state.riseCut = state.all.mean + bound
      state.beforeRise = { ...state.all }
      state.sinceRise = nothing()
    } else add(state.sinceRise, value, lambda)
    if (state.fallCut === null || state.all.mean - bound > state.fallCut) {
      state.fallCut = state.all.mean - bound
      state.beforeFall = { ...state.all }
      state.sinceFall = nothing()
    } else add(state.sinceFall, value, lambda)
    const rose = (confidence: number) => changed(state.beforeRise, state.sinceRise, confidence)
    const fell = (confidence: number) => changed(state.sinceFall, state.beforeFall, confidence)
    say(state, rose, twoSided ? fell : null, { driftConfidence, warningConfidence })
  })
}

function changed(one: Weighted, other: Weighted, confidence: number): boolean {
  if (one.empty || other.empty) return false
  return other.mean - one.mean > mcDiarmid(one.bound + other.bound, confidence)
}

function mcDiarmid(bound: number, confidence: number): number {
  return Math.sqrt((bound * Math.log(1 / confidence)) / 2)
}

function startOfHddmW(): HddmWState {
  return {
    ...QUIET,
    all: nothing(),
    beforeRise: nothing(),
    sinceRise: nothing(),
    beforeFall: nothing(),
    sinceFall: nothing(),
    riseCut: null,
    fallCut: null,
  }
}

function nothing(): Weighted {
  return { mean: 0, bound: 1, empty: true }
}

function add(weighted: Weighted, value: number, lambda: number): void {
  weighted.mean = weighted.empty ? value : lambda * value + (1 - lambda) * weighted.mean
  weighted.empty = false
  weighted.bound = lambda ** 2 + (1 - lambda) ** 2 * weighted.bound
}
