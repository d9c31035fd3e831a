import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { monitorsBin, pythonBin } from '../../support/python.ts'

const GOLDEN = 'src/features/statistics/golden'

/** Each environment is asked once, and both at the same time. */
const environments = [
  {
    bin: pythonBin,
    scripts: [
      { script: 'make.py', values: 'values.json', of: 'SciPy, scikit-learn and MLstatkit' },
      { script: 'two_samples.py', values: 'two-samples.json', of: 'SciPy' },
    ],
  },
  {
    bin: monitorsBin,
    scripts: [
      { script: 'streams.py', values: 'streams.json', of: 'River' },
      { script: 'trees.py', values: 'trees.json', of: 'LightGBM' },
      { script: 'peers.py', values: 'peers.json', of: 'Evidently and NannyML' },
      { script: 'rows.py', values: 'rows.json', of: 'NannyML and Evidently' },
    ],
  },
]

describe('the committed values are what libraries give', () => {
  let printed: Readonly<Record<string, unknown>>
  beforeAll(async () => {
    const all = await Promise.all(
      environments.map(({ bin, scripts }) =>
        valuesOf(
          bin(),
          scripts.map(({ script }) => script),
        ),
      ),
    )
    printed = Object.assign({}, ...all) as typeof printed
  }, 600_000)

  for (const { script, values, of } of environments.flatMap(({ scripts }) => scripts))
    test(`${values}: ${of}`, () => {
      const committed: unknown = JSON.parse(readFileSync(join(GOLDEN, values), 'utf8'))
      expect(rounded(printed[script])).toEqual(rounded(committed))
    })
})

async function valuesOf(bin: string, names: readonly string[]): Promise<Record<string, unknown>> {
  const script = join(import.meta.dirname, 'values.py')
  const found = await promisify(execFile)(join(bin, 'python'), [script, GOLDEN, ...names], {
    maxBuffer: 2 ** 26,
  })
  const last = found.stdout.trim().split('\n').at(-1) ?? ''
  return JSON.parse(last) as Record<string, unknown>
}

/** Ten digits: releases of those libraries differ in the last ones. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(10))
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rounded(each)]))
}
