import { twister } from './splits.ts'
import { averagePrecision } from './ranked.ts'

/**
 * How much a metric of `rows` answers varies by chance: the standard deviation of what one row adds to it, and
 * the share of rows that add to it, both as the reference has them. Plain JSON.
 */
export interface Chance {
  readonly std: number
  readonly share: number
}

export function samplingError({ std, share }: Chance, rows: number): number {
  return std / Math.sqrt(rows * share)
}

/** Rows of one class against all others: what was said of them and what is true. */
export interface Decided {
  readonly scores: Float64Array
  readonly predicted: Uint8Array
  readonly truth: Uint8Array
}

interface Confusion {
  readonly tp: number
  readonly fp: number
  readonly fn: number
  readonly tn: number
}

export function confusionOf({ predicted, truth }: Decided): Confusion {
  let [tp, fp, fn, tn] = [0, 0, 0, 0]
  for (const [row, said] of predicted.entries())
    if (said === 1 && truth[row] === 1) tp++
    else if (said === 1) fp++
    else if (truth[row] === 1) fn++
    else tn++
  return { tp, fp, fn, tn }
}

export type Ranked = 'roc_auc' | 'average_precision'
export type Counted = 'precision' | 'recall' | 'specificity' | 'f1'

export interface ClassChances extends Record<Ranked | Exclude<Counted, 'f1'>, Chance> {
  readonly f1: Chance & { readonly correction: number }
}

/** The chance of each metric of one class. Those that count rows: of rows that count as one, and rows that count as zero. */
export function chancesOf(decided: Decided): ClassChances {
  const { tp, fp, fn, tn } = confusionOf(decided)
  const rows = tp + fp + fn + tn
  const correction = (tp + fp + fn) / (tp + (fp + fn) / 2)
  return {
    precision: chanceOf(tp, fp, rows),
    recall: chanceOf(tp, fn, rows),
    specificity: chanceOf(tn, fp, rows),
    f1: { ...chanceOf(tp, fp + fn, rows), correction },
    roc_auc: aucChance(decided),
    average_precision: averagePrecisionChance(decided),
  }
}

function chanceOf(ones: number, zeros: number, rows: number): Chance {
  return { std: bernoulliStd(ones / (ones + zeros)), share: (ones + zeros) / rows }
}

export function bernoulliStd(share: number): number {
  return Math.sqrt(share * (1 - share))
}

/** Of the ROC curve: how the share of negatives that a positive is ranked above varies, the rarer class being the positive. */
function aucChance({ scores, truth }: Pick<Decided, 'scores' | 'truth'>): Chance {
  const rows = scores.length
  const events = truth.reduce((all, each) => all + each, 0)
  const flipped = events / rows > 0.5
  const positives = flipped ? rows - events : events
  const order = Uint32Array.from(scores.keys()).toSorted(
    (one, other) => ((scores[one] as number) - (scores[other] as number)) * (flipped ? -1 : 1),
  )
  const beaten: number[] = []
  for (const [rank, row] of order.entries())
    // NannyML leaves out a positive that is ranked last of all.
    if (rank > 0 && truth[row] === (flipped ? 0 : 1))
      beaten.push((rank - beaten.length) / (rows - positives))
  return { std: stdOf(beaten), share: positives / rows }
}

/** Samples of the reference that the spread of the average precision is learnt from. */
const SAMPLES = 50
const SAMPLE_ROWS_MAX = 50_000

/** Of the average precision, by drawing from the reference; the draws are the same each time. */
function averagePrecisionChance({ scores, truth }: Pick<Decided, 'scores' | 'truth'>): Chance {
  const rows = Math.min(Math.floor(scores.length / 2), SAMPLE_ROWS_MAX)
  const random = twister(SAMPLES)
  const found = Array.from({ length: SAMPLES }, () => {
    const drawn = Uint32Array.from({ length: rows }, () => random.upTo(scores.length - 1))
    const labels = Uint8Array.from(drawn, (row) => truth[row] as number)
    return averagePrecision(
      labels,
      Float64Array.from(drawn, (row) => scores[row] as number),
    )
  })
  return { std: stdOf(found), share: 1 / rows }
}

export function stdOf(values: readonly number[], free = 0): number {
  const mean = values.reduce((all, value) => all + value, 0) / values.length
  const squares = values.reduce((all, value) => all + (value - mean) ** 2, 0)
  return Math.sqrt(squares / (values.length - free))
}
