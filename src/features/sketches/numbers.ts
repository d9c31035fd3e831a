import { emptyRegisters, noteNumber, uniteRegisters } from './distinct.ts'

/**
 * What is kept of numbers: all of them, each once with how often it came, while they are few; then a sketch of
 * Karnin, Lang and Liberty (Optimal Quantile Approximation in Streams, 2016), whose items of level h each stand for 2^h numbers.
 */
export interface NumberSketch {
  /** Finite numbers, those in `buffer` left out; so are they in all that follows. */
  count: number
  mean: number
  /** Sum of squared differences from the mean. */
  m2: number
  min: number
  max: number
  /** Numbers as they came, which `settle` works in. */
  buffer: Float64Array
  buffered: number
  /** In order; null when they became too many. */
  exact: Weighted | null
  /** In order, each; empty while all are kept. */
  levels: Float64Array[]
  /** Bound of the variance of any rank: the sum of 4^h over all compactions of a level h. */
  variance: number
  /** Of those that are not kept any more; null while all are. */
  registers: Uint8Array | null
  /** State of what throws the coins. */
  coins: number
}

/** Numbers in order, and how many each stands for. */
export interface Weighted {
  readonly values: Float64Array
  readonly weights: Float64Array
}

/** As many different numbers are kept as they are: a column with fewer in an hour is known exactly. */
export const NUMBERS_MAX = 1024

/** Items of the highest level: the standard deviation of a rank is then some thousandths of all numbers, at most. */
const LEVEL_MAX = 512
const LEVEL_MIN = 8
const SHRINK = 2 / 3

const BUFFER_MIN = 32
const BUFFER_MAX = 2048
const NOTHING = new Float64Array(0)

export function emptyNumbers(): NumberSketch {
  return {
    count: 0,
    mean: 0,
    m2: 0,
    min: Infinity,
    max: -Infinity,
    buffer: NOTHING,
    buffered: 0,
    exact: { values: NOTHING, weights: NOTHING },
    levels: [],
    variance: 0,
    registers: null,
    coins: 0x9e3779b9,
  }
}

/** Adds a finite number. */
export function addNumber(sketch: NumberSketch, value: number): void {
  if (sketch.buffered === sketch.buffer.length) makeRoom(sketch)
  // Zero has one sign here.
  sketch.buffer[sketch.buffered++] = value + 0
}

function makeRoom(sketch: NumberSketch): void {
  if (sketch.buffer.length >= BUFFER_MAX) return settle(sketch)
  const buffer = new Float64Array(Math.max(BUFFER_MIN, 2 * sketch.buffer.length))
  buffer.set(sketch.buffer)
  sketch.buffer = buffer
}

/** Works in what came since the last time. */
export function settle(sketch: NumberSketch): void {
  if (sketch.buffered === 0) return
  const sorted = sketch.buffer.subarray(0, sketch.buffered).toSorted()
  sketch.buffered = 0
  addMoments(sketch, momentsOf(sorted))
  const { exact } = sketch
  if (exact === null) {
    noteRuns(sketch, sorted)
    sketch.levels[0] = mergeSorted(sketch.levels[0] ?? NOTHING, sorted)
    compress(sketch)
    return
  }
  keepOrSpill(sketch, united(exact, runsIn(sorted)))
}

interface NumberMoments {
  readonly count: number
  readonly mean: number
  readonly m2: number
  readonly min: number
  readonly max: number
}

function momentsOf(sorted: Float64Array): NumberMoments {
  let sum = 0
  for (const value of sorted) sum += value
  const mean = sum / sorted.length
  let m2 = 0
  for (const value of sorted) m2 += (value - mean) ** 2
  return {
    count: sorted.length,
    mean,
    m2,
    min: sorted[0] as number,
    max: sorted.at(-1) as number,
  }
}

/** Chan, Golub and LeVeque: moments of two samples together, without the samples. */
function addMoments(sketch: NumberSketch, added: NumberMoments): void {
  if (added.count === 0) return
  const count = sketch.count + added.count
  const difference = added.mean - sketch.mean
  sketch.m2 += added.m2 + difference ** 2 * ((sketch.count * added.count) / count)
  sketch.mean += difference * (added.count / count)
  sketch.count = count
  sketch.min = Math.min(sketch.min, added.min)
  sketch.max = Math.max(sketch.max, added.max)
}

/** Adds numbers in order that stand for several each; their moments too, where these are known better. */
export function mergeWeighted(
  sketch: NumberSketch,
  weighted: Weighted,
  known?: { mean: number; m2: number; min: number; max: number },
): void {
  settle(sketch)
  const count = sumOf(weighted.weights)
  if (count === 0) return
  addMoments(sketch, { count, ...(known ?? weightedMoments(weighted, count)) })
  if (sketch.exact !== null) return keepOrSpill(sketch, united(sketch.exact, weighted))
  noteRuns(sketch, weighted.values)
  spill(sketch, weighted)
  compress(sketch)
}

function weightedMoments({ values, weights }: Weighted, count: number) {
  let sum = 0
  for (let index = 0; index < values.length; index++)
    sum += (values[index] as number) * (weights[index] as number)
  const mean = sum / count
  let m2 = 0
  for (let index = 0; index < values.length; index++)
    m2 += (weights[index] as number) * ((values[index] as number) - mean) ** 2
  return { mean, m2, min: values[0] as number, max: values.at(-1) as number }
}

/** Adds all that another sketch has seen. */
export function mergeNumbers(into: NumberSketch, other: NumberSketch): void {
  settle(other)
  if (other.count === 0) return
  if (other.exact !== null) return mergeWeighted(into, other.exact, other)
  settle(into)
  into.registers ??= registersOf(into)
  uniteRegisters(into.registers, other.registers ?? registersOf(other))
  addMoments(into, other)
  if (into.exact !== null) {
    const { exact } = into
    into.exact = null
    spill(into, exact)
  }
  for (const [level, items] of other.levels.entries())
    into.levels[level] = mergeSorted(into.levels[level] ?? NOTHING, items)
  into.variance += other.variance
  compress(into)
}

function registersOf({ exact }: NumberSketch): Uint8Array {
  const registers = emptyRegisters()
  for (const value of exact?.values ?? []) noteNumber(registers, value)
  return registers
}

function noteRuns(sketch: NumberSketch, sorted: Float64Array): void {
  const registers = (sketch.registers ??= emptyRegisters())
  let before = Number.NaN
  for (const value of sorted) {
    if (value !== before) noteNumber(registers, value)
    before = value
  }
}

/** Keeps all of them as they are, or, if they are too many, what stands for them. */
function keepOrSpill(sketch: NumberSketch, all: Weighted): void {
  if (all.values.length <= NUMBERS_MAX) {
    sketch.exact = all
    return
  }
  sketch.exact = null
  noteRuns(sketch, all.values)
  spill(sketch, all)
  compress(sketch)
}

/** A number that came 5 times is one item of weight 4 and one of weight 1. */
function spill(sketch: NumberSketch, { values, weights }: Weighted): void {
  const added: number[][] = []
  for (let index = 0; index < values.length; index++) {
    let rest = Math.round(weights[index] as number)
    for (let level = 0; rest > 0; level++) {
      if (rest % 2 === 1) (added[level] ??= []).push(values[index] as number)
      rest = Math.floor(rest / 2)
    }
  }
  for (let level = 0; level < added.length; level++)
    sketch.levels[level] = mergeSorted(
      sketch.levels[level] ?? NOTHING,
      Float64Array.from(added[level] ?? []),
    )
}

/** Halves levels that are too long, from the lowest up: of each two neighbours, one stands for both. */
function compress(sketch: NumberSketch): void {
  const { levels } = sketch
  for (let level = 0; level < levels.length; level++) {
    const items = (levels[level] ??= NOTHING)
    if (items.length <= capacityOf(level, levels.length)) continue
    const odd = items.length % 2
    const first = odd === 1 ? coin(sketch) : 0
    const pairs = (items.length - odd) / 2
    const chosen = new Float64Array(pairs)
    const offset = first + coin(sketch)
    for (let pair = 0; pair < pairs; pair++) chosen[pair] = items[2 * pair + offset] as number
    levels[level] = odd === 0 ? NOTHING : first === 1 ? items.slice(0, 1) : items.slice(-1)
    levels[level + 1] = mergeSorted(levels[level + 1] ?? NOTHING, chosen)
    sketch.variance += 4 ** level
  }
}

function capacityOf(level: number, levels: number): number {
  return Math.max(LEVEL_MIN, Math.ceil(LEVEL_MAX * SHRINK ** (levels - 1 - level)))
}

/** Marsaglia's xorshift: what it throws depends only on what was thrown before, so that the same log gives the same sketch. */
function coin(sketch: NumberSketch): 0 | 1 {
  let state = sketch.coins
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  sketch.coins = state >>> 0
  return ((state >>> 16) & 1) as 0 | 1
}

/** All items of a settled sketch in order. */
export function weightedIn(sketch: NumberSketch): Weighted {
  settle(sketch)
  if (sketch.exact !== null) return sketch.exact
  return sketch.levels
    .map((items, level): Weighted => ({
      values: items,
      weights: new Float64Array(items.length).fill(2 ** level),
    }))
    .reduce(united)
}

function runsIn(sorted: Float64Array): Weighted {
  const values = new Float64Array(sorted.length)
  const weights = new Float64Array(sorted.length)
  let length = 0
  for (const value of sorted) {
    if (length > 0 && values[length - 1] === value) weights[length - 1]! += 1
    else {
      values[length] = value
      weights[length++] = 1
    }
  }
  return { values: values.slice(0, length), weights: weights.slice(0, length) }
}

/** Two lists in order as one, in which each number is once. */
function united(one: Weighted, other: Weighted): Weighted {
  const most = one.values.length + other.values.length
  const values = new Float64Array(most)
  const weights = new Float64Array(most)
  let length = 0
  let [left, right] = [0, 0]
  const push = (value: number, weight: number): void => {
    if (length > 0 && values[length - 1] === value) weights[length - 1]! += weight
    else {
      values[length] = value
      weights[length++] = weight
    }
  }
  while (left < one.values.length || right < other.values.length) {
    const takeLeft =
      right >= other.values.length ||
      (left < one.values.length && (one.values[left] as number) <= (other.values[right] as number))
    if (takeLeft) push(one.values[left] as number, one.weights[left++] as number)
    else push(other.values[right] as number, other.weights[right++] as number)
  }
  return { values: values.slice(0, length), weights: weights.slice(0, length) }
}

function mergeSorted(one: Float64Array, other: Float64Array): Float64Array {
  if (one.length === 0) return other.slice()
  const merged = new Float64Array(one.length + other.length)
  let [left, right] = [0, 0]
  for (let at = 0; at < merged.length; at++) {
    const takeLeft =
      right >= other.length ||
      (left < one.length && (one[left] as number) <= (other[right] as number))
    merged[at] = (takeLeft ? one[left++] : other[right++]) as number
  }
  return merged
}

function sumOf(numbers: Float64Array): number {
  let sum = 0
  for (const each of numbers) sum += each
  return sum
}
