import { describe, expect, test } from 'vitest'
import { rhythmsOf, withUsual } from './usual.ts'
import type { WindowDrift } from '../windows/window.ts'

type Judged = Extract<WindowDrift, { state: 'judged' }>

const DAY_MS = 86_400_000
const far = (effect = 0.8) => verdict(effect)
const near = () => verdict(0.1)

describe('drift that returns with the week', () => {
  const season = { on: [far(0.75), far(0.8), far(0.85)], off: [near(), near(), near(), far()] }

  test('is usual once it was there on three such days, and gone on most between', () => {
    expect(judged(far(), [season])).toMatchObject({ alarming: false, usual: { x: 'season' } })
  })

  test.each([
    ['farther than ever', far(3), season],
    ['on too few days to know', far(), { ...season, on: season.on.slice(1) }],
    ['there on the days between too: it stays', far(), { ...season, off: [far(), far(), near()] }],
    ['new: such days were calm', far(), { ...season, on: [near(), near(), near()] }],
  ])('is drift when it is %s', (_, now, rhythm) => {
    expect(judged(now, [rhythm])).toMatchObject({ alarming: true, drifted: ['x'] })
  })

  test('is not looked for among gaps', () => {
    const [feature] = far().features
    const gaps = { ...feature, missing: { difference: 0.5, threshold: 0.1 } } as never
    expect(judged({ ...far(), features: [gaps] }, [season]).alarming).toBe(true)
  })
})

describe('where the training data has no time', () => {
  test('the first windows of a version say what is ordinary, and drift later does not', () => {
    let before: Judged | undefined
    const effects = [0.3, 0.4, 0.35, 0.3, 0.4, 0.38, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]
    const alarms = effects.map((effect) => {
      before = withUsual(verdict(effect, 0), { before, rhythms: [] }, 0.3)
      return before.alarming
    })
    expect(alarms).toEqual([
      ...Array.from({ length: 6 }, () => false),
      ...Array.from({ length: 6 }, () => true),
    ])
  })

  test('what is gross has drifted in the first window already', () => {
    expect(withUsual(verdict(1.5, 0), { before: undefined, rhythms: [] }, 0.3).alarming).toBe(true)
  })
})

test('the beats of a rhythm are days or weeks ago, and what lies between is not on the beat', () => {
  const [week] = rhythmsOf({ fromMs: 0, toMs: DAY_MS })
  expect(week?.on.map((ms) => ms / DAY_MS)).toEqual([-7, -14, -21, -28, -35])
  expect(week?.off.map((ms) => ms / DAY_MS)).toEqual([
    -1, -2, -3, -4, -5, -6, -8, -9, -10, -11, -12, -13,
  ])
  const hourly = rhythmsOf({ fromMs: 0, toMs: DAY_MS / 24 })
  expect(hourly).toHaveLength(2)
  for (const { on, off } of hourly) expect(off.filter((ms) => on.includes(ms))).toEqual([])
  expect(rhythmsOf({ fromMs: 0, toMs: 7 * DAY_MS })).toEqual([])
})

function judged(now: Judged, rhythms: Parameters<typeof withUsual>[1]['rhythms']): Judged {
  return withUsual(now, { before: undefined, rhythms }, 0.3)
}

function verdict(effect: number, learntFrom = 20): Judged {
  const drifted = effect > 0.2
  const feature = {
    feature: 'x',
    state: drifted ? ('drifted' as const) : ('steady' as const),
    measure: 'wasserstein' as const,
    effect,
    threshold: 0.2,
    missing: { difference: 0, threshold: 0.1 },
    p: 0,
    psi: 0,
    values: 500,
    learntFrom,
  }
  return {
    state: 'judged',
    features: [feature],
    drifted: drifted ? ['x'] : [],
    compared: 1,
    share: drifted ? 1 : 0,
    prediction: null,
    alarming: drifted,
  }
}
