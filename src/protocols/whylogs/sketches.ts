import { broken } from './wire.ts'

/** What a KLL sketch of numbers holds, in order: each number stands for so many. */
export interface KllNumbers {
  readonly count: number
  readonly min: number
  readonly max: number
  readonly values: Float64Array
  readonly weights: Float64Array
}

/** Apache DataSketches' names of what is in the bytes. */
const KLL = 15
const HLL = 7
const FREQUENT = 10

/** Reads a `kll_doubles_sketch` as DataSketches for C++ writes it. */
export function kllIn(bytes: Buffer): KllNumbers {
  need(bytes, 8)
  if (bytes[2] !== KLL) throw broken()
  const flags = bytes[3] as number
  if ((flags & 1) !== 0) return single([])
  if ((flags & 4) !== 0) return single([numberAt(bytes, 8)])
  need(bytes, 20)
  const count = Number(bytes.readBigUInt64LE(8))
  const levels = bytes[18] as number
  // The preamble says of how many numbers of 32 bits it is.
  const preamble = 4 * (bytes[0] as number)
  const at = preamble + 4 * levels
  need(bytes, at + 16)
  const starts = Array.from({ length: levels }, (_, level) =>
    bytes.readUInt32LE(preamble + 4 * level),
  )
  const items = (bytes.length - at - 16) / 8
  const first = starts[0] ?? 0
  const ends = [...starts.slice(1), first + items]
  const pairs: [number, number][] = []
  for (const [level, start] of starts.entries())
    for (let item = start; item < (ends[level] as number); item++)
      pairs.push([numberAt(bytes, at + 16 + 8 * (item - first)), 2 ** level])
  pairs.sort(([one], [other]) => one - other)
  return {
    count,
    min: numberAt(bytes, at),
    max: numberAt(bytes, at + 8),
    values: Float64Array.from(pairs, ([value]) => value),
    weights: Float64Array.from(pairs, ([, weight]) => weight),
  }
}

function single(values: readonly number[]): KllNumbers {
  const [only = Number.NaN] = values
  return {
    count: values.length,
    min: only,
    max: only,
    values: Float64Array.from(values),
    weights: Float64Array.from(values, () => 1),
  }
}

/**
 * How many different values an `hll_sketch` has seen. While it has few it keeps their marks, which are counted; later it
 * keeps the estimate that it made as they came, or, of sketches that were merged, what the registers say.
 */
export function distinctIn(bytes: Buffer): number {
  need(bytes, 8)
  if (bytes[2] !== HLL) throw broken()
  const flags = bytes[5] as number
  const mode = (bytes[7] as number) & 3
  if ((flags & 4) !== 0) return 0
  if (mode === 0) return ofMarks(bytes[6] as number)
  need(bytes, 12)
  if (mode === 1) return ofMarks(bytes.readUInt32LE(8))
  need(bytes, 40)
  const isMerged = (flags & 16) !== 0
  return isMerged ? ofRegisters(bytes) : numberAt(bytes, 8)
}

/** Marks have 26 bits of place: two values may share one. */
function ofMarks(marks: number): number {
  const places = 2 ** 26
  return -places * Math.log1p(-marks / places)
}

function ofRegisters(bytes: Buffer): number {
  const registers = 2 ** (bytes[3] as number)
  const empty = (bytes[6] as number) === 0 ? bytes.readUInt32LE(32) : 0
  const harmonic = numberAt(bytes, 16) + numberAt(bytes, 24)
  const raw = ((0.7213 / (1 + 1.079 / registers)) * registers * registers) / harmonic
  // Few values leave many registers empty, which says more.
  return raw <= 2.5 * registers && empty > 0 ? registers * Math.log(registers / empty) : raw
}

/** What a `frequent_strings_sketch` knows of the most frequent texts. */
export interface FrequentTexts {
  /** Texts that were counted. */
  readonly count: number
  /** Each may have come so much more often than its count says. */
  readonly offset: number
  readonly counts: readonly (readonly [string, number])[]
}

export function frequentIn(bytes: Buffer): FrequentTexts {
  need(bytes, 8)
  if (bytes[2] !== FREQUENT) throw broken()
  if (((bytes[5] as number) & 5) !== 0) return { count: 0, offset: 0, counts: [] }
  need(bytes, 32)
  const items = bytes.readUInt32LE(8)
  need(bytes, 32 + 8 * items)
  let at = 32 + 8 * items
  const counts: [string, number][] = []
  for (let item = 0; item < items; item++) {
    need(bytes, at + 4)
    const length = bytes.readUInt32LE(at)
    need(bytes, at + 4 + length)
    const text = bytes.toString('utf8', at + 4, at + 4 + length)
    counts.push([text, Number(bytes.readBigUInt64LE(32 + 8 * item))])
    at += 4 + length
  }
  return {
    count: Number(bytes.readBigUInt64LE(16)),
    offset: Number(bytes.readBigUInt64LE(24)),
    counts,
  }
}

function numberAt(bytes: Buffer, at: number): number {
  need(bytes, at + 8)
  return bytes.readDoubleLE(at)
}

function need(bytes: Buffer, length: number): void {
  if (bytes.length < length) throw broken()
}
