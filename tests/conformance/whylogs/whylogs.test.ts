import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseExactJson } from '#base/exact-json'
import { whylogsProfileIn } from '#protocols/whylogs/index'
import { quantilesOf, rankErrorOf, summaryOf } from '#sketches'
import { monitorsBin } from '../../support/python.ts'

// Profiles that the real whylogs writes say here what they say there.

const LEVELS = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]

interface Told {
  readonly columns: Readonly<
    Record<
      string,
      {
        n: number
        null: number
        nan: number
        inf: number
        integral: number
        string: number
        distinct: number
        mean: number | null
        std: number | null
        quantiles: number[] | null
        count: number
        frequent: [string, number][]
      }
    >
  >
}

let folder: string
let told: Record<string, Told>
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-whylogs-'))
  const make = join(import.meta.dirname, 'make.py')
  const printed = execFileSync(join(monitorsBin(), 'python'), [make, folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  }).toString()
  told = parseExactJson(printed) as unknown as Record<string, Told>
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(['small', 'empty', 'one', 'large', 'merged'])('the profile "%s"', (name) => {
  const { columns } = whylogsProfileIn(readFileSync(join(folder, `${name}.bin`)))
  const expected = told[name]?.columns ?? {}
  expect([...columns.keys()].toSorted()).toEqual(Object.keys(expected).toSorted())
  for (const [column, theirs] of Object.entries(expected)) {
    const ours = columns.get(column)
    if (ours === undefined) throw new Error(`no column ${column}`)
    const { sketch, distinct } = ours
    const summary = summaryOf(sketch, 5)
    expect(sketch).toMatchObject({
      rows: theirs.n,
      nans: theirs.nan,
      nulls: Math.max(0, theirs.null - theirs.nan),
      infinities: theirs.inf,
      integers: theirs.integral,
    })
    // Of merged profiles whylogs mends its estimate by a table; ours is what the registers say.
    const tolerance = name === 'merged' ? 0.03 : 1e-6
    expect(Math.abs(distinct - theirs.distinct)).toBeLessThanOrEqual(
      tolerance * (1 + theirs.distinct),
    )
    const isPlain = column !== 'member' && theirs.mean !== null && Number.isFinite(theirs.mean)
    if (isPlain && theirs.mean !== null && theirs.std !== null) {
      const { count, mean, m2 } = sketch.numbers
      expect(count).toBe(theirs.count)
      expect(mean).toBeCloseTo(theirs.mean, 9)
      expect(Math.sqrt(m2 / Math.max(1, count - 1))).toBeCloseTo(theirs.std, 6)
    }
    // A rank more or less is a question of how quantiles are defined. Ours keeps fewer numbers than theirs, each time others:
    // how far a rank is off by that is chance, with the standard deviation that our sketch states of itself.
    const slack = 1.5 / theirs.count + 5 * rankErrorOf(sketch)
    for (const [at, level] of LEVELS.entries()) {
      const value = theirs.quantiles?.[at]
      if (value === undefined || !isPlain) continue
      const [low = 0, high = 0] = quantilesOf(sketch, [level - slack, level + slack])
      expect(value).toBeGreaterThanOrEqual(low)
      expect(value).toBeLessThanOrEqual(high)
    }
    if (theirs.string > 0 && theirs.frequent.length > 0) {
      const counts = new Map(summary.frequent.map(({ text, count }) => [text, count]))
      const most = theirs.frequent[0]?.[1]
      expect(summary.frequent[0]?.count).toBe(most)
      for (const [text, count] of theirs.frequent)
        if (counts.has(text)) expect(counts.get(text)).toBe(count)
    }
  }
})

test('what is no whylogs profile, or half of one, is refused', () => {
  expect(() => whylogsProfileIn(Buffer.from('PAR1 something'))).toThrow('does not begin with WHY1')
  const whole = readFileSync(join(folder, 'small.bin'))
  for (const length of [8, 100, Math.floor(whole.length / 2), whole.length - 1])
    expect(() => whylogsProfileIn(whole.subarray(0, length))).toThrow(/whylogs/)
})
