import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { monitorsBin, pythonBin } from '../../support/python.ts'

const GOLDEN = 'src/features/statistics/golden'

const scripts = [
  {
    script: 'make.py',
    values: 'values.json',
    of: 'SciPy, scikit-learn and MLstatkit',
    bin: pythonBin,
  },
  { script: 'two_samples.py', values: 'two-samples.json', of: 'SciPy', bin: pythonBin },
  { script: 'peers.py', values: 'peers.json', of: 'Evidently and NannyML', bin: monitorsBin },
  { script: 'trees.py', values: 'trees.json', of: 'LightGBM', bin: monitorsBin },
  { script: 'streams.py', values: 'streams.json', of: 'River', bin: monitorsBin },
  { script: 'rows.py', values: 'rows.json', of: 'NannyML and Evidently', bin: monitorsBin },
]

for (const { script, values, of, bin } of scripts)
  test(`the committed ${values} is what ${of} give`, { timeout: 120_000 }, () => {
    const committed: unknown = JSON.parse(readFileSync(join(GOLDEN, values), 'utf8'))
    const printed = execFileSync(join(bin(), 'python'), [join(GOLDEN, script)]).toString()
    // LightGBM talks before the values come.
    const made: unknown = JSON.parse(printed.trim().split('\n').at(-1) as string)
    expect(rounded(made)).toEqual(rounded(committed))
  })

/** Ten digits: releases of those libraries differ in the last ones. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(10))
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rounded(each)]))
}
