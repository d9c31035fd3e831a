import {
  EDGE_LEVELS,
  CATEGORIES_MAX,
  emptyCounts,
  plus,
  spreadOf,
  type CategoricalProfile,
  type ColumnProfile,
  type NumericProfile,
  type Profile,
} from '#drift'
import type { HourProfile } from '#serving'
import {
  distinctOf,
  emptySketch,
  mergeInto,
  numbersIn,
  quantilesOf,
  summaryOf,
  type ColumnSketch,
} from '#sketches'
import type { Reference } from '../store.ts'
import { countsIn, rowsIn } from './look.ts'
import { scoreSketchOf } from './score.ts'

/**
 * A span of an endpoint's own past as a reference: what it was asked and what one version answered, and how much windows of
 * the span differ among themselves. Undefined where nothing was predicted.
 */
export function referenceOfSpan(
  hours: readonly HourProfile[],
  { modelVersion, windowMs }: { modelVersion: string; windowMs: number },
): Reference | undefined {
  const [first, last] = [hours[0], hours.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const windows = windowsOf(hours, windowMs)
  const features = new Set(hours.flatMap(({ inputs }) => [...inputs.keys()]))
  const columns: Record<string, ColumnProfile> = {}
  for (const feature of features)
    columns[feature] = columnOf(windows, ({ inputs }) => inputs.get(feature))
  const toMs = last.startMs + HOUR_MS - 1
  const profile: Profile = {
    version: 1,
    rows: rowsIn(hours),
    time: { column: 'event time', windowMs, fromMs: first.startMs, toMs },
    columns,
  }
  const own = windowsOf(
    hours.filter((hour) => hour.modelVersion === modelVersion),
    windowMs,
  )
  const prediction = columnOf(own, ({ outputs }) => scoreSketchOf(outputs))
  return {
    modelVersion,
    profile,
    prediction: prediction.kind === 'numeric' ? prediction : null,
    trainedUntilMs: toMs,
  }
}

const HOUR_MS = 3_600_000

type Windows = readonly (readonly HourProfile[])[]

function windowsOf(hours: readonly HourProfile[], windowMs: number): Windows {
  return [...Map.groupBy(hours, ({ startMs }) => Math.floor(startMs / windowMs)).values()]
}

function columnOf(
  windows: Windows,
  sketchOf: (hour: HourProfile) => ColumnSketch | undefined,
): ColumnProfile {
  const all = emptySketch()
  for (const hour of windows.flat()) {
    const sketch = sketchOf(hour)
    if (sketch !== undefined) mergeInto(all, sketch)
  }
  const shape = numericIn(all) ?? categoricalIn(all)
  if (shape === undefined) return { kind: 'other', reason: 'the reference has no value of it' }
  const counted = windows.map((hours) => countsIn(shape, hours, sketchOf))
  const whole = { ...shape, counts: counted.reduce(plus, emptyCounts(shape)) }
  return { ...whole, spread: spreadOf(whole, counted) }
}

const NO_COUNTS = { bins: [], sums: [], missing: 0 }

/** A column of numbers, in which few texts may be. */
function numericIn(sketch: ColumnSketch): NumericProfile | undefined {
  const { numbers } = summaryOf(sketch, 0)
  const others = sketch.texts.count + sketch.trues + sketch.falses
  if (numbers === null || others >= numbers.count) return undefined
  const { mean, std, min, max } = numbers
  const edges = [...new Set(quantilesOf(sketch, EDGE_LEVELS))]
  return { kind: 'numeric', edges, counts: NO_COUNTS, min, max, mean, std, spread: null }
}

function categoricalIn(sketch: ColumnSketch): CategoricalProfile | undefined {
  const { values, weights } = numbersIn(sketch)
  const times: [string, number][] = [
    ...sketch.texts.counts,
    ['true', sketch.trues],
    ['false', sketch.falses],
    ...Array.from(values, (value, at): [string, number] => [String(value), weights[at] as number]),
  ]
  const categories = times
    .filter(([, count]) => count > 0)
    .toSorted(([one, n], [other, m]) => m - n || (one < other ? -1 : 1))
    .slice(0, CATEGORIES_MAX)
    .map(([category]) => category)
  if (categories.length === 0) return undefined
  const distinct = distinctOf(sketch)
  return { kind: 'categorical', categories, distinct, counts: NO_COUNTS, spread: null }
}
