import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  fitEstimator,
  estimate,
  realised,
  type AnsweredRow,
  type Estimator,
  type Roles,
} from '#performance'
import { monitorsBin } from '../../support/python.ts'

// What is estimated of NannyML's own data sets, held against NannyML.

const GOLDEN = 'src/features/performance/estimated/golden'

type Told = Readonly<Record<string, readonly [value: number, error: number]>>

interface Theirs {
  readonly data: string
  readonly chunk: number
  readonly step: number
  readonly binary: readonly Told[]
  readonly multiclass: readonly Told[]
  readonly regression: {
    readonly features: readonly string[]
    readonly estimates: readonly Told[]
    readonly realised: readonly (readonly [mae: number, rmse: number])[]
  }
}

let theirs: Theirs
let given: unknown
beforeAll(async () => {
  const script = join(import.meta.dirname, '..', 'statistics', 'values.py')
  const scripts = [join(GOLDEN, 'make.py'), join(import.meta.dirname, 'own_data.py')]
  // In one process, which imports NannyML once.
  const printed = await promisify(execFile)(
    join(monitorsBin(), 'python'),
    [script, '', ...scripts],
    { maxBuffer: 2 ** 26 },
  )
  const found = JSON.parse(printed.stdout.trim().split('\n').at(-1) ?? '') as Record<
    string,
    unknown
  >
  given = found[scripts[0] as string]
  theirs = found[scripts[1] as string] as Theirs
}, 600_000)

test('the committed values are what NannyML and scikit-learn give', () => {
  const committed: unknown = JSON.parse(readFileSync(join(GOLDEN, 'values.json'), 'utf8'))
  expect(rounded(given)).toEqual(rounded(committed))
})

describe('what is estimated of classifiers is what NannyML estimates', () => {
  test('of two classes, over its loans', () => {
    const read = (row: Row): AnsweredRow => ({
      inputs: {},
      outputs: { probability: Number(row['y_pred_proba']), class: Number(row['y_pred']) },
      label: row['repaid'] === undefined ? null : Number(row['repaid']),
    })
    const off = differences('synthetic_car_loan', theirs.binary, {
      read,
      roles: { task: 'binary' },
    })
    expect(off.value).toBeLessThan(1e-5)
    expect(off.error).toBeLessThan(1e-4)
  }, 60_000)

  test('of three classes, over its credit cards', () => {
    const classes = ['highstreet_card', 'prepaid_card', 'upmarket_card']
    const read = (row: Row): AnsweredRow => ({
      inputs: {},
      outputs: {
        class: row['y_pred'] ?? null,
        probabilities: classes.map((name) => Number(row[`y_pred_proba_${name}`])),
      },
      label: row['y_true'] ?? null,
    })
    const roles: Roles = { task: 'multiclass', classes }
    const off = differences('mc', theirs.multiclass, { read, roles })
    // Rows of equal scores are ranked by chance there, and together here.
    expect(off.value).toBeLessThan(2e-3)
    expect(off.error).toBeLessThan(1e-3)
  }, 60_000)
})

test('what is estimated of a regressor is as near to NannyML as to the truth', () => {
  const { features, estimates, realised: real } = theirs.regression
  const read = (row: Row): AnsweredRow => ({
    inputs: Object.fromEntries(features.map((name) => [name, valueOf(row[name])])),
    outputs: { prediction: Number(row['y_pred']) },
    label: row['y_true'] === undefined ? null : Number(row['y_true']),
  })
  const { fitted, chunks } = fit('regression_synthetic', { read, roles: { task: 'regression' } })
  for (const [index, chunk] of chunks.entries()) {
    const ours = Object.fromEntries(
      estimate(fitted, chunk).map(({ metric, value }) => [metric, value]),
    )
    const told = estimates[index] as Told
    expect(Math.abs((ours['mae'] ?? 0) / (told['mae']?.[0] ?? 0) - 1)).toBeLessThan(0.03)
    expect(Math.abs((ours['rmse'] ?? 0) / (told['rmse']?.[0] ?? 0) - 1)).toBeLessThan(0.03)
    expect(Math.abs((ours['mae'] ?? 0) / (real[index]?.[0] ?? 0) - 1)).toBeLessThan(0.1)
  }
}, 300_000)

type Row = Readonly<Record<string, string>>

/** The largest differences over all chunks and metrics. */
function differences(
  name: string,
  told: readonly Told[],
  of: { read: (row: Row) => AnsweredRow; roles: Roles },
): { value: number; error: number } {
  const { fitted, chunks } = fit(name, of)
  expect(chunks).toHaveLength(told.length)
  const off = { value: 0, error: 0 }
  for (const [index, chunk] of chunks.entries())
    for (const { metric, value, samplingError } of estimate(fitted, chunk)) {
      const [theirValue = Number.NaN, theirError = Number.NaN] =
        told[index]?.[shortName(metric)] ?? []
      off.value = Math.max(off.value, Math.abs(value - theirValue))
      // That of the average precision is learnt from random samples on both sides.
      if (!metric.startsWith('average_precision'))
        off.error = Math.max(off.error, Math.abs((samplingError ?? 1) - theirError))
    }
  expect(Object.keys(realised(fitted, chunks[0] ?? []))).toEqual([])
  return off
}

function shortName(metric: string): string {
  return metric.replace(/_(macro|ovr)$/, '')
}

function fit(
  name: string,
  { read, roles }: { read: (row: Row) => AnsweredRow; roles: Roles },
): { fitted: Estimator; chunks: AnsweredRow[][] } {
  const fitted = fitEstimator(csv(`${name}_reference.csv`).map(read), roles)
  if (fitted.state === 'unfit') throw new Error(fitted.reason)
  const rows = csv(`${name}_analysis.csv`).map(read)
  const chunks = Array.from({ length: Math.ceil(rows.length / theirs.chunk) }, (_, index) =>
    rows.slice(index * theirs.chunk, (index + 1) * theirs.chunk),
  )
  return { fitted: fitted.estimator, chunks }
}

/** None of these files quotes anything. */
function csv(name: string): Row[] {
  const [head = '', ...lines] = readFileSync(join(theirs.data, name), 'utf8').trimEnd().split('\n')
  const names = head.split(',')
  const taken = lines.filter((_, index) => index % theirs.step === 0)
  return taken.map((line) => {
    const cells = line.split(',')
    return Object.fromEntries(names.map((column, index) => [column, cells[index] ?? '']))
  })
}

function valueOf(cell: string | undefined): string | number | null {
  if (cell === undefined || cell === '') return null
  return Number.isNaN(Number(cell)) ? cell : Number(cell)
}

/** Nine digits: releases of those libraries differ in the last ones. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(9))
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rounded(each)]))
}
