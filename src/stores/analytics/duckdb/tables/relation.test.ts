import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LoggedColumn, LoggedType, Table, TableFile } from '#tables'
import { createEngine, type Engine, type Session } from '../engine.ts'
import { sql } from '../sql.ts'
import { withTable } from './relation.ts'

let folder: string
let engine: Engine

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-relation-'))
  engine = createEngine({ memoryMb: 256, threads: 2 })
})
afterAll(async () => {
  await engine.close()
  rmSync(folder, { recursive: true, force: true })
})

function tableOf(files: readonly Partial<TableFile>[], rest: Partial<Table> = {}): Table {
  return {
    name: 'data/t',
    format: 'parquet',
    packing: 'none',
    partitions: [],
    columns: undefined,
    digest: undefined,
    sizeBytes: 0,
    files: files.map((file) => ({
      path: join(folder, file.name ?? ''),
      name: '',
      values: [],
      deletedRows: undefined,
      ...file,
    })),
    ...rest,
  }
}

async function written(session: Session, name: string, select: string): Promise<void> {
  await session.connection.run(`copy (${select}) to '${join(folder, name)}' (format parquet)`)
}

const all = (table: Table) =>
  engine.session((session) =>
    withTable(session, table, async ({ from, columns }) => ({
      columns,
      rows: await session.rows(sql`select * from ${from} order by 1`),
    })),
  )

describe('files as a relation', () => {
  test('are matched by the names of their columns, and folders name columns too', async () => {
    await engine.session(async (session) => {
      await written(session, 'one', 'select 1 as id, 2.5 as x')
      await written(session, 'two', `select 'new' as y, 2 as id`)
    })
    const table = tableOf(
      [
        { name: 'one', values: ["it's", '2026-01-01'] },
        { name: 'two', values: [null, '2026-01-02'] },
      ],
      {
        partitions: [
          { name: 'the "place"', type: { kind: 'plain', name: 'string' } },
          { name: 'day', type: { kind: 'plain', name: 'date' } },
        ],
      },
    )
    const { columns, rows } = await all(table)
    expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'id INTEGER',
      'x DECIMAL(2,1)',
      'y VARCHAR',
      'the "place" VARCHAR',
      'day DATE',
    ])
    expect(rows).toEqual([
      { id: 1, x: 2.5, y: null, 'the "place"': "it's", day: new Date('2026-01-01') },
      { id: 2, x: null, y: 'new', 'the "place"': null, day: new Date('2026-01-02') },
    ])
  })

  test('of CSV are read out of the cache, where names say nothing', async () => {
    writeFileSync(join(folder, 'ab12'), gzipSync('id\tname\n1\tä\n'))
    const { rows } = await all(tableOf([{ name: 'ab12' }], { format: 'csv', packing: 'gzip' }))
    expect(rows).toEqual([{ id: 1, name: 'ä' }])
  })

  test('have the names of a log, deep within too, and lack the rows that were deleted', async () => {
    await engine.session((session) =>
      written(
        session,
        'mapped',
        `select range as "col-1", {'col-2': range * 2} as "col-3", [{'col-4': 'x'}] as "col-5",
           map {'k': {'col-6': 7}} as "col-7" from range(4)`,
      ),
    )
    const long = { kind: 'plain', name: 'long' } as const
    const string = { kind: 'plain', name: 'string' } as const
    const struct = (name: string, physical: string, type: typeof long | typeof string) =>
      ({ kind: 'struct', fields: [{ name, physical, type }] }) as const
    const table = tableOf(
      [
        { name: 'mapped', deletedRows: Uint32Array.of(0, 3) },
        { name: 'mapped', deletedRows: Uint32Array.of(0, 1, 2) },
      ],
      {
        columns: [
          { name: 'id', physical: 'col-1', type: long },
          { name: 's', physical: 'col-3', type: struct('double', 'col-2', long) },
          {
            name: 'l',
            physical: 'col-5',
            type: { kind: 'list', of: struct('t', 'col-4', string) },
          },
          {
            name: 'm',
            physical: 'col-7',
            type: { kind: 'map', key: string, value: struct('v', 'col-6', long) },
          },
          { name: 'later', physical: 'col-9', type: { kind: 'decimal', precision: 9, scale: 2 } },
        ],
      },
    )
    const { columns, rows } = await all(table)
    expect(columns.map(({ type }) => type)).toEqual([
      'BIGINT',
      'STRUCT("double" BIGINT)',
      'STRUCT(t VARCHAR)[]',
      'MAP(VARCHAR, STRUCT(v BIGINT))',
      'DECIMAL(9,2)',
    ])
    expect(rows.map((row) => row['id'])).toEqual([1, 2, 3])
    expect(rows[0]).toMatchObject({ s: { double: 2n }, l: [{ t: 'x' }], later: null })
  })

  test('are matched by the numbers that a log gives columns, whatever each file calls them', async () => {
    const ids = (text: string) => `format parquet, field_ids ${text}`
    await engine.session(async (session) => {
      const { connection } = session
      // The same numbers under other names, and the names of the one are those of other columns in the other.
      await connection.run(
        `copy (select 1 as a, {x: 10, y: 'p'} as s, [{z: 1}] as l, map {'k': {w: 5}} as m) to '${join(folder, 'i1')}'
           (${ids('{a: 1, s: {__duckdb_field_id: 2, x: 3, y: 4}, l: {__duckdb_field_id: 5, element: {__duckdb_field_id: 6, z: 7}}, m: {__duckdb_field_id: 8, key: 9, value: {__duckdb_field_id: 10, w: 11}}}')})`,
      )
      await connection.run(
        `copy (select {y: 20} as a, unnest([7, 2, 3]) as s) to '${join(folder, 'i2')}' (${ids('{a: {__duckdb_field_id: 2, y: 3}, s: 1}')})`,
      )
      await connection.run(`copy (select 4 as a) to '${join(folder, 'i3')}' (format parquet)`)
    })
    const long = { kind: 'plain', name: 'long' } as const
    const string = { kind: 'plain', name: 'string' } as const
    const column = (id: number, name: string, type: LoggedType) =>
      ({ id, name, physical: 'not asked', type }) satisfies LoggedColumn
    const struct = (...fields: LoggedColumn[]) => ({ kind: 'struct', fields }) as const
    const columns = [
      column(1, 'id', long),
      column(2, 'nested', struct(column(3, 'number', long), column(4, 'text', string))),
      column(5, 'list', { kind: 'list', of: struct(column(7, 'of', long)) }),
      column(8, 'map', { kind: 'map', key: string, value: struct(column(11, 'v', long)) }),
      column(99, 'later', string),
    ]
    const [one, two] = [{ name: 'i1' }, { name: 'i2', deletedRows: Uint32Array.of(0) }]
    const both = await all(tableOf([two, one], { columns }))
    expect(both.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'id BIGINT',
      'nested STRUCT(number BIGINT, "text" VARCHAR)',
      'list STRUCT("of" BIGINT)[]',
      'map MAP(VARCHAR, STRUCT(v BIGINT))',
      'later VARCHAR',
    ])
    expect(both.rows.map(({ id }) => id)).toEqual([1, 2, 3])
    expect(both.rows[0]).toMatchObject({ nested: { number: 10n, text: 'p' }, list: [{ of: 1n }] })
    expect(both.rows[1]).toMatchObject({ nested: { number: 20n, text: null }, list: null })
    expect((await all(tableOf([one], { columns }))).rows).toHaveLength(1)
    await expect(all(tableOf([{ name: 'i3' }], { columns }))).rejects.toThrow(
      /its file i3 has no field ids, by which the log names the columns/,
    )
  })

  test('that cannot be read are named as people know them', async () => {
    writeFileSync(join(folder, 'cd34'), 'no parquet at all')
    const broken = tableOf([{ name: 'x.parquet', path: join(folder, 'cd34') }])
    await expect(all(broken)).rejects.toThrow(/^data\/t cannot be read as a table: .*x\.parquet/)
    await expect(all(broken)).rejects.not.toThrow(/cd34/)
  })

  test.each([
    ['a line that is longer', 'a,b\n1,2\n3,4,5\n', /the first 2 lines of t\.csv have not as many/],
    ['a last one that is', `a,b\n${'1,2\n'.repeat(50)}1,2,3\n`, /the first 51 lines of t\.csv/],
    ['a line that would pass for names', 'a,b\n1,2\nx,y,z\n1,2,3\n', /the first 2 lines/],
    ['a title', 'My report\n\na,b\n1,2\n', /take away what stands above the names/],
    ['a line that is shorter', 'a,b,c\n1,2,3\n1,2\n', /not all lines .* \(a,b,c\)/],
    [
      'ends of two kinds',
      'a,b\r\n1,2\r\n3,4\n',
      /line 3 of t\.csv ends in LF, the first in CR LF; .*sed/,
    ],
    ['a last one of the other', 'a\n1\n2\r\n', /line 3 of t\.csv ends in CR LF, the first in LF/],
    ['other letters', Buffer.from('a\n\u00e9\n', 'latin1'), /not utf-8.*iconv/],
  ])('with %s are refused, as lines would be left out unsaid', async (_, bytes, message) => {
    writeFileSync(join(folder, 't.csv'), bytes)
    await expect(all(tableOf([{ name: 't.csv' }], { format: 'csv' }))).rejects.toThrow(message)
    writeFileSync(join(folder, 'even.csv'), 'a,b\n1,2\n')
    const both = tableOf([{ name: 'even.csv' }, { name: 't.csv' }], { format: 'csv' })
    await expect(all(both)).rejects.toThrow(message)
    const packed = gzipSync(bytes)
    writeFileSync(join(folder, 't.csv'), packed)
    const table = tableOf([{ name: 't.csv' }], { format: 'csv', packing: 'gzip' })
    await expect(all(table)).rejects.toThrow(message)
  })

  test.each([
    ['comments above the names', '# by x\n\n# at y\na,b\n1,2\n', ['a', 'b'], 1],
    ['no names', '1,2\n3,4\n', ['column0', 'column1'], 2],
    ['a column whose name has a comma', '"a,b"\n1\n2\n', ['a,b'], 2],
    ['quoted names', '"a ""x""","b"\n1,2\n', ['a "x"', 'b'], 1],
    ['one column', 'a\n1\n', ['a'], 1],
    ['names alone', 'a,b\n', ['a', 'b'], 0],
  ])('with %s are read', async (_, text, columns, rows) => {
    writeFileSync(join(folder, 't.csv'), text)
    const found = await all(tableOf([{ name: 't.csv' }], { format: 'csv' }))
    expect(found.columns.map(({ name }) => name)).toEqual(columns)
    expect(found.rows).toHaveLength(rows)
  })

  test('whose first million rows suggest another type are looked at again, whole', async () => {
    writeFileSync(join(folder, 'late.csv'), `n\n${'1\n'.repeat(1_050_000)}x\n`)
    const table = tableOf([{ name: 'late.csv' }], { format: 'csv', sizeBytes: 2 ** 30 })
    const found = await engine.session((session) =>
      withTable(session, table, async ({ from, columns }) => {
        const [row] = await session.rows(sql`select max(n) as most, count(*) as rows from ${from}`)
        return { columns, row }
      }),
    )
    expect(found).toEqual({
      columns: [{ name: 'n', type: 'VARCHAR' }],
      row: { most: 'x', rows: 1_050_001 },
    })
  })

  test('of a version without any file have the columns of its log and no row', async () => {
    const columns = [
      { name: 'id', physical: 'c1', type: { kind: 'plain', name: 'long' } },
      { name: 'day', physical: 'c2', type: { kind: 'plain', name: 'date' } },
    ] as const
    expect(await all(tableOf([], { columns }))).toEqual({
      columns: [
        { name: 'id', type: 'BIGINT' },
        { name: 'day', type: 'DATE' },
      ],
      rows: [],
    })
  })
})
