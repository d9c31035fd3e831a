import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ColumnProfile, Table, TableFormat } from '#tables'
import { createEngine, type Engine } from '../engine.ts'
import { profileTable } from './profile.ts'

let folder: string
let engine: Engine

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-profile-'))
  engine = createEngine({ memoryMb: 256, threads: 2 })
})
afterAll(async () => {
  await engine.close()
  rmSync(folder, { recursive: true, force: true })
})

const run = (statement: string) =>
  engine.session(async ({ connection }) => {
    await connection.run(statement)
  })

async function profiled(name: string, format: TableFormat = 'parquet') {
  const table: Table = {
    name,
    format,
    packing: 'none',
    partitions: [],
    columns: undefined,
    digest: undefined,
    sizeBytes: 0,
    files: [{ path: join(folder, name), name, values: [], deletedRows: undefined }],
  }
  const profile = await engine.session((session) => profileTable(session, table))
  const column = (wanted: string) =>
    profile.columns.find((each) => each.name === wanted) as ColumnProfile
  return { profile, column }
}

describe('the profile of a table', () => {
  test('says exactly what is in a small one', async () => {
    await run(`copy (
        select range as id, case when range % 4 = 0 then null else range / 10.0 end as share,
          'k' || (range % 7) as kind, date '2026-01-01' + range::int as day, range % 3 = 0 as flag
        from range(1000)) to '${join(folder, 'small.parquet')}'`)
    const { profile, column } = await profiled('small.parquet')
    expect(profile).toMatchObject({ rows: 1000, sampledRows: 1000, files: 1 })
    expect(column('id')).toMatchObject({
      kind: 'number',
      nulls: 0,
      distinct: { count: 1000, isExact: true },
      min: 0,
      max: 999,
      mean: 499.5,
    })
    expect(column('id').std).toBeCloseTo(288.8194, 4)
    expect(column('id').quantiles.find(({ share }) => share === 0.5)?.value).toBe(499.5)
    expect(column('id').histogram).toEqual({
      from: 0,
      to: 999,
      counts: Array.from({ length: 20 }, () => 50),
    })
    expect(column('share')).toMatchObject({ nulls: 250, min: 0.1, max: 99.9 })
    expect(column('kind')).toMatchObject({
      kind: 'text',
      distinct: { count: 7, isExact: true },
      min: 'k0',
      max: 'k6',
      lengths: { min: 2, max: 2, mean: 2 },
    })
    expect(column('kind').top).toHaveLength(7)
    expect(column('kind').top[0]).toEqual({ value: 'k0', count: 143 })
    expect(column('day')).toMatchObject({ kind: 'time', min: '2026-01-01', max: '2028-09-26' })
    expect(column('day').quantiles.find(({ share }) => share === 0.5)?.value).toBe('2027-05-15')
    expect(column('flag')).toMatchObject({ kind: 'boolean', trues: 334 })
  })

  test('has a word for every type, also for values that have no place on a line', async () => {
    await run(`copy (
        select * from (values
          (1::hugeint * 170141183460469231731687303715884105727, 'nan'::double, 1.25::decimal(18,2),
            'ab'::blob, [1, 2, 3], map {'a': 1}, {'x': {'y': 'deep'}}, uuid(), time '10:00:00',
            interval 3 days, 'ä', timestamptz '2026-01-01 00:00:00Z', null::int, 9007199254740993),
          (1::hugeint, 'inf'::double, 2.5, 'abc'::blob, []::int[], map {'a': 1, 'b': 2}, null, uuid(),
            time '11:00:00', interval 1 year, '', timestamptz '2026-01-02 00:00:00Z', null, 1),
          (2::hugeint, 4.0, null, null, null, null, {'x': null}, null, null, null, null, null, null, 2))
        t(huge, wild, price, bytes, list, map, nested, uuid, clock, span, text, moment, void, long))
        to '${join(folder, 'kinds.parquet')}'`)
    const { column } = await profiled('kinds.parquet')
    expect(column('wild')).toMatchObject({ nonFinite: 2, mean: 4, nulls: 0, min: 4, max: 'nan' })
    expect(column('price')).toMatchObject({ min: 1.25, max: 2.5, mean: 1.875, nulls: 1 })
    expect(column('bytes')).toMatchObject({
      kind: 'binary',
      lengths: { min: 2, max: 3, mean: 2.5 },
    })
    expect(column('list')).toMatchObject({ kind: 'list', lengths: { min: 0, max: 3, mean: 1.5 } })
    expect(column('map')).toMatchObject({ kind: 'map', lengths: { min: 1, max: 2 } })
    expect(column('nested')).toMatchObject({ kind: 'struct', nulls: 1, distinct: null })
    expect(column('nested.x.y')).toMatchObject({ kind: 'text', nulls: 2, min: 'deep' })
    expect(column('text')).toMatchObject({ lengths: { min: 0, max: 1 } })
    expect(column('moment')).toMatchObject({ kind: 'time', histogram: { counts: { length: 20 } } })
    expect(column('void')).toMatchObject({ nulls: 3, min: null, histogram: null, top: [] })
    expect(column('long').max).toBe('9007199254740993')
    expect(column('clock').nulls).toBe(1)
    expect(column('span').nulls).toBe(1)
  })

  test('of a large one has exact counts and estimates that are near', async () => {
    await run(`copy (select range as id, (range * 7919) % 1000 as even, 't' || range % 5 as kind
        from range(400000)) to '${join(folder, 'large.parquet')}'`)
    const { profile, column } = await profiled('large.parquet')
    expect(profile.rows).toBe(400_000)
    expect(profile.sampledRows).toBeGreaterThan(25_000)
    expect(profile.sampledRows).toBeLessThan(40_000)
    expect(column('even')).toMatchObject({ min: 0, max: 999, mean: 499.5 })
    expect(column('even').distinct).toEqual({ count: 1000, isExact: true, within: 0 })
    const median = column('even').quantiles.find(({ share }) => share === 0.5)?.value as number
    expect(Math.abs(median - 499.5)).toBeLessThan(15)
    const [most] = column('kind').top
    expect(Math.abs((most?.count ?? 0) / profile.sampledRows - 0.2)).toBeLessThan(0.015)
    const again = await profiled('large.parquet')
    expect(again.column('even').histogram).toEqual(column('even').histogram)
  })

  test('says how far an estimate of different values may be off, whatever they are', async () => {
    const rows = 400_000
    const columns = {
      key: 'range',
      twice: 'hash(range // 2)',
      tenth: `(hash(range) % ${rows / 5})::bigint`,
      skewed: `floor(exp((hash(range + 7) % 1000000) / 1e6 * ln(${rows})))::bigint`,
      rare: `case when range % 3 = 0 then 'v' || hash(range) else 'often' end`,
      gaps: `case when range % 2 = 0 then hash(range) % 150000 end`,
      few: `'w' || range % 40`,
    }
    const texts = Object.entries(columns).map(([name, text]) => `${text} as ${name}`)
    await run(`copy (select ${texts.join(', ')} from range(${rows}))
        to '${join(folder, 'different.parquet')}'`)
    const { column } = await profiled('different.parquet')
    const counts = Object.keys(columns).map((name) => `count(distinct ${name}) as ${name}`)
    const [real = {}] = await engine.session(({ rows: ask }) =>
      ask({
        parts: [`select ${counts.join(', ')} from '${join(folder, 'different.parquet')}'`],
        values: [],
      }),
    )
    for (const name of Object.keys(columns)) {
      const { count, isExact, within } = column(name).distinct ?? {
        count: 0,
        isExact: false,
        within: 0,
      }
      const off = Math.abs(count / Number(real[name]) - 1)
      expect(within).toBeLessThan(0.05)
      // What is true 19 times of 20, twice as far is always.
      expect(off).toBeLessThanOrEqual(2 * within)
      if (isExact) expect(count).toBe(real[name])
    }
    expect(column('few').distinct?.isExact).toBe(true)
  })

  test('of many rows knows what is no number, and what of a file tells it', async () => {
    await run(`copy (select case when range = 99999 then 'nan'::double when range = 5 then '-inf'::double else range end as wild,
        range::float as tame, timestamp '2026-01-01' + to_seconds(range) as at from range(100000))
        to '${join(folder, 'wild.parquet')}'`)
    const { column } = await profiled('wild.parquet')
    expect(column('wild')).toMatchObject({ nonFinite: 2, min: '-inf', max: 'nan' })
    expect(column('wild').histogram).toMatchObject({ from: 0, to: 99_998 })
    expect(column('wild').mean).toBeCloseTo((99_999 * 50_000 - 99_999 - 5) / 99_998, 6)
    expect(column('tame')).toMatchObject({ nonFinite: 0, min: 0, max: 99_999, mean: 49_999.5 })
    expect(column('at').max).toBe('2026-01-02 03:46:39')
  })

  test('takes numbers so large that their squares are none', async () => {
    await run(`copy (select * from (values (1.5::double, 3e200::double, 1.7e308::double),
        (-0.0, 1e200, -1.7e308), (1e300, null, 1.7e308)) t(one, two, three)) to '${join(folder, 'vast.parquet')}'`)
    const { column } = await profiled('vast.parquet')
    expect(column('one')).toMatchObject({
      min: 0,
      max: 1e300,
      histogram: { counts: { 0: 2, 19: 1 } },
    })
    expect((column('one').std ?? 0) / 1e300).toBeCloseTo(3 ** -0.5)
    expect((column('two').std ?? 0) / 1e200).toBeCloseTo(2 ** 0.5)
    expect((column('two').mean ?? 0) / 1e200).toBeCloseTo(2)
    expect(column('three')).toMatchObject({ min: -1.7e308, max: 1.7e308, nonFinite: 0 })
  })

  test('of CSV and of JSON lines is that of Parquet', async () => {
    const rows = Array.from({ length: 300 }, (_, index) => ({ n: index, name: `n${index % 9}` }))
    writeFileSync(
      join(folder, 'a.csv'),
      `n,name\n${rows.map((row) => Object.values(row).join(',')).join('\n')}`,
    )
    writeFileSync(join(folder, 'a.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'))
    const csv = await profiled('a.csv', 'csv')
    const json = await profiled('a.jsonl', 'json')
    const rounded = ({ columns }: typeof csv.profile) =>
      columns.map((column) => ({ ...column, std: column.std?.toFixed(9) }))
    expect(rounded(csv.profile)).toEqual(rounded(json.profile))
    expect(csv.column('n').mean).toBe(149.5)
  })

  test('of no rows has nothing to say, and says it', async () => {
    await run(`copy (select 1 as a, 'x' as b where false) to '${join(folder, 'none.parquet')}'`)
    const { profile, column } = await profiled('none.parquet')
    expect(profile).toMatchObject({ rows: 0, sampledRows: 0 })
    expect(column('a')).toMatchObject({ nulls: 0, min: null, mean: null, histogram: null })
  })
})
