import type { Logged } from '#inference'
import { boostedAnswers, boostRegression, type BoostedTrees, type TreeColumn } from '#statistics'
import { told, type Estimate } from './cbpe.ts'
import { stdOf } from './sampling.ts'

/** What a model was asked in one row. */
type Inputs = Readonly<Record<string, Logged>>

/** Direct loss estimation: how far a regressor is off at a row, learnt from rows whose truth is known. Plain JSON. */
export interface LossEstimator {
  readonly method: 'dle'
  /** Rows that it was fitted on. */
  readonly rows: number
  readonly columns: readonly LossColumn[]
  readonly absolute: BoostedTrees
  readonly squared: BoostedTrees
  /** Standard deviations of the absolute and of the squared error of one row, and the mean of the latter. */
  readonly absoluteStd: number
  readonly squaredStd: number
  readonly squaredMean: number
}

/** A column of numbers, or the categories that it had. */
interface LossColumn {
  readonly name: string
  readonly categories: readonly string[] | null
}

/** Rows beyond these teach it nothing that is worth the wait. */
const ROWS_MAX = 20_000

/** Rarer categories than these are taken for no value. */
const CATEGORIES_MAX = 200

export function fitLoss(
  inputs: readonly Inputs[],
  answers: Float64Array,
  truths: Float64Array,
): LossEstimator {
  const step = Math.ceil(inputs.length / ROWS_MAX)
  const rows = inputs.filter((_, index) => index % step === 0)
  const said = answers.filter((_, index) => index % step === 0)
  const absolute = said.map((answer, index) => Math.abs(answer - (truths[index * step] as number)))
  const squared = absolute.map((error) => error ** 2)
  const columns = columnsOf(rows)
  const values = valuesOf(columns, rows, said)
  return {
    method: 'dle',
    rows: rows.length,
    columns,
    absolute: boostRegression(values, absolute),
    squared: boostRegression(values, squared),
    absoluteStd: stdOf([...absolute]),
    squaredStd: stdOf([...squared]),
    squaredMean: meanOf(squared),
  }
}

/** Estimates of no answers are none. */
export function estimateLoss(
  { columns, absolute, squared, absoluteStd, squaredStd, squaredMean }: LossEstimator,
  inputs: readonly Inputs[],
  answers: Float64Array,
): Estimate[] {
  const rows = inputs.length
  if (rows === 0) return []
  const values = valuesOf(columns, inputs, answers)
  const mae = meanOf(boostedAnswers(absolute, values))
  const mse = meanOf(boostedAnswers(squared, values))
  const error = squaredStd / Math.sqrt(rows)
  return [
    told('mae', mae, { error: absoluteStd / Math.sqrt(rows), most: Infinity }),
    told('mse', mse, { error, most: Infinity }),
    // A mean's error as its root has it, where the reference's mean lies.
    told('rmse', Math.sqrt(mse), { error: error / (2 * Math.sqrt(squaredMean)), most: Infinity }),
  ]
}

function columnsOf(rows: readonly Inputs[]): LossColumn[] {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return names.flatMap((name): LossColumn[] => {
    const cells = rows.map((row) => row[name])
    if (cells.every((cell) => cell === null || cell === undefined || isNumeric(cell)))
      return [{ name, categories: null }]
    if (cells.some((cell) => typeof cell === 'object' && cell !== null)) return []
    return [{ name, categories: commonest(cells) }]
  })
}

function isNumeric(cell: Logged | undefined): boolean {
  return typeof cell === 'number' || typeof cell === 'boolean'
}

function commonest(cells: readonly (Logged | undefined)[]): string[] {
  const found = new Map<string, number>()
  for (const cell of cells)
    if (cell !== null && cell !== undefined)
      found.set(String(cell), (found.get(String(cell)) ?? 0) + 1)
  return [...found]
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, CATEGORIES_MAX)
    .map(([category]) => category)
}

/** The columns as numbers, and the answer as one more. */
function valuesOf(
  columns: readonly LossColumn[],
  rows: readonly Inputs[],
  answers: Float64Array,
): TreeColumn[] {
  const each = columns.map(({ name, categories }): TreeColumn => {
    if (categories === null)
      return {
        values: Float64Array.from(rows, (row) =>
          isNumeric(row[name]) ? Number(row[name]) : Number.NaN,
        ),
        categorical: false,
      }
    const places = new Map(categories.map((category, index) => [category, index]))
    return {
      values: Float64Array.from(rows, (row) => places.get(String(row[name])) ?? Number.NaN),
      categorical: true,
    }
  })
  return [...each, { values: answers, categorical: false }]
}

/** Losses are not negative, whatever trees that add up say of a row. */
function meanOf(losses: Float64Array): number {
  return losses.reduce((all, loss) => all + Math.max(0, loss), 0) / losses.length
}
