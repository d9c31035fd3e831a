import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fairnessOf, type FairnessSettings, type FairnessVerdict } from './fairness.ts'
import { worthOf } from './kpis.ts'
import type { AnsweredRow } from './tasks.ts'

interface Case {
  readonly groups: string[]
  readonly truths: number[]
  readonly scores: number[]
  readonly metrics: Readonly<Record<string, number>>
}

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden', 'fairness.json'), 'utf8'),
) as Case[]

describe('fairness', () => {
  test('is what Fairlearn measures', () => {
    for (const { metrics, ...rows } of golden) {
      const [column] = measured(rowsOf(rows)).columns
      for (const [name, expected] of Object.entries(metrics))
        expect([name, column?.metrics[name]?.value?.toFixed(10)]).toEqual([
          name,
          expected.toFixed(10),
        ])
    }
  })

  test('breaks a limit beyond doubt when the difference is large, and not by chance', () => {
    const [two] = golden
    const limits = [
      { metric: 'demographic_parity_difference', max: 0.01 },
      { metric: 'demographic_parity_ratio', min: 0.99 },
      { metric: 'calibration_gap', max: 0.9 },
    ]
    const found = measured(rowsOf(two as Case), { limits }).limits
    expect(found.map(({ of, metric, breach }) => [of, metric, breach])).toEqual([
      ['group', 'demographic_parity_difference', 'certainly'],
      ['group', 'demographic_parity_ratio', 'certainly'],
      ['group', 'calibration_gap', 'no'],
    ])
    for (const { value, ciLow, ciHigh } of found) {
      expect(ciLow).toBeLessThan(value ?? 0)
      expect(ciHigh).toBeGreaterThan(value ?? 0)
    }
  })

  test('tells nothing of small groups, and of a missing value as of a group', () => {
    const rows = [...group('a', 40), ...group('b', 35), ...group(null, 32), ...group('rare', 29)]
    const [column] = measured(rows).columns
    expect(column?.groups.map((each) => [each.group, each.rows])).toEqual([
      ['a', 40],
      ['b', 35],
      ['(missing)', 32],
    ])
    expect(column?.suppressed).toEqual({ groups: 1, rows: 29 })
    expect(JSON.stringify(column)).not.toContain('rare')
  })

  test('of one group only is not known, and of lists of labels not measured', () => {
    expect(measured(group('a', 50)).columns[0]?.metrics['accuracy_difference']).toMatchObject({
      value: null,
      note: 'fewer than two groups are large enough',
    })
    expect(fairnessOf([], settings())).toEqual({ state: 'skipped', reason: 'no truth has come' })
    const roles = { task: 'multilabel' } as const
    expect(fairnessOf(group('a', 50), { ...settings(), roles }).state).toBe('skipped')
  })

  test('of amounts is their mean errors', () => {
    const rows = ['a', 'b'].flatMap((name, place) =>
      Array.from({ length: 50 }, (_, index): AnsweredRow => {
        const label = index + 0.5
        return {
          inputs: { group: name },
          outputs: { value: label + place * 2 + (index % 2) },
          label,
        }
      }),
    )
    const [column] = measured(rows).columns
    expect(column?.metrics['mean_error_difference']?.value).toBeCloseTo(2, 12)
    expect(column?.metrics['mae_ratio']?.value).toBeCloseTo(0.5 / 2.5, 12)
  })

  function measured(
    rows: readonly AnsweredRow[],
    more: Partial<FairnessSettings> = {},
  ): Extract<FairnessVerdict, { state: 'measured' }> {
    const found = fairnessOf(rows, { ...settings(), ...more })
    if (found.state === 'skipped') throw new Error(found.reason)
    return found
  }

  function settings(): FairnessSettings {
    return { by: ['group'], groupMin: 30 }
  }

  function group(name: string | null, size: number): AnsweredRow[] {
    return Array.from({ length: size }, (_, index) => ({
      inputs: { group: name },
      outputs: { probability: (index % 10) / 10 },
      label: index % 3 === 0 ? 1 : 0,
    }))
  }
})

function rowsOf({ groups, truths, scores }: Omit<Case, 'metrics'>): AnsweredRow[] {
  return groups.map((name, place) => ({
    inputs: { group: name },
    outputs: { probability: scores[place] ?? 0 },
    label: truths[place] ?? 0,
  }))
}

describe('what outcomes are worth', () => {
  const two = [
    [0.9, 1],
    [0.8, 0],
    [0.1, 1],
    [0.2, 0],
  ].map(([probability = 0, label = 0]): AnsweredRow => ({
    inputs: {},
    outputs: { probability },
    label,
  }))

  test('adds up over two classes', () => {
    const worth = worthOf(two, { tp: 20, fp: -5, fn: -20 }, {})
    expect(worth).toMatchObject({ value: -1.25, total: -5, rows: 4 })
    expect(worth.ciLow).toBeLessThan(-1.25)
  })

  test('and by truth and prediction of any classes', () => {
    const rows = (['a', 'b', 'c'] as const).map((label): AnsweredRow => ({
      inputs: {},
      outputs: { label: 'a' },
      label,
    }))
    expect(worthOf(rows, { a: { a: 3 }, b: { a: -1, b: 9 } }, {})).toMatchObject({ total: 2 })
    expect(worthOf(two, { '1': { '1': 5, '0': -2 }, '0': { '1': -1 } }, {}).total).toBe(2)
  })

  test('and by each unit too much or too little', () => {
    const rows = [
      [10.5, 8.5],
      [3.25, 5.25],
    ].map(([value = 0, label = 0]): AnsweredRow => ({ inputs: {}, outputs: { value }, label }))
    expect(worthOf(rows, { over: -2, under: -5 }, {})).toMatchObject({ total: -14, value: -7 })
  })

  test('is not known of other tasks, and says why', () => {
    expect(worthOf(two, { over: 1 }, {})).toMatchObject({
      value: null,
      note: 'over and under are of amounts, and answers are binary',
    })
    expect(worthOf([], { tp: 1 }, {}).note).toBe('no truth has come')
  })
})
