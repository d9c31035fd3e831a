import { invariant } from '#base/invariant'

/** Finite numbers in ascending order: sorted once, then given to as many tests as one likes. */
export interface Sample {
  readonly sorted: Float64Array
}

/** A sample of what is finite of the values: missing values and infinities are facts of quality, not of distribution. */
export function sampleOf(values: Iterable<number>): Sample {
  const finite = Float64Array.from(values).filter(Number.isFinite)
  return { sorted: finite.toSorted() }
}

/** How both samples stand at one of the distinct values of either, in ascending order. */
export interface Step {
  value: number
  /** How many values of each sample are smaller. */
  oneBelow: number
  otherBelow: number
  /** How many are equal. */
  oneAt: number
  otherAt: number
}

/** Walks over the distinct values of two samples. The step given is reused: read it, don't keep it. */
export function eachStep(one: Sample, other: Sample, take: (step: Step) => void): void {
  const left = one.sorted
  const right = other.sorted
  const step: Step = { value: 0, oneBelow: 0, otherBelow: 0, oneAt: 0, otherAt: 0 }
  let i = 0
  let j = 0
  while (i < left.length || j < right.length) {
    const value = Math.min(left[i] ?? Infinity, right[j] ?? Infinity)
    step.value = value
    step.oneBelow = i
    step.otherBelow = j
    while (i < left.length && left[i] === value) i++
    while (j < right.length && right[j] === value) j++
    step.oneAt = i - step.oneBelow
    step.otherAt = j - step.otherBelow
    take(step)
  }
}

export function meanOf({ sorted }: Sample): number {
  invariant(sorted.length > 0, 'a mean is of something')
  return sumOf(sorted) / sorted.length
}

/** Variance over n − `freedom`: 0 for the population's, 1 for the sample's. */
export function varianceOf(sample: Sample, freedom: 0 | 1): number {
  const mean = meanOf(sample)
  let squares = 0
  for (const value of sample.sorted) squares += (value - mean) ** 2
  return squares / (sample.sorted.length - freedom)
}

/** Type 7 of Hyndman and Fan (1996): between the two nearest values. */
export function quantileOf({ sorted }: Sample, level: number): number {
  invariant(sorted.length > 0, 'a quantile is of something')
  const place = level * (sorted.length - 1)
  const below = sorted[Math.floor(place)] as number
  const above = sorted[Math.ceil(place)] as number
  return below + (above - below) * (place - Math.floor(place))
}

export function pooled(one: Sample, other: Sample): Sample {
  const all = new Float64Array(one.sorted.length + other.sorted.length)
  all.set(one.sorted)
  all.set(other.sorted, one.sorted.length)
  all.sort()
  return { sorted: all }
}

/** How many values are smaller than the one given; with `inclusive`, or equal to it. */
export function countBelow({ sorted }: Sample, value: number, inclusive = false): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const at = sorted[middle] as number
    if (at < value || (inclusive && at === value)) low = middle + 1
    else high = middle
  }
  return low
}

export function distinctCount({ sorted }: Sample): number {
  let count = 0
  for (let index = 0; index < sorted.length; index++)
    if (index === 0 || sorted[index] !== sorted[index - 1]) count++
  return count
}

/** Summed in blocks, as NumPy does it: many small values added to a large sum would lose their last digits. */
function sumOf(values: Float64Array): number {
  let all = 0
  for (let start = 0; start < values.length; start += 128) {
    let block = 0
    const end = Math.min(values.length, start + 128)
    for (let index = start; index < end; index++) block += values[index] as number
    all += block
  }
  return all
}
