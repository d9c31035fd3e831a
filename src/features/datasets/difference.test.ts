import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ColumnProfile, TableProfile } from '#tables'
import { histogramPair, profileDifference } from './difference.ts'

function column(name: string, parts: Partial<ColumnProfile> = {}): ColumnProfile {
  return {
    name,
    type: 'BIGINT',
    kind: 'number',
    nulls: 0,
    distinct: null,
    min: null,
    max: null,
    mean: null,
    std: null,
    nonFinite: null,
    trues: null,
    lengths: null,
    quantiles: [],
    histogram: null,
    top: [],
    ...parts,
  }
}

function table(columns: ColumnProfile[], rows = 100): TableProfile {
  return { version: 1 as never, rows, files: 1, sizeBytes: 1, sampledRows: rows, columns }
}

const sum = (shares: readonly number[]) => shares.reduce((total, share) => total + share, 0)

test('columns that came, went, changed their type or stayed are told apart', () => {
  const old = table([column('same'), column('typed'), column('gone')])
  const now = table([column('same'), column('typed', { type: 'VARCHAR' }), column('fresh')])
  const changes = profileDifference(old, now).columns.map(({ name, change }) => [name, change])
  expect(changes).toEqual([
    ['same', 'none'],
    ['typed', 'type'],
    ['fresh', 'added'],
    ['gone', 'removed'],
  ])
})

test('histograms that lie apart have nothing in common, and one with itself has all', () => {
  const at = (from: number) => column('x', { histogram: { from, to: from + 10, counts: [5, 5] } })
  const between = (old: ColumnProfile, now: ColumnProfile) =>
    profileDifference(table([old]), table([now])).columns[0]?.distance
  expect(between(at(0), at(100))).toBe(1)
  expect(between(at(0), at(0))).toBe(0)
  expect(between(at(0), at(5))).toBeCloseTo(0.5, 1)
})

test('times are compared as times, and never with numbers', () => {
  const [from, to] = ['2026-01-01T00:00:00Z', '2026-01-11T00:00:00Z']
  const times = { from, to, counts: [1, 1] }
  const later = { from: to, to: '2026-01-21T00:00:00Z', counts: [1, 1] }
  expect(histogramPair(times, later)).toMatchObject({
    from: '2026-01-01T00:00:00.000Z',
    to: '2026-01-21T00:00:00.000Z',
  })
  expect(histogramPair(times, { from: 0, to: 1, counts: [1] })).toBeNull()
})

test('frequent values are compared by their shares, also one that is new', () => {
  const top = (...values: [string, number][]) =>
    column('x', { type: 'VARCHAR', top: values.map(([value, count]) => ({ value, count })) })
  const [found] = profileDifference(
    table([top(['a', 100])]),
    table([top(['b', 30], ['a', 170])], 200),
  ).columns
  expect(found?.top).toEqual([
    { value: 'b', old: 0, new: 0.15 },
    { value: 'a', old: 1, new: 0.85 },
  ])
  expect(found?.distance).toBeCloseTo(0.15)
})

test('shares over a common range are of all values, whatever the ranges are', () => {
  const histogram = fc
    .tuple(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.array(fc.nat(50), { minLength: 1, maxLength: 40 }),
    )
    .filter(([, , counts]) => counts.some((count) => count > 0))
    .map(([from, width, counts]) => ({ from, to: from + width, counts }))
  fc.assert(
    fc.property(histogram, histogram, (old, now) => {
      const pair = histogramPair(old, now)
      expect(sum(pair?.old ?? [])).toBeCloseTo(1, 3)
      expect(sum(pair?.new ?? [])).toBeCloseTo(1, 3)
    }),
    { seed: 7 },
  )
})
