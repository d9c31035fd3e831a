import { seededDraws } from '#base/seeded'
import {
  maximumMeanDiscrepancy,
  reconstructionDistances,
  toldApart,
  type Column,
} from '#statistics'
import { momentsOf } from '../numbers/moments.ts'
import { columnOf, pointsIn, type KnownColumn, type WholeRow } from './columns.ts'
import { centreOf, squaredDistance, type EmbeddingStructure, type Structure } from './structure.ts'

/** What was found of how columns of some rows hang together, against how they did. */
export interface TogetherVerdict {
  readonly rows: number
  readonly columns: number
  /** Null where fewer than two columns can be looked at together. */
  readonly reconstruction: ReconstructionVerdict | null
  /** Asked where something seems to have changed; null else. */
  readonly classifier: ClassifierVerdict | null
  readonly embeddings: readonly EmbeddingVerdict[]
}

export interface ReconstructionVerdict {
  readonly state: 'steady' | 'drifted'
  readonly error: number
  readonly usual: number
  /** How far the error may be from what is usual. */
  readonly margin: number
}

export interface ClassifierVerdict {
  readonly state: 'steady' | 'drifted'
  readonly auc: number
  readonly ciLow: number
  readonly ciHigh: number
  /** Rows of each side that it was asked about, the same ones each time. */
  readonly rows: { readonly reference: number; readonly current: number }
  /** Columns by which sides are told apart, those that tell most first. */
  readonly columns: readonly { readonly column: string; readonly needed: number }[]
}

export interface EmbeddingVerdict {
  readonly column: string
  readonly state: 'steady' | 'drifted'
  /** Of the centre of its points from that of the reference's, in the reference's radii. */
  readonly distance: number | null
  readonly threshold: number
  /** Maximum mean discrepancy and how likely it is by chance; null where nobody asked, since the distance is below the threshold. */
  readonly mmd: { readonly statistic: number; readonly p: number } | null
}

/** Errors that differ by less than this part of the usual are small whatever their significance. */
const PART_MIN = 0.05

/** Standard deviations, of chance and of the reference's own windows. */
const DEVIATIONS = 4

/** A classifier that tells sides apart no better than this has not found what is worth telling. */
const AUC_MIN = 0.55

/** Rows of a side that the classifier learns from. */
export const CLASSIFIED_MAX = 1000

/** A small one: it has to see that sides differ, and not all that they differ by. */
const CLASSIFIER = { trees: 25, leaves: 15, folds: 3 }

/** Fewer rows than this hang together in ways of their own. */
const ROWS_MIN = 100

const DISTANCE_MIN = 0.1
const CHANCE_MAX = 0.01
const POINTS_MAX = 300

/** What is known besides of rows that are judged. */
export interface Beside {
  /** Columns that have drifted by themselves, which the classifier is not shown. */
  readonly alone: readonly string[]
  /** Rows of the reference, asked for where something seems to have changed. */
  sample(): Promise<readonly WholeRow[]>
}

/**
 * Holds rows against how columns of a reference hang together. The error of reconstruction is cheap and asked first; what it
 * finds must also be seen by a classifier that has the reference's rows before it. Undefined with too few rows.
 */
export async function judgeTogether(
  structure: Structure,
  rows: readonly WholeRow[],
  { alone, sample }: Beside,
): Promise<TogetherVerdict | undefined> {
  if (rows.length < ROWS_MIN) return undefined
  const reconstruction = reconstructionOf(structure, rows)
  const suspect = reconstruction?.state === 'drifted'
  const far = structure.embeddings.map((each) => distanceOf(each, rows, structure.rows))
  const reference = suspect || far.some(({ isFar }) => isFar) ? await sample() : undefined
  const left = structure.columns.filter(({ name }) => !alone.includes(name))
  const classifier =
    suspect && reference !== undefined && left.length > 1
      ? classified(left, [reference, rows], { evened: true })
      : null
  const isSeen = classifier?.state === 'drifted'
  return {
    rows: rows.length,
    columns: structure.columns.length,
    reconstruction:
      reconstruction === null || isSeen ? reconstruction : { ...reconstruction, state: 'steady' },
    classifier,
    embeddings: structure.embeddings.map((each, at) =>
      embeddingOf(each, {
        rows,
        reference: far[at]?.isFar === true ? reference : undefined,
        found: far[at] as Far,
      }),
    ),
  }
}

/** The same without a classifier, and with chance asked of every column of points. */
export function heldAgainst(
  structure: Structure,
  rows: readonly WholeRow[],
  reference: readonly WholeRow[],
): TogetherVerdict | undefined {
  if (rows.length < ROWS_MIN) return undefined
  return {
    rows: rows.length,
    columns: structure.columns.length,
    reconstruction: reconstructionOf(structure, rows),
    classifier: null,
    embeddings: structure.embeddings.map((each) =>
      embeddingOf(each, { rows, reference, found: distanceOf(each, rows, structure.rows) }),
    ),
  }
}

function reconstructionOf(
  { columns, reconstruction, error: usual, rows: learnt }: Structure,
  rows: readonly WholeRow[],
): ReconstructionVerdict | null {
  if (reconstruction === null) return null
  const tables = columns.map((column) => columnOf(rows, column))
  const { mean: error, variance } = momentsOf(reconstructionDistances(reconstruction, tables))
  const chance = variance / rows.length + usual.rowStd ** 2 / learnt
  const margin = Math.max(
    PART_MIN * usual.mean,
    DEVIATIONS * Math.sqrt(chance + usual.windowStd ** 2),
  )
  const state = Math.abs(error - usual.mean) > margin ? 'drifted' : 'steady'
  return { state, error, usual: usual.mean, margin }
}

/**
 * How well sides are told apart, and by which columns. `evened`: whatever a number's own distribution is on a side, it is
 * made the same on both, so that only how columns hang together tells. Null with too few rows.
 */
export function classified(
  columns: readonly KnownColumn[],
  sides: readonly [reference: readonly WholeRow[], current: readonly WholeRow[]],
  { evened }: { evened: boolean },
): ClassifierVerdict | null {
  const [one, other] = sides.map((side) => thinned(side, CLASSIFIED_MAX)) as [
    WholeRow[],
    WholeRow[],
  ]
  const tableOf = (rows: readonly WholeRow[]) =>
    columns.map((known) => (evened ? evenly : same)(columnOf(rows, known)))
  const found = toldApart(tableOf(one), tableOf(other), CLASSIFIER)
  if (found === undefined) return null
  const { auc, ciLow, ciHigh } = found.auc
  return {
    state: ciLow > AUC_MIN ? 'drifted' : 'steady',
    auc,
    ciLow,
    ciHigh,
    rows: { reference: one.length, current: other.length },
    columns: columns
      .map(({ name }, at) => ({ column: name, needed: found.needed[at] as number }))
      .filter(({ needed }) => needed > 0)
      .toSorted((left, right) => right.needed - left.needed),
  }
}

function same(column: Column): Column {
  return column
}

const SEED = 1

/** Each number by the part of its side's numbers that lie below it; of equal ones the order is drawn, from a seed. */
function evenly(column: Column): Column {
  if (column.kind === 'categorical') return column
  const draw = seededDraws(SEED)
  const places = Array.from(column.values.keys())
    .filter((place) => !Number.isNaN(column.values[place]))
    .map((place) => ({ place, value: column.values[place] as number, lot: draw() }))
    .toSorted((one, other) => one.value - other.value || one.lot - other.lot)
  const values = new Float64Array(column.values.length).fill(NaN)
  for (const [rank, { place, lot }] of places.entries())
    values[place] = (rank + lot) / places.length
  return { kind: 'numeric', values }
}

interface Far {
  readonly distance: number | null
  readonly threshold: number
  readonly isFar: boolean
}

function distanceOf(known: EmbeddingStructure, rows: readonly WholeRow[], learnt: number): Far {
  const points = pointsIn(rows, known)
  const chance = 1 / Math.max(1, points.length) + 1 / learnt
  const threshold = Math.max(DISTANCE_MIN, DEVIATIONS * Math.sqrt(chance + known.windowStd ** 2))
  if (points.length === 0 || known.radius === 0) return { distance: null, threshold, isFar: false }
  const moved = squaredDistance(centreOf(points, known.length), known.centre)
  const distance = Math.sqrt(moved) / known.radius
  return { distance, threshold, isFar: distance > threshold }
}

/** Far, and no chance: points are dealt out anew to see what chance makes of them. */
function embeddingOf(
  known: EmbeddingStructure,
  of: { rows: readonly WholeRow[]; reference: readonly WholeRow[] | undefined; found: Far },
): EmbeddingVerdict {
  const { distance, threshold, isFar } = of.found
  const mmd =
    of.reference !== undefined
      ? maximumMeanDiscrepancy(
          thinned(pointsIn(of.reference, known), POINTS_MAX),
          thinned(pointsIn(of.rows, known), POINTS_MAX),
        )
      : undefined
  const drifted = isFar && (mmd === undefined || mmd.p <= CHANCE_MAX)
  return {
    column: known.name,
    state: drifted ? 'drifted' : 'steady',
    distance,
    threshold,
    mmd: mmd ?? null,
  }
}

/** Evenly over all of them. */
export function thinned<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all
  const step = all.length / most
  return Array.from({ length: most }, (_, index) => all[Math.floor(index * step)] as T)
}
