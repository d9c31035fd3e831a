import { describe, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { aloneConditions } from './alone.ts'
import { DEFAULT_MONITOR } from '../default-monitor.ts'
import type { Condition } from '../alerts/findings.ts'
import type { Window } from '../windows/window.ts'

describe('a column that drifts alone is told of', () => {
  test('when it lasts, by its name and how far it is', () => {
    expect(statesOf(['....x', '...xx'])).toEqual({ a: 'open', b: 'open' })
    expect(statesOf(['...xx', '..xxx'])).toEqual({ a: 'open', b: 'holds' })
    expect(told(['..xxx'])[0]).toMatchObject({
      subject: 'a',
      severity: 'warning',
      detail:
        'a lies 0.47 standard deviations from what it is compared with; ordinary is 0.1 at most, in at least 3 of the last 5 windows',
    })
  })

  test('until it was calm for as long', () => {
    expect(statesOf(['xxx..'])).toEqual({ a: 'holds' })
    expect(statesOf(['xxx...'])).toEqual({ a: 'over' })
    expect(statesOf(['......'])).toEqual({})
  })

  test('not where the whole is told of, or data quality tells of the column already', () => {
    expect(statesOf(['..xxx'], { whole: 'holds' })).toEqual({ a: 'open' })
    expect(statesOf(['..xxx', '..xxx'], { broken: 'a' })).toEqual({ a: 'open', b: 'holds' })
  })

  test('not while the reference has windows that were as far', () => {
    expect(statesOf(['..xxx'], { unseen: false })).toEqual({ a: 'over' })
    expect(statesOf(['..xxx'], { unseen: true })).toEqual({ a: 'holds' })
  })

  test('not where nobody wants to hear of it', () => {
    expect(statesOf(['..xxx'], { columns: false })).toEqual({})
  })
})

test('columns that seem to have drifted by chance in as many windows as is allowed raise an alert in a hundred years', () => {
  const random = seededDraws(5)
  const columns = 12
  const days = 36_500
  const chance = 0.05 / columns
  const flags = Array.from({ length: columns }, () =>
    Array.from({ length: days }, () => (random() < chance ? 'x' : '.')).join(''),
  )
  let held = 0
  for (let day = 5; day <= days; day += 3) {
    const part = flags.map((each) => each.slice(day - 5, day))
    if (part.every((each) => !each.includes('x'))) continue
    held += told(part).filter(({ state }) => state === 'holds').length
  }
  expect(held).toBeLessThanOrEqual(2)
})

interface Options {
  readonly whole?: 'holds'
  readonly broken?: string
  readonly columns?: false
  readonly unseen?: boolean
}

function statesOf(
  flags: readonly string[],
  options: Options = {},
): Record<string, Condition['state']> {
  return Object.fromEntries(told(flags, options).map(({ subject, state }) => [subject, state]))
}

/** What is told at the last window; `flags` says of each column in which windows it drifted. */
function told(flags: readonly string[], { whole, columns, ...more }: Options = {}): Condition[] {
  const windows = Array.from({ length: flags[0]?.length ?? 0 }, (_, at) =>
    windowOf(
      flags.map((each) => each[at] === 'x'),
      more,
    ),
  )
  const of: Condition =
    whole === undefined
      ? { state: 'open', subject: '' }
      : { state: 'holds', subject: '', severity: 'warning', detail: '' }
  const drift = { ...DEFAULT_MONITOR.drift, ...(columns === undefined ? {} : { columns }) }
  return aloneConditions(windows.at(-1) as Window, windows.slice(0, -1), {
    monitor: { ...DEFAULT_MONITOR, drift },
    whole: of,
  })
}

function windowOf(drifted: readonly boolean[], { broken, unseen }: Options): Window {
  const names = drifted.map((_, at) => 'abcdefghijklmnop'[at] as string)
  const features = drifted.map((is, at) => ({
    feature: names[at],
    state: is ? 'drifted' : 'steady',
    measure: 'wasserstein',
    effect: is ? 0.47 : 0.02,
    threshold: 0.1,
    missing: { difference: 0, threshold: 0.1 },
    ...(unseen === undefined ? {} : { unseen }),
  }))
  return {
    modelVersion: 'm/1',
    drift: { state: 'judged', features, drifted: names.filter((_, at) => drifted[at]) },
    quality: { state: 'judged', issues: broken === undefined ? [] : [{ column: broken }] },
  } as unknown as Window
}
