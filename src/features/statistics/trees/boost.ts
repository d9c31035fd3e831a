import { invariant } from '#base/invariant'
import { binned, type TreeColumn } from './bins.ts'
import { grow, type Gradients, type Tree } from './grow.ts'

/**
 * Gradient-boosted trees, small and without chance: the same rows give the same model anywhere, so that a finding
 * can be worked out again. The defaults are LightGBM's, after which it is made (Friedman, 2001; Ke and others, 2017).
 */
export interface BoostedTrees {
  readonly kind: 'regression' | 'classification'
  /** What is answered before any tree: a mean, or log odds. */
  readonly start: number
  readonly learningRate: number
  readonly trees: readonly Tree[]
}

export interface BoostOptions {
  readonly trees?: number
  readonly leaves?: number
  readonly learningRate?: number
  readonly leafRowsMin?: number
}

/** Learns numbers by least squares. */
export function boostRegression(
  columns: readonly TreeColumn[],
  targets: ArrayLike<number>,
  options: BoostOptions = {},
): BoostedTrees {
  const start = meanOf(targets)
  const gradientsAt = (scores: Float64Array): Gradients => ({
    gradient: scores.map((score, row) => score - (targets[row] as number)),
    hessian: new Float64Array(scores.length).fill(1),
  })
  return boosted({ kind: 'regression', start, columns, gradientsAt }, options)
}

/** Learns the probability of 1 among zeros and ones by logistic loss. */
export function boostClassification(
  columns: readonly TreeColumn[],
  labels: ArrayLike<number>,
  options: BoostOptions = {},
): BoostedTrees {
  const share = Math.min(1 - 1e-12, Math.max(1e-12, meanOf(labels)))
  const start = Math.log(share / (1 - share))
  const gradientsAt = (scores: Float64Array): Gradients => {
    const probabilities = scores.map(probabilityOf)
    return {
      gradient: probabilities.map((probability, row) => probability - (labels[row] as number)),
      hessian: probabilities.map((probability) => probability * (1 - probability)),
    }
  }
  return boosted({ kind: 'classification', start, columns, gradientsAt }, options)
}

interface Learning {
  readonly kind: BoostedTrees['kind']
  readonly start: number
  readonly columns: readonly TreeColumn[]
  readonly gradientsAt: (scores: Float64Array) => Gradients
}

function boosted(
  { kind, start, columns, gradientsAt }: Learning,
  { trees = 100, leaves = 31, learningRate = 0.1, leafRowsMin = 20 }: BoostOptions,
): BoostedTrees {
  const all = columns.map(binned)
  const scores = new Float64Array(columns[0]?.values.length ?? 0).fill(start)
  const grown: Tree[] = []
  for (let round = 0; round < trees; round++) {
    const { tree, values } = grow(all, gradientsAt(scores), {
      leaves,
      leafRowsMin,
      hessianMin: 1e-3,
    })
    // A tree that asks nothing has nothing left to learn, and neither have those after it.
    if (tree.length === 1) break
    grown.push(tree)
    for (const [row, value] of values.entries())
      scores[row] = (scores[row] as number) + learningRate * value
  }
  return { kind, start, learningRate, trees: grown }
}

/** The answer for each row: a number, or the probability of 1. The columns are those it was learnt on, in their order. */
export function boostedAnswers(
  { kind, start, learningRate, trees }: BoostedTrees,
  columns: readonly TreeColumn[],
): Float64Array {
  const answers = new Float64Array(columns[0]?.values.length ?? 0)
  for (const row of answers.keys()) {
    let score = start
    for (const tree of trees) score += learningRate * leafValue(tree, columns, row)
    answers[row] = kind === 'regression' ? score : probabilityOf(score)
  }
  return answers
}

function leafValue(tree: Tree, columns: readonly TreeColumn[], row: number): number {
  let node = tree[0]
  while (node !== undefined && !('value' in node)) {
    const value = columns[node.column]?.values[row] as number
    const left = Number.isNaN(value)
      ? node.missing === 'left'
      : node.atMost === null
        ? (node.oneOf?.includes(value) ?? false)
        : value <= node.atMost
    node = tree[left ? node.left : node.right]
  }
  invariant(node !== undefined, 'a tree ends in leaves')
  return node.value
}

function probabilityOf(score: number): number {
  return 1 / (1 + Math.exp(-score))
}

function meanOf(values: ArrayLike<number>): number {
  invariant(values.length > 0, 'there is something to learn from')
  let all = 0
  for (let index = 0; index < values.length; index++) all += values[index] as number
  return all / values.length
}
