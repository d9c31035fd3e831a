import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { monitorsBin, pythonBin } from '../../support/python.ts'

const GOLDEN = 'src/features/performance/golden'

test('the committed metrics are what scikit-learn and SciPy give', () => {
  expect(rounded(made(pythonBin(), 'make.py'))).toEqual(rounded(committed('values.json')))
})

test('the committed metrics between groups are what Fairlearn gives', () => {
  expect(rounded(made(monitorsBin(), 'fairness.py'))).toEqual(rounded(committed('fairness.json')))
})

function made(bin: string, script: string): unknown {
  return JSON.parse(
    execFileSync(join(bin, 'python'), ['-W', 'ignore', join(GOLDEN, script)]).toString(),
  )
}

function committed(file: string): unknown {
  return JSON.parse(readFileSync(join(GOLDEN, file), 'utf8'))
}

/** Six digits: releases of those libraries differ in the last ones, and a regression ends where it likes. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(6))
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rounded(each)]))
}
