import { invariant } from '#base/invariant'

/** Points of one series in columns, in the order of a history: by time, step, value. */
export interface MetricColumns {
  readonly atMs: Float64Array
  readonly step: Float64Array
  readonly value: Float64Array
}

const VERSION = 1
const SINGLE = 1
const RAW_TIMES = 2
const RAW_STEPS = 4
/** Differences of differences of such numbers are whole numbers that a double still holds exactly. */
const DELTA_MAX = 2 ** 50

/**
 * Packs the points of a series. Times and steps mostly grow evenly, so what is kept of them is how the
 * difference changes, each change with the number of times it comes in a row (the delta-of-delta of
 * Pelkonen et al., "Gorilla", VLDB 2015, on whole bytes). Values take 4 bytes when all of them are
 * single-precision numbers, as those of most training loops are, and 8 bytes otherwise.
 */
export function packedBlock({ atMs, step, value }: MetricColumns): Uint8Array {
  const single = value.every((each) => Number.isNaN(each) || Math.fround(each) === each)
  const rawTimes = !even(atMs)
  const rawSteps = !even(step)
  const flags = (single ? SINGLE : 0) | (rawTimes ? RAW_TIMES : 0) | (rawSteps ? RAW_STEPS : 0)
  const times = rawTimes ? bytesOf(atMs) : changesOf(atMs)
  const steps = rawSteps ? bytesOf(step) : changesOf(step)
  const values = bytesOf(single ? Float32Array.from(value) : value)
  const head = new Uint8Array(14)
  const view = new DataView(head.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, flags)
  view.setUint32(2, value.length, true)
  view.setUint32(6, times.length, true)
  view.setUint32(10, steps.length, true)
  return Buffer.concat([head, times, steps, values])
}

/** The points of a packed block. */
export function unpackedBlock(bytes: Uint8Array): MetricColumns {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  invariant(view.getUint8(0) === VERSION, 'a block of metric points is of a known version')
  const flags = view.getUint8(1)
  const points = view.getUint32(2, true)
  const timesEnd = 14 + view.getUint32(6, true)
  const stepsEnd = timesEnd + view.getUint32(10, true)
  const times = bytes.subarray(14, timesEnd)
  const steps = bytes.subarray(timesEnd, stepsEnd)
  const values = copyOf(bytes.subarray(stepsEnd))
  return {
    atMs: flags & RAW_TIMES ? new Float64Array(copyOf(times)) : numbersOf(times, points),
    step: flags & RAW_STEPS ? new Float64Array(copyOf(steps)) : numbersOf(steps, points),
    value: flags & SINGLE ? Float64Array.from(new Float32Array(values)) : new Float64Array(values),
  }
}

/** A copy that begins where a number may begin, which the bytes of a buffer need not. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}

function even(numbers: Float64Array): boolean {
  return numbers.every((each) => Number.isInteger(each) && Math.abs(each) < DELTA_MAX)
}

function bytesOf(numbers: Float64Array | Float32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
}

/** Pairs of (change of the difference, how often in a row), as variable-length integers. */
function changesOf(numbers: Float64Array): Uint8Array {
  const out: number[] = []
  let [last, difference, change, repeats] = [0, 0, 0, 0]
  const flush = () => {
    if (repeats === 0) return
    pushVarint(out, change < 0 ? -2 * change - 1 : 2 * change)
    pushVarint(out, repeats)
  }
  for (const number of numbers) {
    const next = number - last - difference
    difference = number - last
    last = number
    if (next === change) repeats += 1
    else {
      flush()
      change = next
      repeats = 1
    }
  }
  flush()
  return Uint8Array.from(out)
}

function numbersOf(bytes: Uint8Array, points: number): Float64Array {
  const numbers = new Float64Array(points)
  let [at, index, last, difference] = [0, 0, 0, 0]
  const varint = () => {
    let [value, scale] = [0, 1]
    for (;;) {
      const byte = bytes[at++] as number
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
  }
  while (index < points) {
    const coded = varint()
    const change = coded % 2 === 1 ? -(coded + 1) / 2 : coded / 2
    for (let repeats = varint(); repeats > 0; repeats--) {
      difference += change
      last += difference
      numbers[index++] = last
    }
  }
  return numbers
}

function pushVarint(out: number[], value: number): void {
  let rest = value
  while (rest >= 128) {
    out.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  out.push(rest)
}
