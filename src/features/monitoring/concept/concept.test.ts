import { describe, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import type { MonitorConfig } from '#projects'
import type { PredictionRow } from '#serving'
import type { View } from '../parts/part.ts'
import { done, type WorkInput, type WorkName } from '../work/works.ts'
import { concept } from '../parts/concept.ts'
import type { Window } from '../windows/window.ts'
import type { ConceptDetector, ConceptVerdict } from './errors.ts'

const DAY_MS = 86_400_000

describe('detectors of concept drift', () => {
  test('are quiet for fifty even days, hear errors that doubled, and the alert ends when all is calm', async () => {
    const endpoint = given()
    const rateOn = (day: number) => (day < 50 ? 0.15 : 0.32)
    const states: string[] = []
    for (let day = 0; day < 60; day++) {
      const found = await endpoint.live(day, rowsOf(day, 300, rateOn(day)))
      const { conditions } = found
      states.push(conditions === 'unjudged' ? conditions : (conditions[0]?.state ?? 'none'))
      if (day < 50) expect(found.verdict).toMatchObject({ drifted: false })
    }
    expect(states.slice(0, 50)).not.toContain('holds')
    expect(states.indexOf('holds')).toBeLessThan(53)
    expect(states.at(-1)).toBe('over')
  })

  test('say what got worse, and since when', async () => {
    const endpoint = given()
    for (let day = 0; day < 10; day++) await endpoint.live(day, rowsOf(day, 500, 0.1))
    const { verdict, conditions, window } = await endpoint.live(10, rowsOf(10, 500, 0.4))
    const [detector] = verdict.state === 'watched' ? verdict.detectors : []
    expect(detector).toMatchObject({ name: 'adwin', drifts: 1 })
    expect(detector?.firstMs).toBeGreaterThanOrEqual(10 * DAY_MS)
    expect(conditions[0]).toMatchObject({ state: 'holds', severity: 'warning' })
    expect(conditions[0]).toHaveProperty(
      'detail',
      expect.stringMatching(/^adwin: the share of wrong answers is 0\.\d+, 0\.1?0?\d* before$/),
    )
    const holding = { state: 'holds', subject: '', severity: 'warning', detail: 'so' } as const
    const at = { monitor: {} as MonitorConfig, task: { dueMs: 7 } as never }
    expect(concept.finding?.(window, holding, at)).toMatchObject({
      type: 'concept-drifted',
      data: { detectors: ['adwin'], modelVersion: 'm/1' },
    })
  })

  test('raise no alert when answers got better', async () => {
    const endpoint = given()
    for (let day = 0; day < 10; day++) await endpoint.live(day, rowsOf(day, 500, 0.4))
    const { verdict, conditions } = await endpoint.live(10, rowsOf(10, 500, 0.05))
    expect(verdict).toMatchObject({ drifted: true })
    expect(conditions[0]).toMatchObject({ state: 'over' })
  })

  test('go on from window to window as if it were one stream', async () => {
    const names = ['adwin', 'ddm', 'eddm', 'fhddm', 'hddm-a', 'hddm-w', 'kswin', 'page-hinkley']
    const days = Array.from({ length: 6 }, (_, day) => rowsOf(day, 150, day < 3 ? 0.1 : 0.5))
    const one = given(names as ConceptDetector[])
    const whole = await one.live(0, days.flat())
    const other = given(names as ConceptDetector[])
    const drifts = new Map<string, number>()
    let last: ConceptVerdict | undefined
    for (const [day, rows] of days.entries()) {
      last = (await other.live(day, rows)).verdict
      for (const { name, drifts: count } of last.state === 'watched' ? last.detectors : [])
        drifts.set(name, (drifts.get(name) ?? 0) + count)
    }
    const { verdict } = whole
    if (verdict.state === 'skipped' || last?.state !== 'watched') throw new Error('not watched')
    expect(Object.fromEntries(drifts)).toEqual(
      Object.fromEntries(verdict.detectors.map((each) => [each.name, each.drifts])),
    )
    expect(last.kept.detectors).toEqual(verdict.kept.detectors)
    expect(Math.max(...drifts.values())).toBeGreaterThan(0)
  })

  test('begin anew with another version, whose errors are another stream', async () => {
    const endpoint = given()
    await endpoint.live(0, rowsOf(0, 400, 0.1))
    const { verdict } = await endpoint.live(1, rowsOf(1, 400, 0.5), 'm/2')
    expect(verdict).toMatchObject({ state: 'watched', drifted: false, rateBefore: null })
  })
})

describe('a stated verdict where there is no stream of errors', () => {
  test('without labels', async () => {
    const rows = rowsOf(0, 5, 0).map((row) => Object.assign(row, { label: null }))
    const { verdict, conditions } = await given().live(0, rows)
    expect(verdict).toEqual({ state: 'skipped', reason: 'no labels have come' })
    expect(conditions).toBe('unjudged')
  })

  test('amounts are watched by detectors of numbers only', async () => {
    const rows = rowsOf(0, 200, 0.5).map((row, at) =>
      Object.assign(row, { outputs: { y: at + 0.5 }, label: at }),
    )
    const { verdict } = await given(['adwin', 'ddm']).live(0, rows)
    expect(verdict).toMatchObject({
      unit: 'amount',
      rate: 0.5,
      detectors: [
        { name: 'adwin', drifts: 0 },
        { name: 'ddm', reason: 'it takes answers that are right or wrong, not amounts' },
      ],
    })
  })

  test('rankings', async () => {
    const performance = { task: 'ranking', group: 'q' }
    const { verdict } = await given(undefined, { performance } as never).live(0, rowsOf(0, 5, 0))
    expect(verdict).toMatchObject({
      state: 'skipped',
      reason: expect.stringContaining('ranking') as string,
    })
  })
})

/** An endpoint whose windows are days, judged one after the other. */
function given(detectors?: ConceptDetector[], more: Partial<MonitorConfig> = {}) {
  const monitor = {
    ...more,
    ...(detectors === undefined ? {} : { concept: { detectors } }),
  } as MonitorConfig
  const windows: Window[] = []
  const live = async (day: number, rows: PredictionRow[], modelVersion = 'm/1') => {
    const view = {
      monitor,
      modelVersion,
      found: {},
      rows: async () => rows,
      work: async (name: WorkName, input: WorkInput<WorkName>) => done(name, rows, input),
      earlier: async (count: number) => windows.slice(-count),
    } as unknown as View
    const { concept: verdict } = await concept.judge(view)
    if (verdict === undefined) throw new Error('no verdict')
    const kept = JSON.stringify({
      endpoint: 'e',
      startMs: day * DAY_MS,
      modelVersion,
      concept: verdict,
    })
    const window = JSON.parse(kept) as Window
    const conditions = concept.conditions(
      window,
      windows.slice(-concept.lookback(monitor)),
      monitor,
    )
    windows.push(window)
    return { verdict, conditions, window }
  }
  return { live }
}

/** Rows of a day in no order, of which about this share is answered wrongly. */
function rowsOf(day: number, count: number, share: number): PredictionRow[] {
  const draw = seededDraws(day + 17)
  return Array.from({ length: count }, (_, at) => {
    const label = at % 2
    const answer = draw() < share ? 1 - label : label
    return {
      id: `${day}-${at}`,
      eventMs: day * DAY_MS + at * 1000,
      inputs: { q: 'a' },
      outputs: { y: answer },
      label,
      key: null,
    } as unknown as PredictionRow
  }).toReversed()
}
