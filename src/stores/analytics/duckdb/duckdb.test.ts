import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countsOf, type NumericProfile, type CategoricalProfile } from '#drift'
import { joined, name, openAnalytics, rowsOf, sql, type Analytics } from './index.ts'

let folder: string
let analytics: Analytics

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-duckdb-'))
  analytics = openAnalytics({ memoryMb: 256 })
})
afterAll(async () => {
  await analytics.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('a statement', () => {
  test('takes values as parameters, whatever they contain', async () => {
    const nasty = `'; drop table x; --"$1`
    const [row] = await analytics.query(
      sql`select ${nasty} as a, ${2 ** 40} as b, ${0.5} as c, ${null} as d, ${true} as e, ${['x', nasty]} as f`,
    )
    expect(row).toEqual({ a: nasty, b: 2 ** 40, c: 0.5, d: null, e: true, f: ['x', nasty] })
  })

  test('takes names with quotes, spaces and dots', async () => {
    const names = ['a "quoted" name', 'semi; colon', 'a.b', 'select']
    const columns = names.map((each, index) => sql`${index} as ${name(each)}`)
    const [row] = await analytics.query(sql`select ${joined(columns, ', ')}`)
    expect(Object.keys(row ?? {})).toEqual(names)
  })

  test('that is wrong fails alone: the next one is answered', async () => {
    const [wrong, right] = await Promise.allSettled([
      analytics.query(sql`select no_such_column`),
      analytics.query(sql`select 1 as one`),
    ])
    expect(wrong.status).toBe('rejected')
    expect(right).toMatchObject({ value: [{ one: 1 }] })
  })

  test('never downloads what it lacks', async () => {
    await expect(
      analytics.query(sql`select * from sqlite_scan(${'x.db'}, ${'t'})`),
    ).rejects.toThrow(/sqlite/)
    const [row] = await analytics.query(
      sql`select current_setting('autoinstall_known_extensions') as install`,
    )
    expect(row).toEqual({ install: false })
  })
})

// A process that needs much for a moment, and then stays open without being asked.
const PROCESS = `
  import { setTimeout as sleep } from 'node:timers/promises'
  import { openAnalytics, sql } from '${import.meta.resolve('./index.ts')}'
  const analytics = openAnalytics()
  await analytics.query(sql\`select 1\`)
  const opened = process.memoryUsage.rss()
  const grown = () => process.memoryUsage.rss() - opened
  await analytics.query(sql\`create temp table many as select random() as x from range(20_000_000)\`)
  const most = grown()
  await analytics.query(sql\`drop table many\`)
  for (let look = 0; look < 300 && grown() > most / 2; look++) await sleep(100)
  console.log(JSON.stringify([most, grown()]))
  await analytics.close()
`

test('memory that a statement needed is given back while the engine is at rest', async () => {
  const args = ['--input-type=module', '--eval', PROCESS]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const [most, left] = JSON.parse(stdout) as [number, number]
  expect(most).toBeGreaterThan(100e6)
  expect(left).toBeLessThan(most / 2)
}, 60_000)

describe('a Parquet file', () => {
  const columns = [
    { name: 'id', type: 'text' },
    { name: 'count', type: 'integer' },
    { name: 'share', type: 'double' },
    { name: 'late', type: 'boolean' },
    { name: 'event time', type: 'time' },
    { name: 'inputs', type: 'json' },
  ] as const

  test('gives back every kind of value, missing ones too', async () => {
    const file = join(folder, 'kinds.parquet')
    const atMs = Date.UTC(2013, 2, 1, 5, 30, 0, 123)
    const rows = [
      ['ü"\'', 2 ** 53 - 1, 0.1, true, atMs, { b: [1, null, 'x'], a: 'é' }],
      [null, null, null, null, null, null],
    ]
    expect(await analytics.writeParquet(file, { columns, rows })).toBe(2)
    const read = await analytics.query(sql`select * from ${rowsOf([file])}`)
    expect(read[0]).toEqual({
      id: 'ü"\'',
      count: 2 ** 53 - 1,
      share: 0.1,
      late: true,
      'event time': new Date(atMs),
      inputs: '{"b":[1,null,"x"],"a":"é"}',
    })
    expect(Object.values(read[1] ?? {})).toEqual(Array.from({ length: 6 }, () => null))
  })

  test('of more rows than a chunk is sorted and read in pages', async () => {
    const file = join(folder, 'many.parquet')
    const count = 5000
    async function* backwards() {
      for (let index = count - 1; index >= 0; index--) yield [index]
    }
    await analytics.writeParquet(file, {
      columns: [{ name: 'n', type: 'integer' }],
      rows: backwards(),
      orderBy: ['n'],
    })
    const page = (after: number) =>
      analytics.query(
        sql`select n from ${rowsOf([file])} where n > ${after} order by n limit ${2000}`,
      )
    const seen: unknown[] = []
    for (let rows = await page(-1); rows.length > 0; rows = await page(seen.at(-1) as number))
      seen.push(...rows.map((row) => row['n']))
    expect(seen).toEqual(Array.from({ length: count }, (_, index) => index))
  })

  test('with odd characters in its path is that file and no other', async () => {
    const odd = join(folder, `it's a "*" [b] {c,d} ?.parquet`)
    const columnsOfOne = [{ name: 'n', type: 'integer' }] as const
    await analytics.writeParquet(odd, { columns: columnsOfOne, rows: [[1]] })
    await analytics.writeParquet(odd.replace('*', 'star'), { columns: columnsOfOne, rows: [[2]] })
    expect(await analytics.query(sql`select n from ${rowsOf([odd])}`)).toEqual([{ n: 1 }])
  })

  test('is named with its folder when the rows are refused, and leaves nothing behind', async () => {
    await expect(
      analytics.writeParquet(join(folder, 'no-such-folder', 'x.parquet'), {
        columns,
        rows: [],
      }),
    ).rejects.toThrow(/no-such-folder/)
    expect(await analytics.query(sql`select * from duckdb_tables()`)).toEqual([])
  })

  test('joins with another by a key', async () => {
    const predictions = join(folder, 'predictions.parquet')
    const truths = join(folder, 'truths.parquet')
    await analytics.writeParquet(predictions, {
      columns: [
        { name: 'key', type: 'text' },
        { name: 'outputs', type: 'json' },
      ],
      rows: [
        ['a', { probability: 0.75 }],
        ['b', { probability: 0.25 }],
      ],
    })
    await analytics.writeParquet(truths, {
      columns: [
        { name: 'key', type: 'text' },
        { name: 'label', type: 'boolean' },
      ],
      rows: [['b', true]],
    })
    const rows = await analytics.query(
      sql`select key, (outputs ->> ${'$.probability'})::double as score, label
          from ${rowsOf([predictions])} p left join ${rowsOf([truths])} t using (key) order by key`,
    )
    expect(rows).toEqual([
      { key: 'a', score: 0.75, label: null },
      { key: 'b', score: 0.25, label: true },
    ])
  })
})

describe('a profile', () => {
  const hourMs = 3_600_000
  const columns = [
    { name: 'at', type: 'time' },
    { name: 'x "1"', type: 'double' },
    { name: 'whole', type: 'integer' },
    { name: 'kind', type: 'text' },
    { name: 'flag', type: 'boolean' },
    { name: 'empty', type: 'double' },
  ] as const
  const rows = Array.from({ length: 4000 }, (_, index) => [
    index * (hourMs / 40),
    index % 50 === 0 ? null : index % 51 === 0 ? Number.NaN : Math.sin(index) * 10,
    index % 7,
    index % 60 === 0 ? null : `k${Math.floor(Math.sqrt(index % 8100))}`,
    index % 3 === 0,
    null,
  ])
  const names = columns.slice(1).map((column) => column.name)

  async function profiled() {
    const file = join(folder, 'profiled.parquet')
    await analytics.writeParquet(file, { columns, rows })
    return analytics.profile({
      files: [dataFile(file)],
      columns: names,
      time: { column: 'at', windowMs: 10 * hourMs },
    })
  }

  test('counts as the window counter does, and says how much its windows differ', async () => {
    const profile = await profiled()
    expect(profile).toMatchObject({ version: 1, rows: 4000, time: { fromMs: 0 } })
    for (const [index, each] of names.slice(0, 4).entries()) {
      const column = profile.columns[each] as NumericProfile | CategoricalProfile
      const values = rows.map((row) => row[index + 1] as number | string | boolean | null)
      const counted = countsOf(column, values)
      expect(column.counts.bins).toEqual(counted.bins)
      expect(column.counts.missing).toBe(counted.missing)
      for (const [bin, sum] of counted.sums.entries())
        expect(column.counts.sums[bin]).toBeCloseTo(sum, 6)
      expect(column.spread?.windows).toBe(10)
    }
    expect(profile.columns['kind']).toMatchObject({ categories: { length: 50 } })
    expect(profile.columns['flag']).toMatchObject({ categories: ['false', 'true'] })
    expect(profile.columns['empty']).toEqual({
      kind: 'other',
      reason: 'the reference has no value of it',
    })
    expect(JSON.parse(JSON.stringify(profile))).toEqual(profile)
  })

  test('of CSV and of JSON lines is that of Parquet', async () => {
    const profile = await profiled()
    const csv = join(folder, 'profiled.csv')
    const lines = join(folder, 'profiled.jsonl')
    const whole = rows.map(([at, , n, kind]) => [at, n, kind])
    writeFileSync(csv, ['at,whole,kind', ...whole.map((row) => row.join(','))].join('\n'))
    writeFileSync(
      lines,
      whole.map(([at, n, kind]) => JSON.stringify({ at, whole: n, kind })).join('\n'),
    )
    for (const file of [csv, lines]) {
      const other = await analytics.profile({ files: [dataFile(file)], columns: ['whole', 'kind'] })
      for (const column of ['whole', 'kind'])
        expect(other.columns[column]).toEqual({ ...profile.columns[column], spread: null })
    }
    expect(readFileSync(csv, 'utf8').length).toBeGreaterThan(0)
  })

  test('of rows with embeddings samples them as lists, in any format', async () => {
    const lines = join(folder, 'embeddings.jsonl')
    const points = [[0.5, 1, 2.25], [3, 4, 5], null]
    writeFileSync(lines, points.map((point, n) => JSON.stringify({ n, point })).join('\n'))
    const parquet = join(folder, 'embeddings.parquet')
    const sampled = async (file: string) =>
      (
        await analytics.sample({ files: [dataFile(file)], columns: ['n', 'point'], rowsMax: 10 })
      ).map(({ values }) => [values['n'], values['point']])
    expect(await sampled(lines)).toEqual(points.map((point, n) => [n, point]))
    await analytics.query(sql`copy (select * from ${rowsOf([dataFile(lines)])}) to ${parquet}`)
    expect(await sampled(parquet)).toEqual(await sampled(lines))
  })

  test('of a column that is not there names it and those that are', async () => {
    const file = join(folder, 'profiled.parquet')
    await profiled()
    await expect(analytics.profile({ files: [dataFile(file)], columns: ['nope'] })).rejects.toThrow(
      /no column nope; it has at, x "1"/,
    )
  })

  test('takes a time column of text or of milliseconds too', async () => {
    const csv = join(folder, 'times.csv')
    const times = Array.from({ length: 400 }, (_, index) => index * hourMs)
    writeFileSync(
      csv,
      ['at,ms,x', ...times.map((ms) => `${new Date(ms).toISOString()},${ms},${ms % 11}`)].join(
        '\n',
      ),
    )
    for (const column of ['at', 'ms']) {
      const { time } = await analytics.profile({
        files: [dataFile(csv)],
        columns: ['x'],
        time: { column, windowMs: 24 * hourMs },
      })
      expect(time).toMatchObject({ fromMs: 0, toMs: 399 * hourMs })
    }
  })
})

test('closing ends it: what comes later is refused', async () => {
  const other = openAnalytics()
  await other.query(sql`select 1`)
  await other.close()
  await expect(other.query(sql`select 1`)).rejects.toThrow(/stopping/)
})

function dataFile(path: string) {
  return { path, name: path }
}

describe('rows that are chosen by chance', () => {
  const chosen = async (source: string, rowsMax: number) => {
    const file = join(folder, 'chosen.parquet')
    const request = { columns: ['row', "it's"], rowsMax, seed: 1, called: "o'data" }
    await analytics.writeRows(file, { files: [dataFile(source)], ...request })
    return file
  }

  test('are the same ones each time, in their order, with their places and what they are of', async () => {
    const source = join(folder, 'many.csv')
    const rows = Array.from({ length: 5000 }, (_, row) => `${row * 2},${row % 7 === 0 ? '' : row}`)
    writeFileSync(source, ["row,it's", ...rows].join('\n'))
    const file = await chosen(source, 1000)
    const first = await analytics.query(sql`from read_parquet(${file})`)
    expect(first).toHaveLength(1000)
    const places = first.map((row) => row['_row'] as number)
    expect(places).toEqual(places.toSorted((one, other) => one - other))
    expect(new Set(places).size).toBe(1000)
    for (const row of first) expect(row['row']).toBe((row['_row'] as number) * 2)
    // Not a stretch of the file, and no steps of the same length.
    const gaps = new Set(places.slice(1).map((place, at) => place - (places[at] ?? 0)))
    expect(gaps.size).toBeGreaterThan(10)
    expect(await analytics.query(sql`from read_parquet(${await chosen(source, 1000)})`)).toEqual(
      first,
    )
    const [metadata] = await analytics.query(
      sql`select decode(value) as about from parquet_kv_metadata(${file}) where decode(key) = 'orrery'`,
    )
    expect(JSON.parse(String(metadata?.['about']))).toEqual({ of: "o'data", all: 5000, seed: 1 })
  })

  test('are all where there are no more', async () => {
    const source = join(folder, 'few.csv')
    writeFileSync(source, "row,it's\n5,a\n4,b\n")
    expect(await analytics.query(sql`from read_parquet(${await chosen(source, 10)})`)).toEqual([
      { _row: 0, row: 5, "it's": 'a' },
      { _row: 1, row: 4, "it's": 'b' },
    ])
  })
})
