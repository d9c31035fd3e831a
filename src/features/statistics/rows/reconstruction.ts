import { invariant } from '#base/invariant'
import { eigenOf } from '../linear.ts'
import { rowsIn, type Column } from './column.ts'

/** What of the reference is needed to say how unlike it rows hang together. Plain JSON. */
export interface Reconstruction {
  readonly columns: readonly Scaling[]
  /** Directions of the most variance, each over the columns. */
  readonly components: readonly (readonly number[])[]
}

interface Scaling {
  readonly mean: number
  readonly scale: number
  /** What a missing value counts as. */
  readonly missing: number
  /** The share of each category in the reference; null for numbers. */
  readonly shares: Readonly<Record<string, number>> | null
}

/** As NannyML has it. */
const VARIANCE_KEPT = 0.65

/**
 * Learns the directions along which the reference's rows vary: principal components (Pearson, 1901) of standardised
 * columns, categories as their shares, as NannyML's data reconstruction does it.
 */
export function learnReconstruction(
  reference: readonly Column[],
  varianceKept = VARIANCE_KEPT,
): Reconstruction {
  invariant(rowsIn(reference) > 1, 'directions of variance need rows')
  const columns = reference.map(scalingOf)
  const standardised = reference.map((column, index) => valuesIn(column, columns[index] as Scaling))
  const { values, vectors } = eigenOf(covarianceOf(standardised))
  const total = values.reduce((all, value) => all + Math.max(0, value), 0)
  let kept = 0
  let count = 0
  while (count < values.length && kept / total <= varianceKept) kept += values[count++] as number
  return { columns, components: vectors.slice(0, count).map((vector) => Array.from(vector)) }
}

/**
 * How far rows are from what the kept directions say of them: the mean distance, and its error of sampling. Columns
 * that no longer hang together as they did raise it, and so do values beyond the reference's.
 */
export function reconstructionError(
  learnt: Reconstruction,
  rows: readonly Column[],
): { mean: number; samplingError: number } {
  const distances = reconstructionDistances(learnt, rows)
  invariant(distances.length > 0, 'an error is of rows')
  const mean = distances.reduce((all, each) => all + each, 0) / distances.length
  const squares = distances.reduce((all, each) => all + (each - mean) ** 2, 0)
  const { length } = distances
  return { mean, samplingError: Math.sqrt(squares / (length - 1)) / Math.sqrt(length) }
}

/** The same of each row. */
export function reconstructionDistances(
  { columns, components }: Reconstruction,
  rows: readonly Column[],
): Float64Array {
  const values = rows.map((column, index) => valuesIn(column, columns[index] as Scaling))
  const distances = new Float64Array(rowsIn(rows))
  for (const row of distances.keys()) distances[row] = distanceOf(values, components, row)
  return distances
}

function scalingOf(column: Column): Scaling {
  const shares = column.kind === 'categorical' ? sharesIn(column.values) : null
  const missing = missingIn(column, shares)
  const values = valuesIn(column, { mean: 0, scale: 1, missing, shares })
  const mean = values.reduce((all, each) => all + each, 0) / values.length
  const variance = values.reduce((all, each) => all + (each - mean) ** 2, 0) / values.length
  return { mean, scale: variance > 0 ? Math.sqrt(variance) : 1, missing, shares }
}

/** Missing numbers count as the mean, missing categories as the most frequent. */
function missingIn(column: Column, shares: Scaling['shares']): number {
  if (column.kind === 'categorical') return Math.max(0, ...Object.values(shares ?? {}))
  const present = column.values.filter((value) => !Number.isNaN(value))
  return present.reduce((all, each) => all + each, 0) / Math.max(1, present.length)
}

/** Missing categories have been given to the most frequent before shares are taken. */
function sharesIn(values: readonly (string | null)[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1)
  const missing = values.filter((value) => value === null).length
  const [most] = [...counts].toSorted(
    ([one, many], [other, more]) => more - many || (one < other ? -1 : 1),
  )
  if (most !== undefined) counts.set(most[0], most[1] + missing)
  return Object.fromEntries([...counts].map(([name, count]) => [name, count / values.length]))
}

function valuesIn(column: Column, { mean, scale, missing, shares }: Scaling): Float64Array {
  const raw =
    column.kind === 'numeric'
      ? column.values.map((value) => (Number.isNaN(value) ? missing : value))
      : Float64Array.from(column.values, (name) =>
          name === null ? missing : (shares?.[name] ?? 0),
        )
  return raw.map((value) => (value - mean) / scale)
}

function covarianceOf(columns: readonly Float64Array[]): Float64Array[] {
  const count = columns[0]?.length ?? 0
  return columns.map((one) =>
    Float64Array.from(columns, (other) => {
      let all = 0
      for (let row = 0; row < count; row++) all += (one[row] as number) * (other[row] as number)
      return all / (count - 1)
    }),
  )
}

function distanceOf(
  columns: readonly Float64Array[],
  components: Reconstruction['components'],
  row: number,
): number {
  const rest = columns.map((column) => column[row] as number)
  const along = components.map((component) =>
    component.reduce((all, weight, index) => all + weight * (rest[index] as number), 0),
  )
  const left = rest.map((value, index) =>
    components.reduce(
      (all, component, at) => all - (along[at] as number) * (component[index] as number),
      value,
    ),
  )
  return Math.sqrt(left.reduce((all, each) => all + each * each, 0))
}
