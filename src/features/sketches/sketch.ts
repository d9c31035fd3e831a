import {
  addNumber,
  emptyNumbers,
  mergeNumbers,
  mergeWeighted,
  type NumberSketch,
  type Weighted,
} from './numbers.ts'
import { addText, emptyTexts, mergeCounts, mergeTexts, type TextSketch } from './texts.ts'

/** What is to be known of a column without its values. Two of them add up to that of both; all counts are exact. */
export interface ColumnSketch {
  rows: number
  nulls: number
  nans: number
  infinities: number
  negativeInfinities: number
  /** Lists, which no statistic of a column is for. */
  lists: number
  trues: number
  falses: number
  /** Of the finite numbers, those that are whole. */
  integers: number
  readonly numbers: NumberSketch
  readonly texts: TextSketch
}

/** What a column holds in a row; undefined is a row without it. */
export type SketchValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly SketchValue[]

export function emptySketch(): ColumnSketch {
  return {
    rows: 0,
    nulls: 0,
    nans: 0,
    infinities: 0,
    negativeInfinities: 0,
    lists: 0,
    trues: 0,
    falses: 0,
    integers: 0,
    numbers: emptyNumbers(),
    texts: emptyTexts(),
  }
}

export function sketchOf(values: Iterable<SketchValue>): ColumnSketch {
  const sketch = emptySketch()
  addValues(sketch, values)
  return sketch
}

export function addValues(sketch: ColumnSketch, values: Iterable<SketchValue>): void {
  for (const value of values) addValue(sketch, value)
}

export function addValue(sketch: ColumnSketch, value: SketchValue): void {
  if (typeof value === 'number') return addNumeric(sketch, value)
  sketch.rows++
  if (value === null || value === undefined) sketch.nulls++
  else if (typeof value === 'string') addText(sketch.texts, value)
  else if (typeof value === 'boolean') sketch[value ? 'trues' : 'falses']++
  else if (typeof value === 'bigint') {
    sketch.integers++
    addNumber(sketch.numbers, Number(value))
  } else sketch.lists++
}

/** Adds every `stride`th of some numbers, which is how columns lie in rows of numbers. */
export function addNumbers(
  sketch: ColumnSketch,
  numbers: Float64Array,
  { from = 0, stride = 1 }: { from?: number; stride?: number } = {},
): void {
  for (let at = from; at < numbers.length; at += stride) addNumeric(sketch, numbers[at] as number)
}

function addNumeric(sketch: ColumnSketch, value: number): void {
  sketch.rows++
  if (Number.isFinite(value)) {
    if (Number.isInteger(value)) sketch.integers++
    addNumber(sketch.numbers, value)
  } else if (Number.isNaN(value)) sketch.nans++
  else sketch[value > 0 ? 'infinities' : 'negativeInfinities']++
}

/** Adds finite numbers in order that stand for several each, as sketches of others have them; with exact moments, if known. */
export function addWeighted(
  sketch: ColumnSketch,
  weighted: Weighted,
  known?: { mean: number; m2: number; min: number; max: number },
): void {
  mergeWeighted(sketch.numbers, weighted, known)
  for (const [at, weight] of weighted.weights.entries()) {
    sketch.rows += weight
    if (Number.isInteger(weighted.values[at])) sketch.integers += weight
  }
}

/** Adds texts that others counted: `count` in all, of which each may have come up to `offset` more often than is said. */
export function addTextCounts(
  sketch: ColumnSketch,
  added: { count: number; offset: number; counts: Iterable<readonly [string, number]> },
): void {
  sketch.rows += added.count
  mergeCounts(sketch.texts, added)
}

/** Adds to one sketch what another has seen. */
export function mergeInto(into: ColumnSketch, other: ColumnSketch): void {
  for (const part of COUNTED) into[part] += other[part]
  mergeNumbers(into.numbers, other.numbers)
  mergeTexts(into.texts, other.texts)
}

export function merged(sketches: Iterable<ColumnSketch>): ColumnSketch {
  const all = emptySketch()
  for (const sketch of sketches) mergeInto(all, sketch)
  return all
}

/** What is only counted, in the order in which it is written. */
export const COUNTED = [
  'rows',
  'nulls',
  'nans',
  'infinities',
  'negativeInfinities',
  'lists',
  'trues',
  'falses',
  'integers',
] as const satisfies readonly (keyof ColumnSketch)[]
