import { emptyRegisters, hashesOf, noteText, uniteRegisters } from './distinct.ts'

/**
 * What is kept of texts: how often each came while few differ; then the frequent ones (Misra and Gries, 1982), which add up
 * as Agarwal et al. show (Mergeable Summaries, 2012).
 */
export interface TextSketch {
  count: number
  /** By text, or by what stands for a long one; each too low by `offset` at most, and those left out have come that often at most. */
  readonly counts: Map<string, number>
  /** 0 while every text is counted. */
  offset: number
  /** Of those that are not kept any more; null while all are. */
  registers: Uint8Array | null
}

/** As many different texts are counted exactly. */
export const TEXTS_MAX = 1024
/** When they are more: so many frequent ones are kept, and as many more until they are sorted out. */
const FREQUENT = 256

/** Longer texts stand in the counts with their beginning and a hash. */
const TEXT_CHARS = 96

export function emptyTexts(): TextSketch {
  return { count: 0, counts: new Map(), offset: 0, registers: null }
}

/** How a text is named in the counts. */
export function textKey(text: string): string {
  if (text.length <= TEXT_CHARS) return text
  const hash = hashesOf(text).map((word) => word.toString(16).padStart(8, '0'))
  return `${text.slice(0, TEXT_CHARS - 18)}… ${hash.join('')}`
}

export function addText(sketch: TextSketch, text: string, times = 1): void {
  sketch.count += times
  addKey(sketch, textKey(text), times)
}

function addKey(sketch: TextSketch, key: string, times: number): void {
  const before = sketch.counts.get(key)
  sketch.counts.set(key, (before ?? 0) + times)
  if (before !== undefined) return
  if (sketch.registers !== null) noteText(sketch.registers, key)
  if (sketch.counts.size > mostOf(sketch)) sortOut(sketch)
}

function mostOf({ offset }: TextSketch): number {
  return offset === 0 ? TEXTS_MAX : 2 * FREQUENT
}

/** Keeps the frequent ones, each less by what the most frequent of the others had. */
function sortOut(sketch: TextSketch): void {
  sketch.registers ??= registersOf(sketch)
  const counts = Float64Array.from(sketch.counts.values()).toSorted()
  const least = counts.at(-FREQUENT - 1) as number
  for (const [key, count] of sketch.counts)
    if (count > least) sketch.counts.set(key, count - least)
    else sketch.counts.delete(key)
  sketch.offset += least
}

/** Adds what others counted: all that they saw, of which each count may be too low by `offset`. */
export function mergeCounts(
  into: TextSketch,
  added: { count: number; offset: number; counts: Iterable<readonly [string, number]> },
): void {
  into.count += added.count
  into.offset += added.offset
  for (const [text, times] of added.counts) addKey(into, textKey(text), times)
}

export function mergeTexts(into: TextSketch, other: TextSketch): void {
  if (other.registers !== null) {
    into.registers ??= registersOf(into)
    uniteRegisters(into.registers, other.registers)
  }
  mergeCounts(into, other)
}

function registersOf({ counts }: TextSketch): Uint8Array {
  const registers = emptyRegisters()
  for (const key of counts.keys()) noteText(registers, key)
  return registers
}

/** How often a text came, at best: between this less the offset and this. */
export function timesOf(sketch: TextSketch, text: string): number {
  const count = sketch.counts.get(textKey(text))
  return count === undefined ? 0 : Math.min(sketch.count, count + sketch.offset)
}
