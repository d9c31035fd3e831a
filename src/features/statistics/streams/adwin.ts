import { QUIET, restarting, type Detector, type Said } from './detector.ts'

export interface AdwinState extends Said {
  /** How many values were looked at since the start. */
  ticks: number
  width: number
  total: number
  /** Sum of squared differences from the mean. */
  variance: number
  /** Row i holds buckets of 2ⁱ values each, oldest first. */
  rows: Bucket[][]
}

export interface Bucket {
  total: number
  variance: number
}

/**
 * ADWIN (Bifet and Gavaldà, 2007), over any numbers: keeps a window in buckets whose sizes grow with their age, and
 * drops the oldest as long as the means of two parts of it differ by more than chance allows.
 */
export function adwin({
  delta = 0.002,
  clock = 32,
  bucketsMax = 5,
  partMin = 5,
  grace = 10,
} = {}): Detector<AdwinState> {
  return restarting(startOfAdwin, (state, value) => {
    insert(state, value, bucketsMax)
    state.ticks++
    state.drift = false
    if (state.ticks % clock !== 0 || state.width <= grace) return
    while (hasCut(state, { delta, partMin })) {
      state.drift = true
      dropOldest(state)
    }
  })
}

function startOfAdwin(): AdwinState {
  return { ...QUIET, ticks: 0, width: 0, total: 0, variance: 0, rows: [[]] }
}

function insert(state: AdwinState, value: number, bucketsMax: number): void {
  state.rows[0]?.push({ total: value, variance: 0 })
  state.width++
  if (state.width > 1) {
    const off = value - state.total / (state.width - 1)
    state.variance += ((state.width - 1) * off * off) / state.width
  }
  state.total += value
  for (let row = 0; (state.rows[row]?.length ?? 0) > bucketsMax; row++) {
    const [one, other] = (state.rows[row] as Bucket[]).splice(0, 2) as [Bucket, Bucket]
    const size = 2 ** row
    const off = one.total / size - other.total / size
    const merged = {
      total: one.total + other.total,
      variance: one.variance + other.variance + (size * off * off) / 2,
    }
    const next = state.rows[row + 1]
    if (next === undefined) state.rows.push([merged])
    else next.push(merged)
  }
}

/** Walks from the oldest bucket on. */
function hasCut(
  state: AdwinState,
  { delta, partMin }: { delta: number; partMin: number },
): boolean {
  let [oldSize, oldTotal] = [0, 0]
  for (let row = state.rows.length - 1; row >= 0; row--) {
    const buckets = state.rows[row] as Bucket[]
    for (let index = 0; index < buckets.length; index++) {
      oldSize += 2 ** row
      oldTotal += (buckets[index] as Bucket).total
      const newSize = state.width - oldSize
      if (oldSize < partMin || newSize < partMin) continue
      const difference = oldTotal / oldSize - (state.total - oldTotal) / newSize
      const sizes = 1 / (oldSize - partMin + 1) + 1 / (newSize - partMin + 1)
      const log = Math.log((2 * Math.log(state.width)) / delta)
      const bound =
        Math.sqrt(2 * sizes * (state.variance / state.width) * log) + (2 / 3) * log * sizes
      if (Math.abs(difference) > bound) return true
    }
  }
  return false
}

function dropOldest(state: AdwinState): void {
  const row = state.rows.length - 1
  const buckets = state.rows[row] as Bucket[]
  const { total, variance } = buckets.shift() as Bucket
  const size = 2 ** row
  state.width -= size
  state.total -= total
  const off = total / size - state.total / state.width
  state.variance -= variance + (size * state.width * off * off) / (size + state.width)
  if (buckets.length === 0 && row > 0) state.rows.pop()
}
