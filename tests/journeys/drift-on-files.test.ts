import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withDriftEngine } from '#app/monitoring/drift-files'
import { openLooseTables } from '#app/project/tables'
import { compareTables, PRESETS, type ColumnReport, type DriftReport, type Preset } from '#drift'
import { runCommand } from '../support/command.ts'

// What people have in columns, and what they should not.
const COLUMNS = `range as id, 1.5::double as constant, null::double as empty, 'nan'::double as nan,
  case when range % 2 = 0 then 'inf'::double else '-inf'::double end as infinite, (hash(range) % 10)::int as count,
  'x' || range as many, (range % 97)::double as retyped, [1, 2] as list, {'a': 1} as struct, range % 2 = 0 as flag,
  'a' as gone, 1e308 as huge, timestamp '2026-01-01' + to_hours(range::int) as time, null::varchar as wordless,
  (hash(range + 7) % 1000)::double / 1000 as score`

describe('drift on files', () => {
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-drift-'))
    await write('old.parquet', `select ${COLUMNS} from range(4000)`)
    await write(
      'new.parquet',
      `select * exclude (gone) replace ('w' || retyped as retyped, case when id >= 3000 then score + 2 else score end as score), 1 as fresh
       from (select ${COLUMNS} from range(4000))`,
    )
    await write('none.parquet', `select ${COLUMNS} from range(0)`)
    await write('part-1.csv', `select range as id, range % 7 as n from range(500)`)
    await write('part-2.csv', `select range as id, range % 7 as n from range(500, 1000)`)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('looks at columns together, at texts and at lists of numbers where it is asked to', async () => {
    const made = (
      broken: number,
    ) => `select temp, case when ${broken} = 1 then 40 * (hash(range + 5) % 997) / 997 else temp end - 3 * (hash(range + 9) % 997) / 997 as dew,
        case when ${broken} = 1 then 'Refund for order ' || range || ' was late!' else 'Thanks for parcel ' || range || ' today' end as note,
        [temp / 40 + 0.5 * ${broken}, (hash(range + 1) % 997) / 997] as face
      from (select range, 40 * (hash(range) % 997) / 997 as temp from range(${broken} * 2000, 2000 + ${broken} * 2000))`
    await write('whole.parquet', made(0))
    await write('broken.parquet', made(1))
    const whole = async (other: string) => {
      const args = ['drift', 'whole.parquet', other, '--multivariate', '--json', '--fail-on-drift']
      const { code, out } = await runCommand(folder, args)
      return { code, found: (JSON.parse(out) as DriftReport).multivariate }
    }
    const { code, found } = await whole('broken.parquet')
    expect(code).toBe(1)
    expect(found).toMatchObject({
      verdict: 'drifted',
      sample: { reference: 2000, current: 2000, seed: 1 },
      together: {
        reconstruction: { state: 'drifted' },
        classifier: { state: 'drifted', columns: [{}, {}] },
        embeddings: [{ column: 'face', state: 'drifted' }],
      },
      texts: [{ column: 'note', state: 'drifted' }],
    })
    expect((await whole('broken.parquet')).found).toEqual(found)
    expect(await whole('whole.parquet')).toMatchObject({ code: 0, found: { verdict: 'steady' } })
  })

  test.each(PRESETS)(
    'gives each column a verdict or a reason by the %s rules',
    async (preset: Preset) => {
      for (const [one, other] of [
        ['old', 'new'],
        ['old', 'none'],
        ['none', 'old'],
      ]) {
        const report = await compared(`${one}.parquet`, `${other}.parquet`, preset)
        expect(report.columns.length).toBeGreaterThanOrEqual(16)
        for (const { column, verdict, reason, statistics } of report.columns)
          if (verdict === 'not-applicable') expect(reason, `of ${column}`).toMatch(/\w{3}/)
          else
            for (const { value, p } of statistics)
              expect(value ?? p, `of ${column}`).toBeTypeOf('number')
      }
      const { columns, only } = await compared('old.parquet', 'new.parquet', preset)
      expect(only).toEqual({ reference: ['gone'], current: ['fresh'] })
      expect(verdicts(columns)).toMatchObject({ score: 'drifted', count: 'steady' })
      const reasons = Object.fromEntries(columns.map(({ column, reason }) => [column, reason]))
      expect(reasons['retyped']).toContain('type has changed')
      expect(reasons['huge']).toContain('too large')
      expect(reasons['empty']).toContain('the reference has no value of it')
      expect(reasons['gone']).toContain('current rows do not have it')
      expect(reasons['fresh']).toContain('the reference does not have it')
    },
  )

  test('says since when, and ends with 1 where that is asked for', async () => {
    const flags = ['--by', 'time', '--window', '4w', '--columns', 'score,count']
    const { windows } = await drift('old.parquet', 'new.parquet', ...flags)
    expect(windows?.map(({ rows }) => rows).reduce((all, rows) => all + rows)).toBe(4000)
    const drifted = windows?.filter((each) => verdicts(each.columns)['score'] === 'drifted')
    const since = Date.parse('2026-01-01') + 3000 * 3_600_000
    expect(drifted?.map(({ to }) => Date.parse(to) > since)).toEqual(drifted?.map(() => true))
    expect(drifted?.length).toBeGreaterThan(1)
    const alarm = ['--fail-on-drift', '--quiet']
    const failing = await orrery('drift', 'old.parquet', 'new.parquet', ...flags, ...alarm)
    expect(failing).toMatchObject({ code: 1, err: '' })
    expect((await orrery('drift', 'old.parquet', 'old.parquet', '--fail-on-drift')).code).toBe(0)
  })

  test('says by a profile what the data itself says', async () => {
    const made = await orrery(
      'profile',
      'old.parquet',
      '--drift',
      'old.json',
      '--by',
      'time',
      '--json',
    )
    expect(made).toMatchObject({ code: 0 })
    expect(JSON.parse(made.out)).toMatchObject({ rows: 4000 })
    const flags = ['--by', 'time', '--columns', 'score,count,flag,many']
    const [byData, byProfile] = [
      await drift('old.parquet', 'new.parquet', ...flags),
      await drift('old.json', 'new.parquet', ...flags),
    ]
    const told = ({ columns }: Pick<DriftReport, 'columns'>) =>
      columns.map(({ column, verdict, statistics }) => ({ column, verdict, statistics }))
    expect(told(byProfile)).toEqual(told(byData))
    expect(byProfile.windows?.map(told)).toEqual(byData.windows?.map(told))
    await writeFile(join(folder, 'broken.json'), '{"orrery":"drift-profile","version":1}')
    const broken = await orrery('drift', 'broken.json', 'new.parquet')
    expect(broken).toMatchObject({ code: 2, out: '' })
    expect(broken.err).toContain('orrery profile DATA --drift FILE')
    const asked = await orrery('drift', 'old.json', 'new.parquet', '--preset', 'evidently')
    expect(asked.err).toContain('holds counts')
  })

  test('reads patterns of files, CSV and versions of a project', async () => {
    const { reference } = await drift('part-*.csv', 'part-1.csv')
    expect(reference.rows).toBe(1000)
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost', ...args], {
        cwd: folder,
      })
    git('init', '--quiet')
    expect((await orrery('init')).code).toBe(0)
    expect((await orrery('add', 'part-1.csv')).code).toBe(0)
    git('add', '.dvc', 'part-1.csv.dvc')
    git('commit', '--quiet', '--message', 'first')
    git('tag', 'v1')
    await rm(join(folder, 'part-1.csv'))
    await write('part-1.csv', `select range as id, 3 + range % 7 as n from range(500)`)
    const { columns } = await drift('part-1.csv@v1', 'part-1.csv')
    expect(verdicts(columns)).toEqual({ id: 'steady', n: 'drifted' })
    const unknown = await orrery('drift', 'part-1.csv@v9', 'part-1.csv')
    expect(unknown).toMatchObject({ code: 2 })
    expect(unknown.err).toContain('v9')
  })

  test.each([
    [
      'a file that is not there',
      ['nothing.parquet', 'new.parquet'],
      'nothing.parquet does not exist',
    ],
    [
      'a column that is not there',
      ['old.parquet', 'new.parquet', '--columns', 'age'],
      'no column age',
    ],
    [
      'a statistic that is none',
      ['old.parquet', 'new.parquet', '--statistic', 'magic'],
      'there are wasserstein',
    ],
    ['a time that is none', ['old.parquet', 'new.parquet', '--by', 'many'], 'no time'],
    [
      'a length that is none',
      ['old.parquet', 'new.parquet', '--by', 'time', '--window', 'day'],
      '1h, 1d or 1w',
    ],
    [
      'too many windows',
      ['old.parquet', 'new.parquet', '--by', 'time', '--window', '1s'],
      'longer --window',
    ],
    ['a share beyond 1', ['old.parquet', 'new.parquet', '--share', '2'], 'from 0 to 1'],
  ])('refuses %s', async (_, args, words) => {
    const { code, out, err } = await orrery('drift', ...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(words)
  })

  test('and predictions in files are measured by truths in others', async () => {
    await write(
      'scored.parquet',
      `select 'r' || range as request, (range % 100) / 100.0 as probability, range % 3 as region from range(3000)`,
    )
    await write(
      'truths.csv',
      `select 'r' || range as request, (hash(range) % 100 < range % 100)::int as paid from range(2900)`,
    )
    const flags = ['--truth', 'truths.csv', '--id', 'request', '--label', 'paid', '--by', 'region']
    const { out, code } = await orrery('monitor', 'score', 'scored.parquet', ...flags, '--json')
    expect(code).toBe(0)
    const found = JSON.parse(out) as {
      metrics: { roc_auc: { value: number } }
      slices: { slices: unknown[] }[]
    }
    expect(found).toMatchObject({ task: 'binary', predictions: 3000, withoutTruth: 100 })
    expect(found.metrics.roc_auc.value).toBeGreaterThan(0.75)
    expect(found.slices[0]?.slices).toHaveLength(3)
    const alone = await orrery(
      'monitor',
      'score',
      'scored.parquet',
      '--truth',
      'truths.csv',
      '--label',
      'paid',
    )
    expect(alone.err).toContain('--id')
  })

  async function drift(...args: string[]): Promise<DriftReport> {
    const { code, out, err } = await orrery('drift', ...args, '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    return JSON.parse(out) as DriftReport
  }

  /** The same without a process of its own. */
  async function compared(one: string, other: string, preset: Preset): Promise<DriftReport> {
    const tables = openLooseTables(folder)
    const [reference, current] = [await tables.at(one), await tables.at(other)]
    await tables.close()
    return withDriftEngine((engine) =>
      engine.pair({ reference, current }, (reader) =>
        compareTables(reader, { preset, statistics: [], spans: null, samplesMin: 100 }),
      ),
    )
  }

  function orrery(...args: string[]) {
    return runCommand(folder, args)
  }

  async function write(name: string, select: string): Promise<void> {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    await connection.run(`copy (${select}) to '${join(folder, name)}'`)
    connection.closeSync()
    instance.closeSync()
  }
})

function verdicts(columns: readonly ColumnReport[]): Record<string, string> {
  return Object.fromEntries(columns.map(({ column, verdict }) => [column, verdict]))
}
