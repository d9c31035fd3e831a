import { learnReconstruction, reconstructionDistances, type Reconstruction } from '#statistics'
import { momentsOf } from '../numbers/moments.ts'
import {
  columnOf,
  columnsIn,
  pointsIn,
  type KnownColumn,
  type KnownEmbedding,
  type WholeRow,
} from './columns.ts'

/** How the columns of a reference hang together. Plain JSON, of a size that does not grow with its rows. */
export interface Structure {
  readonly version: 1
  readonly rows: number
  readonly columns: readonly KnownColumn[]
  /** Null where fewer than two columns can be looked at together. */
  readonly reconstruction: Reconstruction | null
  /** How far rows of the reference are from what its main directions say of them. */
  readonly error: Usual
  readonly embeddings: readonly EmbeddingStructure[]
}

/** A mean, how much single rows differ from it, and how much windows do beyond what chance makes them. */
export interface Usual {
  readonly mean: number
  readonly rowStd: number
  readonly windowStd: number
  /** Windows, or parts of the data in its order, that this was learnt from. */
  readonly windows: number
}

export interface EmbeddingStructure extends KnownEmbedding {
  readonly centre: readonly number[]
  /** The root of the mean squared distance of points from the centre. */
  readonly radius: number
  /** How far the centres of windows are from the centre, in radii, beyond what chance makes of it. */
  readonly windowStd: number
}

export interface TimedRow {
  readonly atMs: number | null
  readonly values: WholeRow
}

/** Fewer rows than this hang together in ways of their own. */
const ROWS_MIN = 200

/** Rows without a time are taken in their order, in so many parts. */
const PARTS = 10

/** A part with fewer rows than this says nothing about windows. */
const PART_ROWS_MIN = 30

/** What there is to know of a reference's rows; undefined where there are too few. */
export function learnStructure(
  rows: readonly TimedRow[],
  { windowMs }: { windowMs: number },
): Structure | undefined {
  if (rows.length < ROWS_MIN) return undefined
  const values = rows.map((row) => row.values)
  const { columns, embeddings } = columnsIn(values)
  const tables = columns.map((column) => columnOf(values, column))
  const reconstruction = columns.length < 2 ? null : learnReconstruction(tables)
  const parts = partsOf(rows, windowMs)
  const distances =
    reconstruction === null ? NOTHING : reconstructionDistances(reconstruction, tables)
  return {
    version: 1,
    rows: rows.length,
    columns,
    reconstruction,
    error: usualOf(distances, parts),
    embeddings: embeddings.map((each) => embeddingOf(values, each, parts)),
  }
}

const NOTHING = new Float64Array()

/** The places of the rows of each window, or of each tenth of the data. */
function partsOf(rows: readonly TimedRow[], windowMs: number): number[][] {
  const places = [...rows.keys()]
  const isTimed = rows.some(({ atMs }) => atMs !== null)
  const partOf = (place: number) => {
    const { atMs } = rows[place] as TimedRow
    if (!isTimed) return Math.floor((place * PARTS) / rows.length)
    return atMs === null ? null : Math.floor(atMs / windowMs)
  }
  const parts = Map.groupBy(places, partOf)
  parts.delete(null)
  const found = [...parts.values()].filter((part) => part.length >= PART_ROWS_MIN)
  return found.length >= 2 ? found : []
}

function usualOf(values: Float64Array, parts: readonly (readonly number[])[]): Usual {
  const { mean, variance } = momentsOf(values)
  const means = parts.map((part) =>
    momentsOf(Float64Array.from(part, (place) => values[place] ?? 0)),
  )
  // What sampling alone makes of the means of parts is taken off.
  const chance = means.map((each, at) => each.variance / (parts[at]?.length ?? 1))
  const between = momentsOf(Float64Array.from(means, (each) => each.mean))
  const beyond = between.variance - momentsOf(Float64Array.from(chance)).mean
  return {
    mean,
    rowStd: Math.sqrt(variance),
    windowStd: parts.length === 0 ? 0 : Math.sqrt(Math.max(0, beyond)),
    windows: parts.length,
  }
}

function embeddingOf(
  rows: readonly WholeRow[],
  known: KnownEmbedding,
  parts: readonly (readonly number[])[],
): EmbeddingStructure {
  const points = pointsIn(rows, known)
  const centre = centreOf(points, known.length)
  const squares = points.map((point) => squaredDistance(point, centre))
  const radius = Math.sqrt(momentsOf(Float64Array.from(squares)).mean)
  const beyond = parts.map((part) => {
    const own = pointsIn(
      part.map((place) => rows[place] as WholeRow),
      known,
    )
    if (own.length === 0 || radius === 0) return 0
    return squaredDistance(centreOf(own, known.length), centre) / radius ** 2 - 1 / own.length
  })
  const mean = momentsOf(Float64Array.from(beyond)).mean
  return { ...known, centre, radius, windowStd: Math.sqrt(Math.max(0, mean)) }
}

export function centreOf(points: readonly (readonly number[])[], length: number): number[] {
  const sums = Array.from({ length }, () => 0)
  for (const point of points)
    for (let at = 0; at < length; at++) sums[at] = (sums[at] as number) + (point[at] as number)
  return sums.map((sum) => sum / Math.max(1, points.length))
}

export function squaredDistance(one: readonly number[], other: readonly number[]): number {
  return one.reduce((all, value, at) => all + (value - (other[at] as number)) ** 2, 0)
}
