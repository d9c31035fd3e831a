import type { Answers } from './tasks.ts'

/** The answers at these places. */
export function subsetOf(answers: Answers, places: Uint32Array): Answers {
  const rows = places.map((place) => answers.rows[place] as number)
  switch (answers.task) {
    case 'binary':
      return {
        ...answers,
        rows,
        truths: picked(answers.truths, places),
        predicted: picked(answers.predicted, places),
        scores: answers.scores === null ? null : picked(answers.scores, places),
      }
    case 'multiclass':
      return {
        ...answers,
        rows,
        truths: picked(answers.truths, places),
        predicted: picked(answers.predicted, places),
        probabilities:
          answers.probabilities === null
            ? null
            : picked(answers.probabilities, places, answers.width),
      }
    case 'multilabel': {
      const width = answers.labels.length
      return {
        ...answers,
        rows,
        truths: picked(answers.truths, places, width),
        predicted: picked(answers.predicted, places, width),
        scores: answers.scores === null ? null : picked(answers.scores, places, width),
      }
    }
    case 'regression':
      return {
        ...answers,
        rows,
        truths: picked(answers.truths, places),
        predicted: picked(answers.predicted, places),
      }
    case 'ranking':
      return {
        ...answers,
        rows,
        groups: picked(answers.groups, places),
        truths: picked(answers.truths, places),
        scores: picked(answers.scores, places),
      }
  }
}

/** The values at these places, `width` for each. */
function picked<T extends Uint8Array | Int32Array | Float64Array>(
  values: T,
  places: Uint32Array,
  width = 1,
): T {
  const found = values.slice(0, 0).constructor as new (length: number) => T
  const taken = new found(places.length * width)
  for (const [at, place] of places.entries())
    for (let column = 0; column < width; column++)
      taken[at * width + column] = values[place * width + column] as number
  return taken
}
