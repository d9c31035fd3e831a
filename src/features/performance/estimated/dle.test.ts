import { describe, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { estimateLoss, fitLoss } from './dle.ts'

describe('the estimated loss of a regressor', () => {
  test('rises when it is asked more of what it is bad at', () => {
    const reference = world(10, 0.2)
    const estimator = fitLoss(reference.inputs, reference.said, reference.truths)
    for (const share of [0.2, 0.7]) {
      const later = world(20, share)
      const [mae, , rmse] = estimateLoss(estimator, later.inputs, later.said)
      const errors = later.truths.map((truth, index) =>
        Math.abs(truth - (later.said[index] as number)),
      )
      const real = errors.reduce((all, each) => all + each, 0) / errors.length
      expect(Math.abs((mae?.value ?? 0) - real)).toBeLessThan(3 * (mae?.samplingError ?? 0))
      const squares = errors.reduce((all, each) => all + each ** 2, 0) / errors.length
      expect(Math.abs((rmse?.value ?? 0) / Math.sqrt(squares) - 1)).toBeLessThan(0.15)
    }
  })

  test('is the same after it was kept as JSON, and is none of no answers', () => {
    const { inputs, said, truths } = world(3, 0.5)
    const estimator = fitLoss(inputs, said, truths)
    const kept = JSON.parse(JSON.stringify(estimator)) as typeof estimator
    expect(estimateLoss(kept, inputs, said)).toEqual(estimateLoss(estimator, inputs, said))
    expect(estimateLoss(estimator, [], new Float64Array())).toEqual([])
  })

  test('knows values that it has never seen, and columns that are gone', () => {
    const { inputs, said, truths } = world(4, 0.5)
    const estimator = fitLoss(inputs, said, truths)
    const [mae] = estimateLoss(estimator, [{ kind: 'new' }, {}], Float64Array.of(1, 2))
    expect(mae?.value).toBeGreaterThan(0)
  })
})

/** Answers are ten times as far off for old cars, which are a share of all. */
function world(seed: number, share: number) {
  const random = seededDraws(seed)
  const inputs = Array.from({ length: 900 }, () => ({
    kind: random() < share ? 'old' : 'new',
    size: random() < 0.05 ? null : random(),
  }))
  const said = Float64Array.from(inputs, () => random() * 10)
  const truths = said.map(
    (answer, index) => answer + (random() - 0.5) * (inputs[index]?.kind === 'old' ? 10 : 1),
  )
  return { inputs, said, truths }
}
