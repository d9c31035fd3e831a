import { emptyCounts, plus, type Counts, type Profile } from '#drift'
import type { HourProfile } from '#serving'
import { categoricalCounts, numericCounts, type ColumnSketch } from '#sketches'
import type { Reference } from '../store.ts'
import { scoreSketchOf } from './score.ts'

/** All that a verdict on drift is made of. */
export interface Look {
  readonly predictions: number
  /** How the values of each column that the reference knows fall into its bins; without those that no row has. */
  readonly inputs: ReadonlyMap<string, Counts>
  /** The same of what the reference's version answered; null where it is not known what that is like. */
  readonly scores: Counts | null
}

type Column = Exclude<Profile['columns'][string], { kind: 'other' }>

/**
 * Looks at hours as at the rows in them. It is the same while the different values of a column in an hour are few, which
 * `isExact` of a sketch says; else no count is further off than its sketch states.
 */
export function lookAtHours(hours: readonly HourProfile[], reference: Reference): Look {
  const { profile, prediction, modelVersion } = reference
  const inputs = new Map<string, Counts>()
  for (const [feature, column] of Object.entries(profile.columns)) {
    if (column.kind === 'other' || !hours.some((hour) => hour.inputs.has(feature))) continue
    inputs.set(
      feature,
      countsIn(column, hours, (hour) => hour.inputs.get(feature)),
    )
  }
  const own = hours.filter((hour) => hour.modelVersion === modelVersion)
  const scores =
    prediction === null ? null : countsIn(prediction, own, ({ outputs }) => scoreSketchOf(outputs))
  return { predictions: rowsIn(hours), inputs, scores }
}

/** The counts of a column over some hours; the rows of an hour without it have no value. */
export function countsIn(
  column: Column,
  hours: readonly HourProfile[],
  sketchOf: (hour: HourProfile) => ColumnSketch | undefined,
): Counts {
  return hours
    .map((hour) => {
      const sketch = sketchOf(hour)
      const counts = sketch === undefined ? emptyCounts(column) : countsBy(column, sketch)
      return { ...counts, missing: counts.missing + hour.rows - (sketch?.rows ?? 0) }
    })
    .reduce(plus, emptyCounts(column))
}

function countsBy(column: Column, sketch: ColumnSketch): Counts {
  return column.kind === 'numeric'
    ? numericCounts(sketch, column.edges)
    : categoricalCounts(sketch, column.categories)
}

export function rowsIn(hours: readonly HourProfile[]): number {
  return hours.reduce((sum, { rows }) => sum + rows, 0)
}
