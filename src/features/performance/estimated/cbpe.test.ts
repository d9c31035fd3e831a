import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  estimateClassification,
  fitClassification,
  type Classified,
  type Estimate,
} from './cbpe.ts'
import { isotonicOf, onCurve } from './isotonic.ts'
import { stratifiedSplits } from './splits.ts'

interface Answers {
  readonly [column: string]: readonly (number | string)[]
}

/** Value, sampling error and the two ends of the interval. */
type Told = readonly [number, number, number, number]

interface Case {
  readonly reference: Answers
  readonly analysis: Answers
  readonly calibrated: boolean
  readonly estimates: Readonly<Record<string, Told>>
}

interface Golden {
  readonly isotonic: { x: number[]; y: number[]; at: number[]; curve: number[] }
  readonly splits: { labels: number[]; splits: [number[], number[]][] }
  readonly binary: readonly Case[]
  readonly multiclass: Case
}

const golden = JSON.parse(
  readFileSync(new URL('golden/values.json', import.meta.url), 'utf8'),
) as Golden

test('an isotonic curve is the one that scikit-learn fits', () => {
  const { x, y, at, curve } = golden.isotonic
  const ours = onCurve(isotonicOf(x, y), at)
  for (const [index, value] of curve.entries()) expect(ours[index]).toBeCloseTo(value, 12)
})

test('splits are those that scikit-learn makes of the same seed', () => {
  const { labels, splits } = golden.splits
  const ours = stratifiedSplits(labels, { count: 3, testShare: 0.1, seed: 42 })
  expect(ours.map(({ train, test: held }) => [[...train], [...held]])).toEqual(splits)
})

describe('what is estimated of a binary classifier is what NannyML estimates', () => {
  test.each(golden.binary.map((each) => [each.calibrated, each] as const))(
    'with scores that need calibration: %s',
    (calibrated, each) => {
      const estimator = fitClassification(
        binary(each.reference),
        Uint8Array.from(each.reference['truth'] as number[]),
        [
          [1, -2],
          [-5, 10],
        ],
      )
      expect(estimator.calibrators[0] !== null).toBe(calibrated)
      const ours = estimateClassification(estimator, binary(each.analysis))
      expect(differences(ours, each.estimates)).toEqual([])
    },
  )
})

describe('what is estimated of a classifier of three classes', () => {
  const { reference, analysis, estimates } = golden.multiclass
  const estimator = fitClassification(three(reference), placesOf(reference['truth']), [
    [3, -1, 0],
    [-2, 2, 0],
    [0, -4, 1],
  ])

  test('is what NannyML estimates', () => {
    expect(differences(estimateClassification(estimator, three(analysis)), estimates)).toEqual([])
  })

  test('survives being kept as JSON', () => {
    const kept = JSON.parse(JSON.stringify(estimator)) as typeof estimator
    expect(estimateClassification(kept, three(analysis))).toEqual(
      estimateClassification(estimator, three(analysis)),
    )
  })
})

test('of no answers nothing is estimated, and a reference of one class gives no intervals that it cannot know', () => {
  const answers = {
    scores: [Float64Array.of(0.1, 0.2, 0.3)],
    predicted: Uint8Array.of(0, 0, 0),
  }
  const estimator = fitClassification(answers, Uint8Array.of(0, 0, 0))
  expect(
    estimateClassification(estimator, {
      scores: [new Float64Array()],
      predicted: new Uint8Array(),
    }),
  ).toEqual([])
  const found = estimateClassification(estimator, answers)
  expect(valueOf(found, 'accuracy').value).toBeCloseTo(0.8, 12)
  expect(valueOf(found, 'precision')).toMatchObject({ samplingError: null, ciLow: null })
})

/** Numbers of ours that are not theirs, to the digits that can be alike. */
function differences(ours: readonly Estimate[], theirs: Case['estimates']): string[] {
  const numbers = Object.entries(theirs).flatMap(([metric, [value, error, low, high]]) => {
    const found = valueOf(ours, metric)
    const most = tolerances(metric, error)
    return [
      { name: `${metric} value`, one: found.value, other: value, most: most.value },
      { name: `${metric} error`, one: found.samplingError, other: error, most: most.error },
      { name: `${metric} low`, one: found.ciLow, other: low, most: 4 * most.error },
      { name: `${metric} high`, one: found.ciHigh, other: high, most: 4 * most.error },
    ]
  })
  return numbers
    .filter(({ one, other, most }) => !(Math.abs((one ?? Number.NaN) - other) <= most))
    .map(({ name, one, other }) => `${name}: ${one} is not ${other}`)
}

function tolerances(metric: string, error: number): { value: number; error: number } {
  // Of equal scores one is ranked first by chance in NannyML; here they are ranked together.
  if (metric === 'roc_auc') return { value: 1e-5, error: 1e-4 }
  // Both learn it from fifty random samples, each from its own.
  if (metric === 'average_precision') return { value: 1e-5, error: error * 0.4 }
  return { value: 1e-6, error: 1e-9 }
}

function valueOf(estimates: readonly Estimate[], metric: string): Estimate {
  return estimates.find((each) => each.metric === metric) as Estimate
}

function binary({ score, said }: Answers): Classified {
  return {
    scores: [Float64Array.from(score as number[])],
    predicted: Uint8Array.from(said as number[]),
  }
}

function three(answers: Answers): Classified {
  return {
    scores: ['a', 'b', 'c'].map((name) => Float64Array.from(answers[name] as number[])),
    predicted: placesOf(answers['said']),
  }
}

function placesOf(names: readonly (number | string)[] | undefined): Uint8Array {
  return Uint8Array.from(names ?? [], (name) => 'abc'.indexOf(String(name)))
}
