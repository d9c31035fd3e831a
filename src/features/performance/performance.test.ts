import { describe, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { keptPerformance } from './kept.ts'
import type { Limit } from './limits.ts'
import { performanceOf, type MeasuredPerformance, type PerformanceSettings } from './performance.ts'
import type { AnsweredRow } from './tasks.ts'

describe('answers about two classes', () => {
  /** Ranks the events a little higher: the more `skill`, the more. */
  const rows = (skill: number, isEvent = (index: number) => index % 3 === 0) =>
    Array.from({ length: 600 }, (_, index): AnsweredRow => {
      const label = Number(isEvent(index))
      const probability = ((index * 37) % 101) / 202 + (label * skill) / 2
      return row({ probability }, label, { origin: index % 2 === 0 ? 'JFK' : 'EWR' })
    })

  test('are measured with their interval and calibration', () => {
    const { task, because, main, metrics, reliability } = measured(rows(0.3))
    expect({ task, because, main }).toEqual({
      task: 'binary',
      because: 'truths are 0 and 1, and answers lie between them',
      main: 'roc_auc',
    })
    const { value, ciLow, ciHigh } = metrics['roc_auc'] ?? {}
    expect(ciLow).toBeLessThan(value ?? 0)
    expect(ciHigh).toBeGreaterThan(value ?? 1)
    expect(metrics['event_rate']?.value).toBeCloseTo(1 / 3, 6)
    expect(reliability?.reduce((all, bin) => all + bin.rows, 0)).toBe(600)
  })

  test('break a limit only when one is asked for, and certainly when the interval does', () => {
    const { value, ciHigh } = measured(rows(0.1)).metrics['roc_auc'] ?? {}
    const breach = (min: number) =>
      measured(rows(0.1), { limits: [{ metric: 'roc_auc', min }] }).limits[0]?.breach
    expect(measured(rows(0.1)).limits).toEqual([])
    expect(breach(value ?? 0)).toBe('no')
    expect(breach(((value ?? 0) + (ciHigh ?? 0)) / 2)).toBe('yes')
    expect(breach((ciHigh ?? 0) + 0.01)).toBe('certainly')
  })

  test('are not judged by too few labels, nor by a metric of classes with too few of one', () => {
    expect(performanceOf(rows(1).slice(0, 99), { samplesMin: 100 })).toEqual({
      state: 'too-few',
      reason: '99 labels are fewer than 100',
      labels: 99,
    })
    const limits = [
      { metric: 'roc_auc', min: 2 },
      { metric: 'accuracy', min: 2 },
    ]
    expect(
      measured(
        rows(1, (index) => index < 9),
        { limits },
      ).limits,
    ).toMatchObject([
      { breach: 'unknown', note: '9 labels of one class are fewer than 10' },
      { breach: 'certainly' },
    ])
  })

  test('are measured by slices of a column too, each with its limits', () => {
    const { slices, limits } = measured(
      rows(0.3).map(({ inputs, outputs, label }, index) =>
        row(outputs, index % 2 === 0 ? label : 1 - Number(label), inputs),
      ),
      {
        slices: { by: ['origin', ['origin', 'gate']], limits: [{ metric: 'roc_auc', min: 0.5 }] },
      },
    )
    expect(
      slices.map(({ by, slices: all }) => [by, all.map(({ value, labels }) => [value, labels])]),
    ).toEqual([
      [
        'origin',
        [
          ['EWR', 300],
          ['JFK', 300],
        ],
      ],
      [
        'origin × gate',
        [
          ['EWR, (missing)', 300],
          ['JFK, (missing)', 300],
        ],
      ],
    ])
    expect(limits.slice(0, 2)).toMatchObject([
      { of: 'origin=EWR', breach: 'certainly' },
      { of: 'origin=JFK', breach: 'no' },
    ])
  })
})

describe('the task is told by truths and answers', () => {
  const many = (make: (index: number) => AnsweredRow) =>
    Array.from({ length: 30 }, (_, index) => make(index))
  const probabilities = (index: number) =>
    [
      [0.6, 0.3, 0.1],
      [0.1, 0.8, 0.1],
      [0.2, 0.2, 0.6],
    ][index % 3] ?? []

  test.each<[string, (index: number) => AnsweredRow, string, string]>([
    [
      'a list of probabilities',
      (i) => row({ label: i % 3, probabilities: probabilities(i) }, i % 3),
      'multiclass',
      'accuracy',
    ],
    [
      'names of classes',
      (i) => row({ label: 'abc'[i % 3] ?? '' }, 'abc'[i % 3] ?? ''),
      'multiclass',
      'accuracy',
    ],
    [
      'two names',
      (i) => row({ label: i % 2 === 0 ? 'late' : 'on time' }, i % 2 === 0 ? 'late' : 'on time'),
      'binary',
      'accuracy',
    ],
    ['truth values', (i) => row({ prediction: i % 2 === 0 }, i % 2 === 0), 'binary', 'accuracy'],
    ['few whole numbers', (i) => row({ prediction: i % 5 }, i % 5), 'multiclass', 'accuracy'],
    ['fractions', (i) => row({ prediction: i + 0.5 }, i + 0.5), 'regression', 'r2'],
    ['a list of one', (i) => row({ variable: [i + 0.25] }, i + 0.25), 'regression', 'r2'],
    [
      'lists of labels',
      (i) => row({ tags: i % 2 === 0 ? ['a', 'b'] : ['c'] }, i % 2 === 0 ? '["b","a"]' : '["c"]'),
      'multilabel',
      'subset_accuracy',
    ],
    [
      'lists of flags',
      (i) => row({ tags: [1, i % 2, 0] }, JSON.stringify([1, i % 2, 0])),
      'multilabel',
      'subset_accuracy',
    ],
  ])('by %s', (_, make, task, perfect) => {
    const found = measured(many(make), { samplesMin: 10 })
    expect(found.task).toBe(task)
    expect(found.labels).toBe(30)
    expect(found.metrics[perfect]?.value).toBe(1)
  })

  test('and said where it cannot be: numbers that count are amounts, groups are ranked', () => {
    const counts = many((index) => row({ prediction: index % 5 }, index % 5))
    expect(
      measured(counts, { samplesMin: 10, roles: { task: 'regression' } }).metrics['rmse']?.value,
    ).toBe(0)
    const ranked = many((index) => row({ score: index % 3 }, index % 3, { query: `q${index % 4}` }))
    const found = measured(ranked, { samplesMin: 10, roles: { group: 'query', k: 3 } })
    expect(found).toMatchObject({ task: 'ranking', main: 'ndcg@3' })
    expect(found.metrics['ndcg@3']?.value).toBe(1)
  })

  test('probabilities belong to the classes that are named where they are the largest', () => {
    const names = ['zebra', 'ape', 'gnu']
    const rows = many((index) => {
      // The class of the last place is never true and never said.
      const place = index % 2
      return row(
        { label: names[place] ?? '', probability: place === 0 ? [0.7, 0.2, 0.1] : [0.1, 0.8, 0.1] },
        names[place] ?? '',
      )
    })
    const found = measured(rows, { samplesMin: 10 })
    expect(found.metrics['accuracy']?.value).toBe(1)
    expect(found.metrics['log_loss']?.value).toBeCloseTo(-(Math.log(0.7) + Math.log(0.8)) / 2, 9)
    expect(found.metrics['roc_auc_ovr']?.value).toBe(1)
  })

  test('a positive class, a threshold and an output are taken as said', () => {
    const rows = many((index) =>
      row({ p_yes: index / 30, p_no: 1 - index / 30 }, index >= 24 ? 'yes' : 'no'),
    )
    const roles = { positive: 'yes', threshold: 0.8, probabilities: { yes: 'p_yes', no: 'p_no' } }
    const { metrics, confusion } = measured(rows, { samplesMin: 10, roles })
    expect(metrics['accuracy']?.value).toBe(1)
    expect(metrics['roc_auc']?.value).toBe(1)
    expect(confusion).toEqual({
      classes: ['other', 'yes'],
      counts: [
        [24, 0],
        [0, 6],
      ],
    })
  })

  test('what cannot be read as the task is counted, and is too few at last', () => {
    const rows = many((index) =>
      row({ prediction: index / 7 }, index % 10 === 0 ? 'unknown' : index / 7),
    )
    const roles = { task: 'regression' } as const
    expect(measured(rows, { samplesMin: 10, roles })).toMatchObject({ labels: 27, unread: 3 })
    expect(performanceOf(rows, { samplesMin: 28, roles })).toEqual({
      state: 'too-few',
      reason: 'only 27 of 30 labelled answers can be read as regression; at least 28 are needed',
      labels: 27,
    })
  })

  test('whatever is answered and told, there is a verdict', () => {
    const draw = seededDraws(5)
    const odd = [
      null,
      '',
      'x',
      Number.NaN,
      Infinity,
      -0,
      true,
      [],
      [1],
      [[1]],
      '[',
      '[1]',
      1e308,
      3,
    ]
    const any = () => odd[Math.floor(draw() * odd.length)] as AnsweredRow['label']
    for (let trial = 0; trial < 60; trial++) {
      const rows = Array.from({ length: 12 }, () =>
        row({ one: any(), two: any() } as AnsweredRow['outputs'], any(), {
          g: any(),
        } as AnsweredRow['inputs']),
      )
      for (const task of [
        undefined,
        'binary',
        'multiclass',
        'multilabel',
        'regression',
        'ranking',
      ] as const) {
        const roles = {
          ...(task === undefined ? {} : { task }),
          ...(task === 'ranking' ? { group: 'g' } : {}),
        }
        const found = performanceOf(rows, {
          samplesMin: 1,
          roles,
          limits: [{ metric: 'accuracy', min: 1 }],
          slices: { by: ['g'] },
        })
        expect(found.state === 'measured' || found.reason !== '').toBe(true)
        expect(() => JSON.stringify(found)).not.toThrow()
      }
    }
  })
})

test('a window of old keeps its area under the curve', () => {
  const old = {
    state: 'measured',
    labels: 500,
    positives: 100,
    auc: 0.7,
    ciLow: 0.65,
    ciHigh: 0.75,
    calibration: {
      logLoss: 0.5,
      brier: 0.2,
      expectedError: 0.1,
      difference: 0.02,
      ciLow: 0,
      ciHigh: 0.04,
    },
    below: 'yes',
  } as const
  expect(keptPerformance(old)).toMatchObject({
    task: 'binary',
    metrics: { roc_auc: { value: 0.7, ciLow: 0.65, ciHigh: 0.75 }, brier: { value: 0.2 } },
    limits: [{ metric: 'roc_auc', breach: 'yes' }],
  })
  const now = measured([row({ p: 0.3 }, 0), row({ p: 0.7 }, 1)], { samplesMin: 1 })
  expect(keptPerformance(now)).toBe(now)
})

function measured(
  rows: readonly AnsweredRow[],
  settings: Partial<PerformanceSettings> & { limits?: readonly Limit[] } = {},
): MeasuredPerformance {
  const found = performanceOf(rows, { samplesMin: 100, ...settings })
  if (found.state !== 'measured') throw new Error(found.reason)
  return found
}

function row(
  outputs: AnsweredRow['outputs'],
  label: AnsweredRow['label'],
  inputs: AnsweredRow['inputs'] = {},
): AnsweredRow {
  return { inputs, outputs, label }
}
