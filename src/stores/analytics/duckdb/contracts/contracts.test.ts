import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { strictRule, validate, type Check, type Limit, type Rule, type Test } from '#contracts'
import type { Table, TableFormat } from '#tables'
import { createEngine, type Engine } from '../engine.ts'
import { openContractEngine } from './index.ts'

let folder: string
let writer: Engine

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-contracts-'))
  writer = createEngine({ memoryMb: 256, threads: 2 })
})
afterAll(async () => {
  await writer.close()
  rmSync(folder, { recursive: true, force: true })
})

let count = 0

/** A Parquet file of what a statement gives. */
async function parquet(select: string): Promise<Table> {
  const name = `t${count++}.parquet`
  await writer.session((session) =>
    session.connection.run(`copy (${select}) to '${join(folder, name)}' (format parquet)`),
  )
  return table([name], 'parquet')
}

function csv(...texts: string[]): Table {
  const names = texts.map((text) => {
    const name = `t${count++}.csv`
    writeFileSync(join(folder, name), text)
    return name
  })
  return table(names, 'csv')
}

function table(names: readonly string[], format: TableFormat): Table {
  return {
    name: 'data/t',
    format,
    packing: 'none',
    partitions: [],
    columns: undefined,
    digest: undefined,
    sizeBytes: 0,
    files: names.map((name) => ({
      path: join(folder, name),
      name,
      values: [],
      deletedRows: undefined,
    })),
  }
}

const NOW = Date.UTC(2026, 0, 2)

async function checked(
  tables: Readonly<Record<string, Table>>,
  rules: readonly Rule[],
  how: {
    queryMs?: number
    columns?: Parameters<typeof validate>[1]['datasets'][0]['columns']
  } = {},
): Promise<Check[]> {
  const report = await validate(
    {
      engine: openContractEngine({
        memoryMb: 256,
        threads: 2,
        spillFolder: join(folder, 'spill'),
        ...(how.queryMs === undefined ? {} : { queryMs: how.queryMs }),
      }),
      tableAt: async (path) => tables[path] as Table,
      clock: manualClock(NOW),
    },
    {
      id: 'c',
      name: 'c',
      version: '1',
      datasets: Object.keys(tables).map((name, index) => ({
        name,
        path: name,
        columns: index === 0 ? (how.columns ?? []) : [],
        rules: index === 0 ? rules : [],
      })),
    },
    { file: 'c.odcs.yaml' },
  )
  return [...(report.datasets[0]?.checks ?? [])]
}

const rule = (of: Test, limit?: Limit) => strictRule('t', of, limit === undefined ? {} : { limit })
const atMost = (value: number, unit: Limit['unit'] = 'rows'): Limit => ({
  operator: '<=',
  value,
  unit,
})

describe('each rule counts the rows that break it and shows the first of them', () => {
  const SELECT = `select i as id, case when i = 3 then null else i end as n, i * 1.5::double as x,
      case when i < 4 then 'a' when i = 4 then '' else 'b' || i end as s,
      case when i = 5 then 'nan'::double when i = 6 then '-inf'::double else i end as f,
      date '2025-12-01' + i::int as d, timestamp '2026-01-01' + interval (i) hour as ts,
      i % 4 as g, i = 1 as b, [1] as l
    from range(10) t(i)`
  const cases: readonly [string, Test, number, Record<string, unknown> | undefined][] = [
    ['a missing column', { kind: 'column', column: 'nope' }, 1, undefined],
    ['a column of another type', { kind: 'type', column: 's', type: 'integer' }, 10, { s: 'a' }],
    ['nulls', { kind: 'nulls', column: 'n' }, 1, { n: null }],
    ['words for nothing', { kind: 'missing', column: 's', values: [''] }, 1, { s: '' }],
    ['values outside a set', { kind: 'set', column: 's', values: ['a', ''] }, 5, { s: 'b5' }],
    ['numbers outside a set', { kind: 'set', column: 'g', values: [0, 1] }, 4, { g: 2 }],
    ['texts of another pattern', { kind: 'pattern', column: 's', pattern: '^[ab]' }, 1, { s: '' }],
    [
      'numbers too small',
      { kind: 'range', column: 'n', type: 'integer', bounds: { min: 2 } },
      2,
      { n: 0 },
    ],
    [
      'numbers on an exclusive bound',
      { kind: 'range', column: 'id', type: 'integer', bounds: { exclusiveMax: 9 } },
      1,
      { id: 9 },
    ],
    [
      'NaN, which is in no range',
      { kind: 'range', column: 'f', type: 'number', bounds: { min: -1000 } },
      2,
      { f: 'NaN' },
    ],
    ['NaN', { kind: 'nan', column: 'f' }, 1, { f: 'NaN' }],
    ['infinity', { kind: 'infinite', column: 'f' }, 1, { f: '-Infinity' }],
    [
      'days too late',
      { kind: 'range', column: 'd', type: 'date', bounds: { max: '2025-12-08' } },
      2,
      { d: '2025-12-09' },
    ],
    [
      'times too early',
      { kind: 'range', column: 'ts', type: 'timestamp', bounds: { min: '2026-01-01T01:00:00Z' } },
      1,
      { ts: '2026-01-01 00:00:00' },
    ],
    [
      'texts too long',
      { kind: 'length', column: 's', of: 'text', min: undefined, max: 1 },
      5,
      { s: 'b5' },
    ],
    [
      'lists too short',
      { kind: 'length', column: 'l', of: 'list', min: 2, max: undefined },
      10,
      { l: '[1]' },
    ],
    ['numbers between the steps', { kind: 'multiple', column: 'x', of: 3 }, 5, { x: 1.5 }],
    ['repeated values', { kind: 'duplicates', columns: ['s'] }, 3, { s: 'a' }],
    ['repeated pairs', { kind: 'duplicates', columns: ['s', 'b'] }, 2, { s: 'a', b: false }],
  ]
  test.each(cases)('%s', async (_, broken, failures, values) => {
    const [check] = await checked({ t: await parquet(SELECT) }, [rule(broken)])
    expect(check).toMatchObject({ outcome: 'failed', observed: failures })
    if (values !== undefined) expect(check?.examples[0]?.values).toEqual(values)
    const [kept] = await checked({ t: await parquet(SELECT) }, [rule(broken, atMost(failures))])
    expect(kept?.outcome).toBe('passed')
  })

  test('the place of a row is told by file and by number, in text files as well', async () => {
    const text = csv('a,b\n1,x\n2,y\n', 'a,b\n3,x\n4,zzz\n')
    const [check] = await checked({ t: text }, [
      rule({ kind: 'set', column: 'b', values: ['x', 'y'] }),
    ])
    expect(check?.examples).toEqual([{ file: text.files[1]?.name, row: 1, values: { b: 'zzz' } }])
  })

  test('numbers about the whole: rows, different values, age', async () => {
    const t = await parquet(SELECT)
    const checks = await checked({ t }, [
      rule({ kind: 'rows' }, { operator: '>=', value: 11, unit: 'rows' }),
      rule({ kind: 'distinct', column: 'g' }, { operator: '<=', value: 3, unit: 'rows' }),
      rule({ kind: 'age', column: 'ts', of: 'newest' }, atMost(3600)),
      rule({ kind: 'age', column: 'ts', of: 'newest' }, atMost(15 * 3600)),
      rule({ kind: 'nulls', column: 'n' }, atMost(10, 'percent')),
      rule({ kind: 'nulls', column: 'n' }, atMost(9, 'percent')),
    ])
    expect(checks.map(({ outcome, observed }) => [outcome, observed])).toEqual([
      ['failed', 10],
      ['failed', 4],
      ['failed', 54_000],
      ['passed', 54_000],
      ['passed', 10],
      ['failed', 10],
    ])
    expect(checks[0]?.anomaly).toBe('DATASET_LOW_NUM_EXAMPLES')
  })

  test('rows that point at nothing', async () => {
    const t = await parquet('select unnest([1, 2, 3, null]) as k')
    const other = await parquet('select unnest([1, 3, 3]) as id')
    const [check] = await checked({ t, other }, [
      rule({ kind: 'reference', columns: ['k'], dataset: 'other', to: ['id'] }),
    ])
    expect(check).toMatchObject({
      outcome: 'failed',
      failures: 1,
      examples: [{ row: 1, values: { k: 2 } }],
    })
  })

  test('columns that nobody promised, by their names', async () => {
    const t = await parquet('select 1 as a, 2 as b')
    const [check] = await checked({ t }, [rule({ kind: 'other-columns', columns: ['a'] })])
    expect(check).toMatchObject({
      outcome: 'failed',
      observed: 1,
      examples: [{ values: { b: 'INTEGER' } }],
    })
  })
})

describe('texts of a CSV file', () => {
  test('are text where the contract says so, and numbers only if each reads as one', async () => {
    const t = csv('code,n\n007,1\n008,x2\n009,3\n')
    const checks = await checked(
      { t },
      [
        rule({ kind: 'type', column: 'code', type: 'string' }),
        rule({ kind: 'pattern', column: 'code', pattern: '^00[0-9]$' }),
        rule({ kind: 'type', column: 'n', type: 'integer' }),
        rule({ kind: 'range', column: 'n', type: 'integer', bounds: { max: 2 } }),
      ],
      {
        columns: [
          { name: 'code', type: 'string' },
          { name: 'n', type: 'integer' },
        ],
      },
    )
    expect(checks.map(({ failures }) => failures)).toEqual([0, 0, 1, 1])
    expect(checks[2]?.examples).toEqual([{ file: t.files[0]?.name, row: 1, values: { n: 'x2' } }])
  })
})

describe('odd tables', () => {
  const EVERY = (column: string): Test[] => [
    { kind: 'nulls', column },
    { kind: 'set', column, values: ["it's", 'b'] },
    { kind: 'pattern', column, pattern: "^'" },
    { kind: 'length', column, of: 'text', min: 1, max: 3 },
    { kind: 'duplicates', columns: [column] },
    { kind: 'distinct', column },
  ]
  test('a rule about rows holds of an empty table, a rule about their number may not', async () => {
    const t = await parquet(`select 'x' as a limit 0`)
    const checks = await checked({ t }, [
      ...EVERY('a')
        .slice(0, 5)
        .map((each) => rule(each)),
      rule({ kind: 'rows' }, { operator: '>', value: 0, unit: 'rows' }),
    ])
    expect(checks.map(({ outcome }) => outcome)).toEqual([...Array(5).fill('passed'), 'failed'])
  })

  test('a column of nothing but nulls breaks only what forbids nulls', async () => {
    const t = await parquet('select null::varchar as a from range(5)')
    const checks = await checked(
      { t },
      EVERY('a')
        .slice(0, 5)
        .map((each) => rule(each)),
    )
    expect(checks.map(({ failures }) => failures)).toEqual([5, 0, 0, 0, 0])
  })

  test.each([
    'a "quoted" name',
    "it's",
    'größe 中 🚀',
    'select',
    'a;drop table x--',
    '',
    ' ',
    '{property}',
  ])('a column named %j', async (name) => {
    const column = `"${name.replaceAll('"', '""')}"`
    // An empty name can be read and not written by the engine.
    if (name === '') return
    const t = await parquet(`select unnest(['it''s', 'b', 'zz', 'zz', null]) as ${column}`)
    const checks = await checked(
      { t },
      EVERY(name).map((each) => rule(each, atMost(0))),
    )
    expect(checks.map(({ observed }) => observed)).toEqual([1, 2, 4, 1, 1, 3])
  })

  test('a rule that cannot be made is skipped with its reason, and takes no other with it', async () => {
    const t = await parquet('select 1 as a, 2 as b')
    const checks = await checked({ t }, [
      rule({ kind: 'length', column: 'a', of: 'list', min: 1, max: undefined }),
      rule({ kind: 'nulls', column: 'nope' }),
      rule({ kind: 'range', column: 'b', type: 'integer', bounds: { max: 1 } }),
    ])
    expect(checks.map(({ outcome }) => outcome)).toEqual(['skipped', 'skipped', 'failed'])
    expect(checks[1]?.message).toContain('there is no column nope')
  })
})

describe('queries of a contract', () => {
  const sql = (query: string) => rule({ kind: 'sql', column: 'a', query })
  test('give a number or a truth, with the names of the table and of the column filled in', async () => {
    const t = await parquet('select i as a from range(5) t(i)')
    const checks = await checked({ t }, [
      sql('select count(*) from {object} where {property} > 2;'),
      sql('select max(${column}) = 4 from ${table}'),
      sql('with big as (select * from t where a > 3) select count(*) from big'),
    ])
    expect(checks.map(({ observed }) => observed)).toEqual([2, 1, 1])
  })

  const HOSTILE = [
    `select count(*) from read_csv('/etc/passwd')`,
    `select content from read_text('/etc/hostname')`,
    `select * from glob('/etc/*')`,
    `from '/etc/passwd'`,
    `copy (select 1) to 'x.csv'`,
    `attach 'x.db' as x`,
    'install httpfs',
    'load httpfs',
    'set enable_external_access = true',
    'select 1; select 2',
    'create table x (a int)',
    'drop view t',
    `select * from query('select 1')`,
    `select count(*) from duckdb_settings()`,
    `select count(*) from enable_logging(storage = 'file', storage_config = {'path': 'logs'})`,
    `select a from (select * from sniff_csv('/etc/passwd'))`,
    'pragma database_list',
    'call pragma_version()',
    "export database 'x'",
    'select 1) as x, (select 2',
    'select a from t',
    'not sql at all',
    `select (select count(*) from read_text('/etc/hostname'))`,
    `select count(*) from read_parquet('../*')`,
    'summarize t',
    `select getenv('HOME')`,
    'update t set a = 1',
    'select 1 -- comment',
  ]
  test('read nothing but the data: a statement that wants more is refused', async () => {
    const t = await parquet('select i as a from range(5) t(i)')
    const before = readFileSync(t.files[0]?.path ?? '')
    const checks = await checked({ t }, [...HOSTILE.map(sql), sql('select count(*) from t')])
    const done = checks.filter(({ outcome }) => outcome !== 'skipped')
    expect(done.map(({ observed }) => observed)).toEqual([1, 5])
    expect(readFileSync(t.files[0]?.path ?? '').equals(before)).toBe(true)
  })

  test('are ended when they take too long, and the rest goes on', async () => {
    const t = await parquet('select 1 as a')
    const checks = await checked(
      { t },
      [sql('select count(*) from range(10000000000) a, range(1000) b'), sql('select 7')],
      { queryMs: 300 },
    )
    expect(checks[0]?.message).toContain('was ended')
    expect(checks[1]?.observed).toBe(7)
  })
})

describe('distance from a reference', () => {
  const drift = (
    column: string,
    method: 'psi' | 'jensen-shannon' | 'kolmogorov-smirnov' | 'l-infinity' | 'js-divergence',
  ) => rule({ kind: 'drift', column, method, reference: 'old' }, atMost(0.1))
  const run = async (now: string, then: string, rules: readonly Rule[]) => {
    const tables = { t: await parquet(now), old: await parquet(then) }
    const report = await validate(
      {
        engine: openContractEngine({
          memoryMb: 256,
          threads: 2,
          spillFolder: join(folder, 'spill'),
        }),
        tableAt: async (path) => tables[path as 't' | 'old'],
        clock: manualClock(NOW),
      },
      {
        id: 'c',
        name: 'c',
        version: '1',
        datasets: [{ name: 't', path: 't', columns: [], rules }],
      },
      { file: 'c' },
    )
    return report.datasets[0]?.checks ?? []
  }
  test('is nothing of the same data, and large of data that moved', async () => {
    const old = `select i % 100 as n, (i % 100) / 7.0::double as x, 'c' || i % 3 as s from range(1000) t(i)`
    const moved = `select i % 100 + 60 as n, (i % 100) / 7.0::double + 9 as x, 'c' || i % 2 as s from range(1000) t(i)`
    const rules = [
      drift('x', 'psi'),
      drift('x', 'jensen-shannon'),
      drift('n', 'kolmogorov-smirnov'),
      drift('s', 'l-infinity'),
      drift('x', 'js-divergence'),
      drift('s', 'psi'),
      drift('s', 'js-divergence'),
    ]
    expect((await run(old, old, rules)).map(({ observed }) => observed)).toEqual([
      0, 0, 0, 0, 0, 0, 0,
    ])
    const checks = await run(moved, old, rules)
    expect(checks.map(({ outcome }) => outcome)).toEqual(Array(7).fill('failed'))
    expect(checks[2]?.observed).toBeCloseTo(0.6, 9)
    // Of three even categories one is gone: a third.
    expect(checks[3]?.observed).toBeCloseTo(1 / 3, 2)
    expect(checks[3]?.anomaly).toBe('COMPARATOR_L_INFTY_HIGH')
  })

  test('says why it cannot be told, where TFDV says 0', async () => {
    const some = 'select 1.5::double as x'
    const [check] = await run(some, some, [drift('x', 'l-infinity')])
    expect(check?.message).toContain('l-infinity compares categories')
    const [none] = await run('select null::double as x', some, [drift('x', 'psi')])
    expect(none).toMatchObject({ outcome: 'skipped' })
  })
})

describe('rows, checked against a plain count of them', () => {
  test('all tests of one scan agree with what a loop says', async () => {
    const value = fc.option(fc.constantFrom('a', 'b', "'", '"', 'ab', 'zz zz', '中', ''), {
      nil: null,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 40 }), async (values) => {
        const list = values.map((each) =>
          each === null ? 'null' : `'${each.replaceAll("'", "''")}'`,
        )
        const t = await parquet(`select unnest([${list.join(', ')}]::varchar[]) as v`)
        const texts = values.filter((each) => each !== null)
        const checks = await checked({ t }, [
          rule({ kind: 'nulls', column: 'v' }),
          rule({ kind: 'set', column: 'v', values: ['a', "'", '中'] }),
          rule({ kind: 'pattern', column: 'v', pattern: 'z+ ?' }),
          rule({ kind: 'length', column: 'v', of: 'text', min: 1, max: 2 }),
          rule({ kind: 'duplicates', columns: ['v'] }),
        ])
        expect(checks.map(({ failures }) => failures)).toEqual([
          values.length - texts.length,
          texts.filter((each) => !['a', "'", '中'].includes(each)).length,
          texts.filter((each) => !each.includes('z')).length,
          texts.filter((each) => each.length < 1 || each.length > 2).length,
          texts.length - new Set(texts).size,
        ])
      }),
      { numRuns: 15 },
    )
  })
})
