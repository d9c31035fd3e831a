/** A step-free monotone curve through some points: between two of them it is a line, outside it is flat. Plain JSON. */
export interface Isotonic {
  readonly x: readonly number[]
  readonly y: readonly number[]
}

/** Scores closer than this are the same score. */
const SAME = 1e-15

/**
 * The non-decreasing curve that is nearest to the targets in squares, by pooling neighbours that violate the
 * order (Ayer and others, 1955). Scores that occur twice count with the mean of their targets.
 */
export function isotonicOf(scores: ArrayLike<number>, targets: ArrayLike<number>): Isotonic {
  const { x, y, weight } = meansByScore(scores, targets)
  const level = pooled(y, weight)
  const keep = x.map(
    (_, index) =>
      index === 0 ||
      index === x.length - 1 ||
      level[index] !== level[index - 1] ||
      level[index] !== level[index + 1],
  )
  return {
    x: x.filter((_, index) => keep[index]),
    y: level.filter((_, index) => keep[index]),
  }
}

export function onCurve({ x, y }: Isotonic, scores: ArrayLike<number>): Float64Array {
  return Float64Array.from(scores, (score) => valueAt(x, y, score))
}

function valueAt(x: readonly number[], y: readonly number[], score: number): number {
  const last = x.length - 1
  if (score <= (x[0] as number)) return y[0] as number
  if (score >= (x[last] as number)) return y[last] as number
  let low = 0
  let high = last
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((x[middle] as number) <= score) low = middle
    else high = middle
  }
  const [x0, x1] = [x[low] as number, x[high] as number]
  const [y0, y1] = [y[low] as number, y[high] as number]
  return y0 + ((y1 - y0) / (x1 - x0)) * (score - x0)
}

function meansByScore(scores: ArrayLike<number>, targets: ArrayLike<number>) {
  const order = Uint32Array.from({ length: scores.length }, (_, index) => index).toSorted(
    (one, other) => (scores[one] as number) - (scores[other] as number),
  )
  const x: number[] = []
  const y: number[] = []
  const weight: number[] = []
  for (const index of order) {
    const score = scores[index] as number
    const at = x.length - 1
    if (at < 0 || score - (x[at] as number) >= SAME) {
      x.push(score)
      y.push(targets[index] as number)
      weight.push(1)
    } else {
      y[at] = (y[at] as number) + (targets[index] as number)
      weight[at] = (weight[at] as number) + 1
    }
  }
  return { x, y: y.map((sum, index) => sum / (weight[index] as number)), weight }
}

/** Blocks of equal level, each the weighted mean of what it pools. */
function pooled(y: readonly number[], weight: readonly number[]): number[] {
  const blocks: { sum: number; weight: number; count: number }[] = []
  for (const [index, value] of y.entries()) {
    let block = {
      sum: value * (weight[index] as number),
      weight: weight[index] as number,
      count: 1,
    }
    let before = blocks.at(-1)
    while (before !== undefined && before.sum / before.weight >= block.sum / block.weight) {
      block = {
        sum: before.sum + block.sum,
        weight: before.weight + block.weight,
        count: before.count + block.count,
      }
      blocks.pop()
      before = blocks.at(-1)
    }
    blocks.push(block)
  }
  return blocks.flatMap(({ sum, weight: all, count }) =>
    Array.from({ length: count }, () => sum / all),
  )
}
