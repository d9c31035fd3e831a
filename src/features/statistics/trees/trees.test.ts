import { describe, expect, test } from 'vitest'
import values from '../golden/trees.json' with { type: 'json' }
import { aucOf, type Label } from '../ranking.ts'
import type { TreeColumn } from './bins.ts'
import { boostClassification, boostedAnswers, boostRegression } from './boost.ts'

const LEARNT = 1000

function columnsOf(from: number, to: number, categorical: boolean): TreeColumn[] {
  return values.columns.map((column, index) => ({
    values: Float64Array.from(column.slice(from, to), (value) => value ?? NaN),
    categorical: categorical && index === 3,
  }))
}

describe('boosted trees answer rows that they have not seen about as well as LightGBM', () => {
  for (const [name, expected] of Object.entries(values.cases)) {
    const columns = columnsOf(0, LEARNT, name === 'categories')
    const held = columnsOf(LEARNT, values.target.length, name === 'categories')

    test(`numbers, with ${name}: R² within 0.01, each answer near`, () => {
      const model = boostRegression(columns, values.target.slice(0, LEARNT))
      const answers = boostedAnswers(model, held)
      expect(Math.abs(r2(values.target.slice(LEARNT), answers) - expected.r2)).toBeLessThan(0.01)
      const off = expected.answers.map((answer, row) => Math.abs(answer - (answers[row] as number)))
      expect(off.toSorted((a, b) => a - b)[off.length >> 1]).toBeLessThan(0.2)
    })

    test(`probabilities, with ${name}: AUC within 0.015`, () => {
      const model = boostClassification(columns, values.label.slice(0, LEARNT))
      const answers = [...boostedAnswers(model, held)]
      const auc = aucOf(values.label.slice(LEARNT) as Label[], answers)?.auc ?? 0
      expect(Math.abs(auc - expected.auc)).toBeLessThan(0.015)
    })
  }
})

describe('boosted trees', () => {
  const column = (...all: number[]): TreeColumn => ({
    values: Float64Array.from(all),
    categorical: false,
  })
  const steps = column(...Array.from({ length: 100 }, (_, row) => row))
  const targets = Array.from({ length: 100 }, (_, row) => (row < 30 ? 1 : 5))

  test('are the same for the same rows, and survive being kept as JSON', () => {
    const model = boostRegression([steps], targets)
    expect(boostRegression([steps], targets)).toEqual(model)
    const kept = JSON.parse(JSON.stringify(model)) as typeof model
    expect(boostedAnswers(kept, [steps])).toEqual(boostedAnswers(model, [steps]))
  })

  test('find a step, and the side on which missing values lie', () => {
    const model = boostRegression([steps], targets, { trees: 200 })
    const [low, high] = boostedAnswers(model, [column(29, 30)])
    expect(low).toBeCloseTo(1, 2)
    expect(high).toBeCloseTo(5, 2)
    const holes = column(...steps.values.map((value) => (value >= 60 ? NaN : value)))
    const target = targets.map((value, row) => (row >= 60 ? 9 : value))
    const [missing] = boostedAnswers(boostRegression([holes], target, { trees: 200 }), [
      column(NaN),
    ])
    expect(missing).toBeCloseTo(9, 2)
  })

  test('answer the mean where there is nothing to learn', () => {
    const constant = column(...Array.from({ length: 50 }, () => 7))
    const halves = Array.from({ length: 50 }, (_, row) => row % 2)
    expect([...boostedAnswers(boostRegression([constant], halves), [constant])].at(0)).toBe(0.5)
    expect([...boostedAnswers(boostClassification([constant], halves), [constant])].at(0)).toBe(0.5)
    const ones = halves.map(() => 1)
    expect(
      boostedAnswers(boostClassification([steps], [...ones, ...ones]), [steps])[0],
    ).toBeCloseTo(1, 9)
  })
})

function r2(truth: readonly number[], answers: Float64Array): number {
  const mean = truth.reduce((all, each) => all + each, 0) / truth.length
  let [rest, all] = [0, 0]
  for (const [row, each] of truth.entries()) {
    rest += (each - (answers[row] as number)) ** 2
    all += (each - mean) ** 2
  }
  return 1 - rest / all
}
