import { Problem } from '#base/problem'
import { elementsOf, isFloat, rowCount, valueAt, type Tensor } from './tensor.ts'

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
  const scores = outputs.filter(({ type, shape }) => isFloat(type) && shape.length === 2)
  const labels = outputs.filter(({ type, shape }) => !isFloat(type) && isColumn(shape))
  const [score, ...moreScores] = scores
  const [label, ...moreLabels] = labels
  const isOne = moreScores.length === 0 && moreLabels.length === 0
  if (
    score === undefined ||
    (score.shape[1] ?? 0) < 2 ||
    !isOne ||
    !onlyThese(outputs, score, label)
  )
    throw new Problem(
      'conflict',
      `the model is no classifier: it gives ${describedOutputs(outputs)}, and classes are read from one matrix of scores, with at most one column of labels beside it; ask for a prediction`,
    )
  return Array.from({ length: rowCount(score) }, (_, row) => scoredRow(score, label, row))
}

function scoredRow(score: Tensor, label: Tensor | undefined, row: number): ScoredClass[] {
  const width = score.shape[1] ?? 0
  const scores = Array.from({ length: width }, (_, index) =>
    Number(score.data[row * width + index]),
  )
  const best = scores.indexOf(Math.max(...scores))
  return scores.map((each, index) => ({
    label: label === undefined ? String(index) : index === best ? String(valueAt(label, row)) : '',
    score: each,
  }))
}

/** The one number that a regression gives for each row. Throws `conflict` for outputs that are none. */
export function regressionOf(outputs: readonly Tensor[]): number[] {
  const [only, ...more] = outputs
  if (only === undefined || more.length > 0 || !isFloat(only.type) || !isColumn(only.shape))
    throw new Problem(
      'conflict',
      `the model is no regression: it gives ${describedOutputs(outputs)}, and a regression gives one column of floating-point numbers; ask for a prediction`,
    )
  return Array.from(only.data, Number)
}

function isColumn(shape: readonly number[]): boolean {
  return shape.length >= 1 && elementsOf(shape.slice(1)) === 1
}

function onlyThese(outputs: readonly Tensor[], ...these: readonly (Tensor | undefined)[]): boolean {
  return outputs.every((output) => these.includes(output))
}

function describedOutputs(outputs: readonly Tensor[]): string {
  return outputs
    .map(({ name, type, shape }) => `${name} (${type} [${shape.join(', ')}])`)
    .join(', ')
}
