import { expect, test } from 'vitest'
import { DEFAULT_MONITOR } from '../default-monitor.ts'
import type { Window } from '../windows/window.ts'
import { concept } from './concept.ts'

test('a change of which a detector speaks once holds while errors are as bad, and is over when nobody speaks any more', () => {
  const days = [calm(0.1), calm(0.1), calm(0.1), word(0.4, 0.1), calm(0.4), calm(0.4), calm(0.4)]
  expect(statesOf(days)).toEqual(['open', 'open', 'over', 'holds', 'holds', 'holds', 'over'])
})

test('errors that are as before again do not hold, and those that get better never did', () => {
  expect(statesOf([word(0.4, 0.1), calm(0.1), calm(0.4)])).toEqual(['holds', 'open', 'holds'])
  expect(statesOf([word(0.1, 0.4), calm(0.1), calm(0.1)])).toEqual(['open', 'open', 'over'])
})

test('what was said of another version does not hold for this one', () => {
  const next = { ...calm(0.4), modelVersion: 'm/2' }
  expect(statesOf([calm(0.1), word(0.4, 0.1), next])).toEqual(['open', 'holds', 'over'])
})

test('it is said which detector spoke and of what, also afterwards', () => {
  const days = [word(0.4, 0.1), calm(0.35)]
  expect(concept.conditions(days[1] as Window, days.slice(0, 1), DEFAULT_MONITOR)).toEqual([
    {
      state: 'holds',
      subject: '',
      severity: 'warning',
      detail: 'adwin: the share of wrong answers is 0.35, 0.1 before',
    },
  ])
})

/** What is said of each day, with those before it. */
function statesOf(days: readonly Window[]): string[] {
  return days.map((day, at) => {
    const conditions = concept.conditions(day, days.slice(0, at), DEFAULT_MONITOR)
    return conditions === 'unjudged' ? 'unjudged' : (conditions[0]?.state ?? 'none')
  })
}

const calm = (rate: number) => windowOf({ drifted: false, rate, rateBefore: null, drifts: 0 })
const word = (rate: number, rateBefore: number) =>
  windowOf({ drifted: true, rate, rateBefore, drifts: 1 })

function windowOf(said: {
  drifted: boolean
  rate: number
  rateBefore: number | null
  drifts: number
}): Window {
  const { drifts, ...found } = said
  const detectors = [{ name: 'adwin', drifts }]
  return {
    modelVersion: 'm/1',
    concept: { state: 'watched', unit: 'share', detectors, ...found },
  } as unknown as Window
}
