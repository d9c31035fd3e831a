import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classOf, scoreOf } from '../sources.ts'
import { dueTasks, endsBy, reachedBy, reopenedTasks } from './plan.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

describe('windows are due', () => {
  test('at their end, and again when labels had time to come, in that order of time', () => {
    const timing = { sizeMs: DAY_MS, settleMs: 2 * DAY_MS }
    const ends = endsBy(4.5 * DAY_MS, timing)
    const hours = [0, 25, 26, 75].map((hour) => hour * HOUR_MS)
    const tasks = dueTasks(hours, { closedMs: null, settledMs: null }, ends, timing)
    expect(tasks.map(({ due, startMs, dueMs }) => [due, startMs / DAY_MS, dueMs / DAY_MS])).toEqual(
      [
        ['closed', 0, 1],
        ['closed', 1, 2],
        ['settled', 0, 3],
        ['closed', 2, 3],
        ['settled', 1, 4],
        ['closed', 3, 4],
      ],
    )
  })

  test('where nobody asked too, three in a row at most, for then nothing is new', () => {
    const timing = { sizeMs: DAY_MS, settleMs: 0 }
    const hours = [0, 9].map((day) => day * DAY_MS)
    const tasks = dueTasks(
      hours,
      { closedMs: null, settledMs: null },
      endsBy(30 * DAY_MS, timing),
      timing,
    )
    const starts = (due: string) =>
      tasks.filter((task) => task.due === due).map(({ startMs }) => startMs / DAY_MS)
    expect(starts('closed')).toEqual([0, 1, 2, 3, 9, 10, 11, 12])
    expect(starts('settled')).toEqual([0, 9])
  })

  test('without predictions where event time keeps pace with the clock, and not where the past is played', () => {
    const sizeMs = DAY_MS
    const at = (watermark: number, closed: number, now: number, arrival = false) =>
      reachedBy({ watermarkMs: watermark * DAY_MS, closedMs: closed * DAY_MS }, now * DAY_MS, {
        sizeMs,
        arrival,
      }) / DAY_MS
    expect(at(10, 10, 12.5)).toBe(11.5)
    expect(at(10, 10, 12.5, true)).toBe(12.5)
    expect(at(10, 40, 42.5)).toBe(41.5)
    expect(at(10, 10, 20)).toBe(10)
    expect(at(10, 9, 10.1)).toBe(10)
  })

  test('also when they are shorter than the hours by which predictions are counted', () => {
    const timing = { sizeMs: HOUR_MS / 4, settleMs: 0 }
    const tasks = dueTasks(
      [HOUR_MS],
      { closedMs: 1.25 * HOUR_MS, settledMs: 2 * HOUR_MS },
      endsBy(2 * HOUR_MS, timing),
      timing,
    )
    expect(tasks.map(({ startMs }) => startMs / HOUR_MS)).toEqual([1.25, 1.5, 1.75])
  })

  test('once each, wherever a crash cut the evaluation into parts', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 0, max: 500 }),
        (found, size, settle, middle) => {
          const hours = found.map((hour) => hour * HOUR_MS)
          const timing = { sizeMs: size * HOUR_MS, settleMs: settle * HOUR_MS }
          const nothing = { closedMs: null, settledMs: null }
          const half = endsBy(middle * HOUR_MS, timing)
          const whole = endsBy(600 * HOUR_MS, timing)
          const inParts = [
            ...dueTasks(hours, nothing, half, timing),
            ...dueTasks(hours, half, whole, timing),
          ]
          const key = (task: { due: string; startMs: number }) => `${task.due} ${task.startMs}`
          expect(inParts.map(key).toSorted()).toEqual(
            dueTasks(hours, nothing, whole, timing).map(key).toSorted(),
          )
        },
      ),
    )
  })
})

describe('windows are judged anew', () => {
  const timing = { sizeMs: DAY_MS, settleMs: DAY_MS }
  const progress = { closedMs: 3 * DAY_MS, settledMs: 2 * DAY_MS }
  const counted = { predictions: 5, labels: 5, replaced: 0 }
  const known = new Map(
    [0, 1, 2].map((day) => {
      const startMs = day * DAY_MS
      return [startMs, { startMs, endMs: startMs + DAY_MS, counted }] as const
    }),
  )
  const changed = (day: number, change: object) =>
    reopenedTasks(
      [0, 1, 2, 3].map((each) =>
        Object.assign({ startMs: each * DAY_MS, ...counted }, each === day ? change : {}),
      ),
      known,
      progress,
      timing,
    ).map(({ due, startMs }) => [due, startMs / DAY_MS])

  test('when predictions came, or labels after they were settled, or labels were corrected', () => {
    expect(changed(9, {})).toEqual([])
    expect(changed(0, { predictions: 6 })).toEqual([['settled', 0]])
    expect(changed(2, { predictions: 6 })).toEqual([['closed', 2]])
    expect(changed(1, { labels: 6 })).toEqual([['settled', 1]])
    expect(changed(1, { replaced: 1 })).toEqual([['settled', 1]])
  })

  test('not for labels that are expected still, nor before they were judged at all', () => {
    expect(changed(2, { labels: 6 })).toEqual([])
    expect(changed(3, { predictions: 6 })).toEqual([])
  })
})

describe('the score of an answer', () => {
  test.each([
    [{ late_probability: 0.3 }, 0.3],
    [{ label: 1, probabilities: [0.2, 0.8] }, 0.8],
    [{ output_label: 1, output_probability: 0.7, margin: 3 }, 0.7],
    [{ variable: 12.5 }, 12.5],
    [{ label: 'late' }, undefined],
    [{}, undefined],
  ])('of %j is %j', (outputs, score) => {
    expect(scoreOf(outputs)).toBe(score)
  })
})

test('truth is one of two classes, or none that an AUC knows', () => {
  expect([1, true, '1', 'true'].map(classOf)).toEqual([1, 1, 1, 1])
  expect([0, false, '0', 'false'].map(classOf)).toEqual([0, 0, 0, 0])
  expect([null, 2, 'late', 0.5, [1]].map(classOf).every((each) => each === undefined)).toBe(true)
})
