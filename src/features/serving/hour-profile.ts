import type { ColumnSketch } from '#sketches'

/**
 * What the live answers of one revision looked like whose event times lie in one UTC hour. Kept as long as the log, made
 * of each row once, and late rows included: any span of hours, any column and any comparison is answered from these.
 */
export interface HourProfile {
  readonly startMs: number
  readonly revision: number
  readonly modelVersion: string
  readonly rows: number
  /** By column. A column that some rows lack has fewer rows than the profile. */
  readonly inputs: ReadonlyMap<string, ColumnSketch>
  /** By output; the elements of one that gives lists are beside it, as `name[0]` and so on. */
  readonly outputs: ReadonlyMap<string, ColumnSketch>
  readonly latencyMs: ColumnSketch
  /** Another system made it, and told nothing else: of these predictions there are no rows. */
  readonly told?: true
}

/** Elements of a list that have profiles of their own. */
export const PROFILED_ELEMENTS_MAX = 32
