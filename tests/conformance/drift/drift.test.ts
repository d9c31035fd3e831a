import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withDriftEngine } from '#app/monitoring/drift-files'
import { openLooseTables } from '#app/project/tables'
import { compareTables, statisticNamed, type DriftReport } from '#drift'
import { monitorsBin, runPython } from '../../support/python.ts'

interface Said {
  readonly share: number
  /** The preset's own choice has no method; the others were asked by their name. */
  readonly drifts: readonly { column: string; method: string | null; score: number }[]
}

describe("Evidently's rules on files", () => {
  let folder = ''
  let said: { small: Said; large: Said }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-drift-'))
    const script = await readFile(join(import.meta.dirname, 'make.py'), 'utf8')
    const call = `import sys\nsys.argv = ['make.py', ${JSON.stringify(folder)}]\n`
    said = (await runPython(call + script, {}, monitorsBin())) as typeof said
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  for (const [size, rows] of [
    ['small', 800],
    ['large', 3000],
  ] as const)
    test(`give what its report gives on a ${size} reference`, async () => {
      const report = await compared(rows, [])
      const own = said[size].drifts.filter(({ method }) => method === null)
      const scores = report.columns.flatMap(({ column, statistics: [first] }) =>
        first === undefined ? [] : [[column, score(first)] as const],
      )
      expect(scores.map(([column]) => column).toSorted()).toEqual(
        own.map(({ column }) => column).toSorted(),
      )
      const ours = new Map(scores)
      for (const { column, score: theirs } of own)
        expect(near(ours.get(column), theirs), `${column}: ${ours.get(column)} and ${theirs}`).toBe(
          true,
        )
      expect(report.share).toBeCloseTo(said[size].share, 12)
    })

  test('give what its methods give when they are asked by name', async () => {
    const asked = said.small.drifts.filter(({ method }) => method !== null)
    const names = [...new Set(asked.map(({ method }) => statisticNamed(method as string)))]
    const report = await compared(800, names as string[])
    const wrong = asked.filter(({ column, method, score: theirs }) => {
      const found = report.columns
        .find((each) => each.column === column)
        ?.statistics.find(({ statistic }) => statistic === statisticNamed(method as string))
      return found === undefined || !near(score(found), theirs)
    })
    expect(asked.length).toBeGreaterThan(60)
    expect(wrong).toEqual([])
  })

  async function compared(rows: number, statistics: readonly string[]): Promise<DriftReport> {
    const tables = openLooseTables(folder)
    try {
      const [reference, current] = [
        await tables.at(`reference-${rows}.parquet`),
        await tables.at(`current-${rows}.parquet`),
      ]
      return await withDriftEngine((engine) =>
        engine.pair({ reference, current }, (reader) =>
          compareTables(reader, { preset: 'evidently', statistics, spans: null, samplesMin: 100 }),
        ),
      )
    } finally {
      await tables.close()
    }
  }
})

type Statistic = DriftReport['columns'][number]['statistics'][number]

function score({ decidesBy, p, value }: Statistic): number | null {
  return decidesBy === 'p' ? p : value
}

/** To six digits, and to as many after the point. */
function near(ours: number | null | undefined, theirs: number): boolean {
  if (ours === null || ours === undefined) return false
  return Math.abs(ours - theirs) <= 1e-6 * Math.min(1, Math.abs(theirs)) + 1e-12
}
