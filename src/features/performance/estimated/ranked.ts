/** Rows from the highest score to the lowest. */
export function descending(scores: Float64Array): Uint32Array {
  return Uint32Array.from(scores.keys()).toSorted(
    (one, other) => (scores[other] as number) - (scores[one] as number),
  )
}

/**
 * Area under the ROC curve if each row is the event with its probability; by the order of the raw scores, those
 * that are equal together.
 */
export function expectedAuc(probability: Float64Array, scores: Float64Array): number {
  const order = descending(scores)
  let [hits, misses, area] = [0, 0, 0]
  for (let start = 0; start < order.length;) {
    const score = scores[order[start] as number]
    let found = 0
    let end = start
    while (end < order.length && scores[order[end] as number] === score)
      found += probability[order[end++] as number] as number
    area += (end - start - found) * (hits + found / 2)
    hits += found
    misses += end - start - found
    start = end
  }
  return area / (hits * misses)
}

/** Average precision if each row is the event with its probability. */
export function expectedAveragePrecision(probability: Float64Array, scores: Float64Array): number {
  let hits = 0
  let area = 0
  for (const [index, row] of descending(scores).entries()) {
    const event = probability[row] as number
    hits += event
    area += (event * hits) / (index + 1)
  }
  return area / hits
}

/** Average precision of labels; rows of equal score count together. */
export function averagePrecision(truth: ArrayLike<number>, scores: Float64Array): number {
  const order = descending(scores)
  let hits = 0
  let area = 0
  for (let start = 0; start < order.length;) {
    const score = scores[order[start] as number]
    let end = start
    let found = 0
    while (end < order.length && scores[order[end] as number] === score)
      found += truth[order[end++] as number] as number
    hits += found
    area += (found * hits) / end
    start = end
  }
  return hits === 0 ? Number.NaN : area / hits
}
