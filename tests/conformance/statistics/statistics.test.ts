import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pythonBin } from '../../support/python.ts'

const GOLDEN = 'src/features/statistics/golden'

test('the committed values are what SciPy, scikit-learn and MLstatkit give', () => {
  const committed: unknown = JSON.parse(readFileSync(join(GOLDEN, 'values.json'), 'utf8'))
  const made: unknown = JSON.parse(
    execFileSync(join(pythonBin(), 'python'), [join(GOLDEN, 'make.py')]).toString(),
  )
  expect(rounded(made)).toEqual(rounded(committed))
})

/** Ten digits: releases of those libraries differ in the last ones. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(10))
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rounded(each)]))
}
