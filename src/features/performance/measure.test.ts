import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { METRICS } from './catalogue.ts'
import { measure } from './measure.ts'
import type { Answers, Metrics } from './tasks.ts'

interface Case {
  readonly truths: number[] & number[][]
  readonly scores: number[] & number[][]
  readonly predicted: number[]
  readonly given: number[][]
  readonly groups: number[]
  readonly metrics: Readonly<Record<string, number>>
}

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden', 'values.json'), 'utf8'),
) as Record<Answers['task'], Case[]>

const MAKE: Readonly<Record<Answers['task'], (given: Case) => Answers>> = {
  binary: ({ truths, scores }) => binary(truths, scores),
  multiclass: ({ truths, predicted, given }) => ({
    task: 'multiclass',
    rows: rowsOf(truths.length),
    classes: given[0]?.map((_, place) => String(place)) ?? [],
    truths: Int32Array.from(truths),
    predicted: Int32Array.from(predicted),
    probabilities: Float64Array.from(given.flat()),
    width: given[0]?.length ?? 0,
  }),
  multilabel: ({ truths, scores }) => ({
    task: 'multilabel',
    rows: rowsOf(truths.length),
    labels: (truths as number[][])[0]?.map((_, place) => String(place)) ?? [],
    truths: Uint8Array.from((truths as number[][]).flat()),
    predicted: Uint8Array.from((scores as number[][]).flat(), (score) => Number(score >= 0.5)),
    scores: Float64Array.from((scores as number[][]).flat()),
  }),
  regression: ({ truths, predicted }) => regression(truths, predicted),
  ranking: ({ groups, truths, scores }) => ({
    task: 'ranking',
    rows: rowsOf(truths.length),
    groups: Int32Array.from(groups),
    truths: Float64Array.from(truths),
    scores: Float64Array.from(scores),
  }),
}

describe('metrics are those of scikit-learn', () => {
  test.each(Object.keys(MAKE) as Answers['task'][])('%s', (task) => {
    for (const given of golden[task]) {
      const names = Object.keys(given.metrics)
      const found = measure(MAKE[task](given), { only: names })
      for (const name of names) {
        const { value } = found[name] as Metrics[string]
        const expected = given.metrics[name] as number
        // The recalibration of scikit-learn ends a little before the optimum.
        const digits = /slope|intercept/.test(name) ? 1e-4 : 1e-10
        expect(Math.abs((value ?? Number.NaN) - expected), `${task} ${name}`).toBeLessThanOrEqual(
          digits * Math.max(1, Math.abs(expected)),
        )
      }
    }
  })

  test('and each metric that a task has is among them', () => {
    for (const task of Object.keys(MAKE) as Answers['task'][]) {
      const held = new Set(
        golden[task].flatMap((each) => Object.keys(each.metrics).map((name) => name.split('@')[0])),
      )
      // The calibration of more than two classes has no such reference; its binning is that of two.
      const missing = Object.keys(METRICS[task]).filter((name) => !held.has(name))
      expect([task, missing]).toEqual([task, task === 'multiclass' ? ['ece', 'mce'] : []])
    }
  })
})

describe('intervals', () => {
  const draw = seededDraws(11)
  const normal = () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw())

  test('hold the true value of a classifier about as often as they say', () => {
    const sample = (rows: number) => {
      const truths = Array.from({ length: rows }, () => Number(draw() < 0.3))
      return binary(
        truths,
        truths.map((truth) => 1 / (1 + Math.exp(-(truth * 1.5 - 1 + normal())))),
      )
    }
    const only = ['f1', 'mcc', 'average_precision', 'balanced_accuracy', 'log_loss', 'roc_auc']
    expect(uncovered(sample, only)).toEqual([])
  })

  test('and of amounts', () => {
    const sample = (rows: number) => {
      const truths = Array.from({ length: rows }, () => normal() * 10)
      return regression(
        truths,
        truths.map((truth) => truth * 0.8 + normal() * 4),
      )
    }
    expect(
      uncovered(sample, ['rmse', 'mae', 'r2', 'medae', 'wape', 'spearman', 'kendall', 'error_p95']),
    ).toEqual([])
  })

  test('are narrower by the root of the rows, though no more than 2000 are drawn anew', () => {
    const truths = Array.from({ length: 20_000 }, () => Number(draw() < 0.4))
    const scores = truths.map((truth) => 1 / (1 + Math.exp(-(truth + normal()))))
    const width = (rows: number) => {
      const { f1 } = measure(binary(truths.slice(0, rows), scores.slice(0, rows)), { only: ['f1'] })
      return ((f1?.ciHigh ?? 0) - (f1?.ciLow ?? 0)) * Math.sqrt(rows)
    }
    expect(width(20_000) / width(2000)).toBeGreaterThan(0.8)
    expect(width(20_000) / width(2000)).toBeLessThan(1.25)
  })

  /** 100 samples: seven in eight at the least, where nineteen in twenty are promised. */
  function uncovered(sample: (rows: number) => Answers, only: readonly string[]): unknown[] {
    const truth = measure(sample(60_000), { only })
    const held = new Map<string, number>()
    for (let trial = 0; trial < 100; trial++)
      for (const [name, { ciLow, ciHigh }] of Object.entries(measure(sample(300), { only }))) {
        const value = truth[name]?.value ?? Number.NaN
        const isHeld = (ciLow ?? Infinity) <= value && value <= (ciHigh ?? -Infinity)
        held.set(name, (held.get(name) ?? 0) + Number(isHeld))
      }
    return [...held].filter(([, count]) => count < 88)
  }
})

describe('at the edges', () => {
  test('0 of 0 is 0 and says why', () => {
    const { precision, recall } = measure(binary([1, 0, 1], [0.1, 0.2, 0.3]))
    expect(precision).toEqual({
      value: 0,
      ciLow: null,
      ciHigh: null,
      note: 'nothing was predicted to be the event',
    })
    expect(recall).toMatchObject({ value: 0, ciLow: 0 })
    expect(measure(binary([0, 0], [0.1, 0.9]))['recall']?.note).toBe('the event never came')
  })

  test('what ranks is not known with one class', () => {
    const { roc_auc, average_precision, ks } = measure(binary([1, 1], [0.1, 0.2]))
    for (const metric of [roc_auc, ks])
      expect(metric).toMatchObject({ value: null, note: 'all truths are of one class' })
    expect(average_precision?.value).toBe(1)
  })

  test('scores beyond 0 and 1 rank, but are no probabilities', () => {
    const { roc_auc, log_loss } = measure(binary([0, 1, 0, 1], [-3, 2, 0.5, 0.1]))
    expect(roc_auc?.value).toBe(0.75)
    expect(log_loss).toMatchObject({ value: null })
    expect(log_loss?.note).toContain('no probabilities')
  })

  test('truths that do not vary have no R² and no correlation', () => {
    const { r2, pearson, rmse } = measure(regression([2, 2, 2], [1, 2, 3]))
    expect(r2).toMatchObject({ value: null, note: 'truths do not vary' })
    expect(pearson).toMatchObject({ value: null, note: 'one of the two does not vary' })
    expect(rmse?.value).toBeCloseTo(Math.sqrt(2 / 3), 12)
  })

  test('of no rows nothing is known, and a metric of another task is refused by name', () => {
    expect(measure(regression([], []), { only: ['rmse', 'f1'] })).toEqual({
      rmse: { value: null, ciLow: null, ciHigh: null, note: 'there are no rows, or no labels' },
      f1: { value: null, ciLow: null, ciHigh: null, note: 'regression has no metric f1' },
    })
  })

  test('each metric of one row is a number or says why it is none', () => {
    for (const answers of [
      binary([1], [0.7]),
      regression([3], [4]),
      MAKE.multiclass({ truths: [1], predicted: [1], given: [[0.2, 0.5, 0.3]] } as unknown as Case),
      MAKE.multilabel({ truths: [[1, 0]], scores: [[0.2, 0.9]] } as unknown as Case),
      MAKE.ranking({ groups: [0], truths: [1], scores: [2] } as unknown as Case),
    ])
      for (const [name, metric] of Object.entries(measure(answers))) {
        const isTold = metric.value !== null || metric.note !== undefined
        expect(isTold, `${answers.task} ${name} ${JSON.stringify(metric)}`).toBe(true)
        for (const bound of [metric.ciLow, metric.ciHigh])
          expect(bound === null || Number.isFinite(bound), `${answers.task} ${name}`).toBe(true)
      }
  })
})

function binary(truths: readonly number[], scores: readonly number[]): Answers {
  return {
    task: 'binary',
    rows: rowsOf(truths.length),
    positive: '1',
    truths: Uint8Array.from(truths),
    predicted: Uint8Array.from(scores, (score) => Number(score >= 0.5)),
    scores: Float64Array.from(scores),
  }
}

function regression(truths: readonly number[], predicted: readonly number[]): Answers {
  return {
    task: 'regression',
    rows: rowsOf(truths.length),
    truths: Float64Array.from(truths),
    predicted: Float64Array.from(predicted),
  }
}

function rowsOf(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, row) => row)
}
