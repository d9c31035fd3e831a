import type { Answers } from './tasks.ts'

/** The answers at these places. */
export function subsetOf(answers: Answers, places: Uint32Array): Answers {
  const rows = picked(answers.rows, places)
  const own = <T extends Column>(values: T, width = 1) => picked(values, places, width)
  const some = (values: Float64Array | null, width: number) =>
    values === null ? null : picked(values, places, width)
  if (answers.task === 'binary')
    return {
      ...answers,
      rows,
      truths: own(answers.truths),
      predicted: own(answers.predicted),
      scores: some(answers.scores, 1),
    }
  if (answers.task === 'multiclass')
    return {
      ...answers,
      rows,
      truths: own(answers.truths),
      predicted: own(answers.predicted),
      probabilities: some(answers.probabilities, answers.width),
    }
  if (answers.task === 'multilabel') {
    const width = answers.labels.length
    return {
      ...answers,
      rows,
      truths: own(answers.truths, width),
      predicted: own(answers.predicted, width),
      scores: some(answers.scores, width),
    }
  }
  if (answers.task === 'regression')
    return {
      ...answers,
      rows,
      truths: own(answers.truths),
      predicted: own(answers.predicted),
    }
  return {
    ...answers,
    rows,
    groups: own(answers.groups),
    truths: own(answers.truths),
    scores: own(answers.scores),
  }
}

type Column = Uint8Array | Uint32Array | Int32Array | Float64Array

/** The values at these places, `width` for each. */
function picked<T extends Column>(values: T, places: Uint32Array, width = 1): T {
  const found = values.slice(0, 0).constructor as new (length: number) => T
  const taken = new found(places.length * width)
  for (const [at, place] of places.entries())
    for (let column = 0; column < width; column++)
      taken[at * width + column] = values[place * width + column] as number
  return taken
}
