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
    expect(column('even').distinct?.isExact).toBe(false)
    const median = column('even').quantiles.find(({ share }) => share === 0.5)?.value as number
    expect(Math.abs(median - 499.5)).toBeLessThan(15)
    const [most] = column('kind').top
    expect(Math.abs((most?.count ?? 0) / profile.sampledRows - 0.2)).toBeLessThan(0.015)
    const again = await profiled('large.parquet')
    expect(again.column('even').histogram).toEqual(column('even').histogram)
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
    expect(csv.profile.columns).toEqual(json.profile.columns)
    expect(csv.column('n').mean).toBe(149.5)
  })

  test('of no rows has nothing to say, and says it', async () => {
    await run(`copy (select 1 as a, 'x' as b where false) to '${join(folder, 'none.parquet')}'`)
    const { profile, column } = await profiled('none.parquet')
    expect(profile).toMatchObject({ rows: 0, sampledRows: 0 })
    expect(column('a')).toMatchObject({ nulls: 0, min: null, mean: null, histogram: null })
  })
})
