import { Problem } from '#base/problem'
import { isFloat, rowCount, valueAt, type Tensor, type TensorSpec } from './tensor.ts'

/** One class as a classifier scores it; the label is empty where the model does not name it. */
export interface ScoredClass {
  readonly label: string
  readonly score: number
}

/**
 * Each row's classes with their scores, in the model's order. A model that answers a label beside its scores names
 * the class that it means and no other; one that answers scores alone numbers its classes from 0. Throws `conflict`
 * for outputs that are no classification.
 */
export function classesOf(outputs: readonly Tensor[]): ScoredClass[][] {
  const { score, label } = checkClassifier(outputs)
  return Array.from({ length: rowCount(score) }, (_, row) => scoredRow(score, label, row))
}

/** The outputs of a classifier, of a model's shape or of its answer. Throws `conflict` for those of none. */
export function checkClassifier<T extends TensorSpec>(
  outputs: readonly T[],
): { score: T; label: T | undefined } {
  const [score, ...moreScores] = outputs.filter(({ type, shape }) => isFloat(type) && isWide(shape))
  const [label, ...moreLabels] = outputs.filter(
    ({ type, shape }) => !isFloat(type) && isColumn(shape),
  )
  const rest = outputs.filter((output) => output !== score && output !== label)
  if (score === undefined || moreScores.length + moreLabels.length + rest.length > 0)
    throw new Problem(
      'conflict',
      `the model is no classifier: it gives ${describedOutputs(outputs)}, and classes are read from one matrix of scores, with at most one column of labels beside it; ask for a prediction`,
    )
  return { score, label }
}

function scoredRow(score: Tensor, label: Tensor | undefined, row: number): ScoredClass[] {
  const width = score.shape[1] ?? 0
  const scores = Array.from({ length: width }, (_, index) =>
    Number(valueAt(score, row * width + index)),
  )
  // There may be more classes than a call takes arguments.
  const best = scores.indexOf(scores.reduce((most, each) => Math.max(most, each), -Infinity))
  return scores.map((each, index) => ({
    label: label === undefined ? String(index) : index === best ? String(valueAt(label, row)) : '',
    score: each,
  }))
}

/** The one number that a regression gives for each row. Throws `conflict` for outputs that are none. */
export function regressionOf(outputs: readonly Tensor[]): number[] {
  const only = checkRegression(outputs)
  return Array.from({ length: rowCount(only) }, (_, row) => Number(valueAt(only, row)))
}

/** The output of a regression, of a model's shape or of its answer. Throws `conflict` for those of none. */
export function checkRegression<T extends TensorSpec>(outputs: readonly T[]): T {
  const [only, ...more] = outputs
  if (only !== undefined && more.length === 0 && isFloat(only.type) && isColumn(only.shape))
    return only
  throw new Problem(
    'conflict',
    `the model is no regression: it gives ${describedOutputs(outputs)}, and a regression gives one column of floating-point numbers; ask for a prediction`,
  )
}

/** A dimension that may vary could be 1; what the model answers will say. */
function isColumn(shape: TensorSpec['shape']): boolean {
  return shape.length > 0 && shape.slice(1).every((size) => size === 1 || size === null)
}

function isWide(shape: TensorSpec['shape']): boolean {
  return shape.length === 2 && shape[1] !== 1 && shape[1] !== 0
}

function describedOutputs(outputs: readonly TensorSpec[]): string {
  return outputs
    .map(
      ({ name, type, shape }) =>
        `${name} (${type} [${shape.map((size) => size ?? -1).join(', ')}])`,
    )
    .join(', ')
}
