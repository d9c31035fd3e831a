import { describe, expect, test } from 'vitest'
import type { Logged } from '#inference'
import { countsOf, numericProfileOf, type ColumnProfile, type Profile } from '#drift'
import { seededDraws } from '#base/seeded'
import { suspicionsOf } from './column.ts'
import { qualityOf } from './judge.ts'
import { lookAt } from './look.ts'
import { unitChangeOf } from './units.ts'
import type { QualityIssue, QualityVerdict } from './verdict.ts'

const ROWS = 600
type Row = Record<string, Logged>

describe('inputs that are as the training data was', () => {
  test('have no issues in a hundred windows, and every column is looked at', () => {
    const windows = played(100, (row) => row)
    expect(windows.flatMap(issuesOf)).toEqual([])
    expect(Object.keys(judged(windows[0]).columns)).toEqual(['amount', 'code', 'temp'])
  })
})

describe('what broke is found in its first window', () => {
  test.each<[string, (row: Row, index: number) => Row, string, RegExp]>([
    [
      'a column that vanishes',
      ({ code, temp }) => ({ code, temp }) as Row,
      'vanished',
      /amount has no value/,
    ],
    ['a column of gaps', (row) => ({ ...row, amount: null }), 'vanished', /in 100 %/],
    [
      'gaps in a fifth of the rows',
      (row, index) => ({ ...row, amount: index % 5 === 0 ? null : (row['amount'] as number) }),
      'missing',
      /20 % of amount are missing/,
    ],
    [
      'numbers that became texts',
      (row) => ({ ...row, amount: `${row['amount'] as number} EUR` }),
      'type',
      /100 % of amount are not a number.* such as ".* EUR"/,
    ],
    ['texts that became numbers', (row) => ({ ...row, code: 7 }), 'type', /code are not text/],
    ['lists', (row) => ({ ...row, amount: [1, [2]] }), 'type', /such as \[1,\[2\]\]/],
    [
      'infinities',
      (row, index) => ({ ...row, amount: index % 50 === 0 ? Infinity : (row['amount'] as number) }),
      'infinite',
      /2 % of amount are infinite/,
    ],
    [
      'a value that stands for none',
      (row, index) => ({ ...row, amount: index % 50 === 0 ? -99_999 : (row['amount'] as number) }),
      'range',
      /far outside .* such as -100000/,
    ],
    [
      'a new category',
      (row, index) => ({ ...row, code: index % 20 === 0 ? 'zz' : (row['code'] as string) }),
      'new-categories',
      /5 % of code .*"zz"/,
    ],
    ['a stuck sensor', (row) => ({ ...row, temp: 20 }), 'stuck', /one and the same value/],
    [
      'a sensor that got stuck in the middle',
      (row, index) => (index < ROWS / 2 ? row : { ...row, temp: 20 }),
      'stuck',
      /kept one value for 300 predictions in a row/,
    ],
    ['cents', (row) => ({ ...row, amount: 100 * (row['amount'] as number) }), 'unit', /by 100 /],
    [
      'miles',
      (row) => ({ ...row, amount: (row['amount'] as number) / 1.609344 }),
      'unit',
      /divided by 1.609/,
    ],
    [
      'degrees Fahrenheit',
      (row) => ({ ...row, temp: 32 + 1.8 * (row['temp'] as number) }),
      'unit',
      /from °C into °F/,
    ],
  ])('%s', (_, broken, check, detail) => {
    const [last] = played(6, (row, index, window) =>
      window === 5 ? broken(row, index) : row,
    ).slice(-1)
    const found = issuesOf(last as QualityVerdict)
    expect(found).toContainEqual(
      expect.objectContaining({ check, detail: expect.stringMatching(detail) as string }),
    )
    expect(new Set(found.map(({ column }) => column)).size).toBe(1)
  })

  test('rows that a join made twice', () => {
    const rows = windowAt(7).flatMap((row, index) => (index % 2 === 0 ? [row, row] : [row]))
    expect(
      issuesOf(
        judge(
          rows,
          played(5, (row) => row),
        ),
      ),
    ).toMatchObject([
      { column: '', check: 'duplicates', share: expect.closeTo(1 / 3, 2) as number },
    ])
  })

  test('values of the window before, sent once more', () => {
    const before = played(6, (row) => row)
    const stale = windowAt(6).map((row, index) =>
      withAmount(row, windowAt(5)[ROWS - 1 - index]?.['amount'] as number),
    )
    expect(issuesOf(judge(stale, before))).toMatchObject([{ column: 'amount', check: 'stale' }])
  })
})

test('of more categories than are kept, one that was rare at most is found when it has many rows, and calm ones are not', () => {
  const cities = (seed: number, rows: number) => {
    const random = seededDraws(seed)
    return Array.from({ length: rows }, () => `c${Math.floor(120 * random() ** 2)}`)
  }
  const trained = cities(1, 10_000)
  const counted = [...Map.groupBy(trained, (city) => city)]
    .toSorted(([, one], [, other]) => other.length - one.length)
    .map(([city]) => city)
  const shape = { kind: 'categorical', categories: counted.slice(0, 50), spread: null } as const
  const none = { bins: [], sums: [], missing: 0 }
  const city = { ...shape, counts: countsOf({ ...shape, counts: none }, trained) }
  const found = (values: readonly string[]) =>
    suspicionsOf({
      name: 'city',
      profile: city,
      values,
      look: lookAt(values, city, undefined),
      earlier: [],
      drift: undefined,
    })
  for (let seed = 2; seed < 30; seed++) expect(found(cities(seed, 500))).toEqual([])
  const more = cities(2, 500).map((each, index) => (index % 8 === 0 ? 'Zulu' : each))
  expect(found(more)).toMatchObject([
    {
      issue: { check: 'new-categories', detail: expect.stringMatching(/13 % of city are "Zulu"/) },
    },
  ])
  expect(found(more)[0]?.p).toBeLessThan(1e-6)
})

test('a unit that differs between training and serving is found without any window before', () => {
  const rows = windowAt(1).map((row) => withAmount(row, 1000 * (row['amount'] as number)))
  expect(issuesOf(judge(rows, [], 50))).toContainEqual(
    expect.objectContaining({
      check: 'unit',
      detail: expect.stringMatching(/multiplied by 1000 since training/) as string,
    }),
  )
})

test('a change of unit that moves a column by less than its deviation is found where windows hardly differ', () => {
  const before = [0, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.2, 1.6, 2.3, 5]
  const now = before.map((value) => 1.609344 * value)
  const found = (least?: number) =>
    unitChangeOf(now, [before], { unit: 1, step: 0, ...(least === undefined ? {} : { least }) })
  expect(found(0.25)?.name).toMatch(/by 1.609/)
  expect(found()).toBeUndefined()
})

test('a unit that has changed stays changed, though the windows that tell it best go by', () => {
  const random = seededDraws(7)
  const windows: QualityVerdict[] = []
  for (let window = 0; window < 30; window++) {
    const times = window < 8 ? 1 : 1.609344
    const rows = windowAt(window).map((row) => withAmount(row, (3 + 10 * random()) * times))
    windows.push(judge(rows, windows.slice(-8), window < 8 ? 0 : 9))
  }
  const found = windows.map((each) => issuesOf(each).some(({ check }) => check === 'unit'))
  expect(found).toEqual(windows.map((_, window) => window >= 8))
})

test('what stays broken stays an issue: it does not become what is usual', () => {
  const windows = played(20, (row, _, window) =>
    window < 5 ? row : { ...row, amount: 100 * (row['amount'] as number), temp: 20 },
  )
  for (const window of windows.slice(5))
    expect(issuesOf(window).map(({ check }) => check)).toEqual(
      expect.arrayContaining(['unit', 'stuck']),
    )
})

describe('hostile values have a stated verdict', () => {
  test.each<[string, (index: number) => Row]>([
    ['nothing at all', () => ({})],
    ['only nulls', () => ({ amount: null, code: null, temp: null })],
    ['constants', () => ({ amount: 0, code: '', temp: 0 })],
    [
      'a different type in every row',
      (index) => ({ amount: [null, 'x', true, [], 1e308][index % 5] as Logged }),
    ],
    ['the largest numbers', (index) => ({ amount: index % 2 === 0 ? 1.7e308 : -1.7e308 })],
    ['infinities', (index) => ({ amount: index % 2 === 0 ? Infinity : -Infinity })],
    ['names of what objects have', () => ({ __proto__: 1, constructor: 2 })],
  ])('%s', (_, rowOf) => {
    const verdict = judge(
      Array.from({ length: ROWS }, (__, index) => rowOf(index)),
      played(4, (row) => row),
    )
    expect(issuesOf(verdict).length).toBeGreaterThan(0)
    expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict)
  })

  test('an empty window and a short one are not judged, and say so', () => {
    expect(judge([], [])).toEqual({ state: 'skipped', reason: '0 predictions are fewer than 100' })
    expect(judge(windowAt(0).slice(0, 99), [])).toMatchObject({ state: 'skipped' })
  })

  test('a million categories are looked at in seconds, and little of them is kept', () => {
    const rows = Array.from({ length: 200_000 }, (_, index) => ({
      code: `c${index}`,
      amount: index % 97,
      temp: index % 89,
    }))
    const verdict = judged(judge(rows, []))
    expect(verdict.issues).toContainEqual(expect.objectContaining({ check: 'new-categories' }))
    expect(JSON.stringify(verdict).length).toBeLessThan(5000)
  }, 10_000)
})

function played(
  windows: number,
  change: (row: Row, index: number, window: number) => Row,
): QualityVerdict[] {
  const verdicts: QualityVerdict[] = []
  for (let window = 0; window < windows; window++)
    verdicts.push(
      judge(
        windowAt(window).map((row, index) => change(row, index, window)),
        verdicts.slice(-8),
      ),
    )
  return verdicts
}

function judge(
  rows: readonly Row[],
  earlier: readonly QualityVerdict[],
  effect = 9,
): QualityVerdict {
  const feature = (name: string) => ({ feature: name, state: 'drifted', effect, threshold: 1 })
  const features = ['amount', 'temp'].map(feature)
  const drift = { state: 'judged', features } as unknown as NonNullable<
    Parameters<typeof qualityOf>[2]['drift']
  >
  return qualityOf(rows, PROFILE, { samplesMin: 100, drift, earlier })
}

function windowAt(seed: number): Row[] {
  const random = seededDraws(seed + 1)
  return Array.from({ length: ROWS }, () => ({
    amount: 50 + 10 * normal(random),
    code: 'abcd'[Math.floor(4 * random())] as string,
    temp: Math.round(150 + 30 * normal(random)) / 10,
  }))
}

function withAmount(row: Row, amount: number): Row {
  return { ...row, amount }
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function issuesOf(verdict: QualityVerdict): readonly QualityIssue[] {
  return judged(verdict).issues
}

function judged(verdict: QualityVerdict | undefined) {
  if (verdict?.state !== 'judged') throw new Error('it was not judged')
  return verdict
}

const PROFILE = profileOf()

function profileOf(): Profile {
  const rows = Array.from({ length: 10 }, (_, index) => windowAt(1000 + index)).flat()
  const numbers = (name: string): ColumnProfile =>
    numericProfileOf(
      rows.map((row, index) => ({ value: row[name] as number, atMs: Math.floor(index / ROWS) })),
      1,
    ) as ColumnProfile
  const bare = {
    kind: 'categorical',
    categories: ['a', 'b', 'c', 'd'],
    counts: { bins: [], sums: [], missing: 0 },
    spread: null,
  } as const
  const counts = countsOf(
    bare,
    rows.map((row) => row['code'] as string),
  )
  const columns = { amount: numbers('amount'), code: { ...bare, counts }, temp: numbers('temp') }
  return { version: 1, rows: rows.length, time: null, columns }
}
