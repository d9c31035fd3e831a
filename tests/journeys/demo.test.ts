import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')
const SUMMARY = join(tmpdir(), `orrery-demo-${process.pid}.json`)

/** Building the project's Python environment takes most of this on a fresh machine. */
const PATIENCE_MS = 900_000

interface Summary {
  months: {
    month: string
    predictions: number
    labels: number
    auc_loop: number
    auc_frozen: number
    retrainings: number
    promotions: number
    refusals: number
  }[]
  trace: { prediction: { id: string }; chain: { kind: string; id: string }[] }
  seconds: number
}

describe('npm run demo -- --months 2 --exit --json FILE', () => {
  let told = ''
  let summary: Summary

  beforeAll(async () => {
    const { stdout } = await run(
      process.execPath,
      [join(ROOT, 'src/cli/demo/main.ts'), '--months', '2', '--exit', '--json', SUMMARY],
      { cwd: ROOT, maxBuffer: 16 * 1024 * 1024 },
    )
    told = stdout
    summary = JSON.parse(await readFile(SUMMARY, 'utf8')) as Summary
  }, PATIENCE_MS)

  afterAll(() => rm(SUMMARY, { force: true }))

  test('every flight is predicted once, and every landed one gets its truth', () => {
    expect(
      summary.months.map(({ month, predictions, labels }) => ({ month, predictions, labels })),
    ).toEqual([
      { month: '2013-03', predictions: 28_834, labels: 27_902 },
      { month: '2013-04', predictions: 28_330, labels: 27_564 },
    ])
  })

  test('falling performance has the model retrained, checked on flights that neither has seen, and promoted', () => {
    expect(told).toMatch(/policy\s+keep-fresh fires on (performance-fell|drift-detected)/)
    expect(told).toMatch(
      /check\s+passed: roc_auc [\d.]+ against [\d.]+ on \d+ labelled predictions that neither has seen/,
    )
    expect(summary.months[1]).toMatchObject({ retrainings: 1, promotions: 1, refusals: 0 })
  })

  test('the retrained model beats the frozen one on the same flights', () => {
    const [march, april] = summary.months
    expect(march?.auc_loop).toBeCloseTo(march?.auc_frozen ?? 0, 10)
    expect((april?.auc_loop ?? 0) - (april?.auc_frozen ?? 1)).toBeGreaterThan(0.02)
  })

  test('one prediction leads back to its version, promotion, cause, run, commit, environment and data', () => {
    const kinds = new Set(summary.trace.chain.map(({ kind }) => kind))
    for (const kind of [
      'revision',
      'model-version',
      'promotion',
      'policy-run',
      'window',
      'run',
      'pipeline-run',
      'commit',
      'environment',
      'dataset-version',
    ])
      expect(kinds).toContain(kind)
    expect(
      summary.trace.chain.some(({ id }) => /^flights\/data\/raw@[0-9a-f]{32}\.dir$/.test(id)),
    ).toBe(true)
  })
})
