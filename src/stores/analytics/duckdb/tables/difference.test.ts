import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Table } from '#tables'
import { createEngine, type Engine } from '../engine.ts'
import { sql, rowsOf } from '../index.ts'
import { differenceOf } from './difference.ts'

let folder: string
let engine: Engine

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-difference-'))
  engine = createEngine({ memoryMb: 256, threads: 2, spillFolder: join(folder, 'spill') })
})
afterAll(async () => {
  await engine.close()
  rmSync(folder, { recursive: true, force: true })
})

async function table(name: string, select: string): Promise<Table> {
  const path = join(folder, `${name}.parquet`)
  await engine.session(({ connection }) =>
    connection.run(`copy (${select}) to '${path}' (format parquet)`),
  )
  return {
    name,
    format: 'parquet',
    packing: 'none',
    partitions: [],
    columns: undefined,
    digest: undefined,
    sizeBytes: 0,
    files: [{ path, name, values: [], deletedRows: undefined }],
  }
}

async function differing(old: string, current: string, keys: readonly string[], out?: string) {
  const tables = { old: await table('old', old), new: await table('new', current) }
  return engine.session((session) => differenceOf(session, tables, { keys, examples: 3, out }))
}

describe('the difference of two tables', () => {
  test('by key tells which rows came, went and changed, and in which columns', async () => {
    const found = await differing(
      `select range as id, 'n' || range as name, range * 1.5 as price, range % 2 as flag from range(100)`,
      `select range as id, case when range = 7 then 'other' else 'n' || range end as name,
        case when range in (7, 9) then -1 else range * 1.5 end as price, range % 2 as flag
        from range(5, 103)`,
      ['id'],
    )
    expect(found).toMatchObject({
      old: { rows: 100 },
      new: { rows: 98 },
      added: 3,
      removed: 5,
      changed: 2,
      unchanged: 93,
      columns: [],
      changedColumns: [
        { name: 'price', rows: 2 },
        { name: 'name', rows: 1 },
      ],
      duplicates: { oldKeys: 0, newKeys: 0 },
    })
    expect(found.examples.added.map((row) => row['id'])).toEqual([100, 101, 102])
    expect(found.examples.removed[0]).toEqual({ id: 0, name: 'n0', price: 0, flag: 0 })
    expect(found.examples.changed).toEqual([
      {
        key: { id: 7 },
        changes: [
          { column: 'name', old: 'n7', new: 'other' },
          { column: 'price', old: 10.5, new: -1 },
        ],
      },
      { key: { id: 9 }, changes: [{ column: 'price', old: 13.5, new: -1 }] },
    ])
  })

  test('reports keys that come twice and leaves their rows out of the counts', async () => {
    const found = await differing(
      `select * from (values (1, 'a'), (1, 'b'), (2, 'c'), (null, 'd')) t(id, v)`,
      `select * from (values (1, 'a'), (2, 'c'), (2, 'c'), (null, 'e')) t(id, v)`,
      ['id'],
    )
    expect(found).toMatchObject({ added: 0, removed: 0, changed: 1, unchanged: 0 })
    expect(found.duplicates).toEqual({
      oldKeys: 1,
      oldRows: 3,
      newKeys: 1,
      newRows: 3,
      examples: [
        { id: 1, oldRows: 2, newRows: 1 },
        { id: 2, oldRows: 1, newRows: 2 },
      ],
    })
    expect(found.examples.changed[0]?.key).toEqual({ id: null })
  })

  test('compares values across types and says that the types changed', async () => {
    const found = await differing(
      `select 1::integer as id, 9007199254740993 as big, 'nan'::double as wild, 1 as gone, {'a': 1} as s`,
      `select 1::bigint as id, 9007199254740995 as big, 'nan'::double as wild, 'x' as came, {'a': 1} as s`,
      ['id'],
    )
    expect(found.columns).toEqual([
      { name: 'id', change: 'type', old: 'INTEGER', new: 'BIGINT' },
      { name: 'gone', change: 'removed', old: 'INTEGER', new: null },
      { name: 'came', change: 'added', old: null, new: 'VARCHAR' },
    ])
    expect(found.changedColumns).toEqual([{ name: 'big', rows: 1 }])
    expect(found.examples.changed[0]?.changes).toEqual([
      { column: 'big', old: '9007199254740993', new: '9007199254740995' },
    ])
  })

  test('without a key counts each row as often as it is there', async () => {
    const out = join(folder, 'rows.parquet')
    const found = await differing(
      `select * from (values (1, 'a'), (1, 'a'), (2, 'b')) t(id, v)`,
      `select * from (values (1, 'a'), (2, 'b'), (2, 'b'), (3, null)) t(id, v)`,
      [],
      out,
    )
    expect(found).toMatchObject({ added: 2, removed: 1, changed: 0, unchanged: 2 })
    const rows = await engine.session((session) =>
      session.rows(sql`select _change, id, v from ${rowsOf([out])} order by id`),
    )
    expect(rows).toEqual([
      { _change: 'removed', id: 1, v: 'a' },
      { _change: 'added', id: 2, v: 'b' },
      { _change: 'added', id: 3, v: null },
    ])
  })

  test('writes every row that differs to a file, whole or not at all', async () => {
    const out = join(folder, 'all.parquet')
    const [old, current] = [
      `select range as id, range as v from range(50)`,
      `select range as id, case when range < 20 then range else -range end as v, 'n' as fresh from range(10, 60)`,
    ]
    // What a run leaves aside that was killed while it wrote.
    writeFileSync(`${out}.partial`, 'half')
    await differing(old, current, ['id'], out)
    expect(existsSync(`${out}.partial`)).toBe(false)
    const rows = await engine.session((session) =>
      session.rows(sql`select _change, count(*) as n from ${rowsOf([out])} group by 1 order by 1`),
    )
    expect(rows).toEqual([
      { _change: 'added', n: 10 },
      { _change: 'changed from', n: 30 },
      { _change: 'changed to', n: 30 },
      { _change: 'removed', n: 10 },
    ])
    const nowhere = join(folder, 'no-such-folder', 'x.parquet')
    await expect(differing(old, current, ['id'], nowhere)).rejects.toThrow(/no-such-folder/)
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([])
  })

  test('refuses a key that one of them lacks, and names those that both have', async () => {
    await expect(
      differing('select 1 as id, 2 as b', 'select 1 as id, 2 as c', ['b']),
    ).rejects.toThrow(/the new table has no column b, so it is no key; both have id/)
  })
})
