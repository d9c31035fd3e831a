import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { predictFiles, type BatchSettings } from '#app/batch/index'
import { modelAt } from '#app/standalone/model-folder'
import { onnxRuntime } from '#runtimes/onnx/index'
import { runCommand } from '../support/command.ts'
import { MAIN } from '../support/orrery.ts'
import { FLIGHTS, writeModel } from '../support/models.ts'
import { rolloutsAt } from '../support/rollouts.ts'
import { startTestServer } from '../support/server.ts'

const ROWS = 140_000

let folder: string
let duckdb: DuckDBConnection
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-batch-'))
  await writeModel(FLIGHTS, join(folder, 'model'))
  duckdb = await (await DuckDBInstance.create(':memory:')).connect()
  await duckdb.run(
    `copy (select i as id, 9007199254740993 + i as big, (['AA', 'UA', 'B6'])[1 + i % 3] as carrier,
       cast(i % 24 as float) as hour, i * 1.5 % 3000 as distance,
       timestamp '2024-01-01' + interval (i) second as at from range(${ROWS}) t(i))
     to '${join(folder, 'flights.parquet')}'`,
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const predict = (...args: string[]) => runCommand(folder, ['predict', './model', ...args])

async function rowsOf(query: string): Promise<Record<string, unknown>[]> {
  return (await duckdb.runAndReadAll(query)).getRowObjectsJS()
}

const at = (name: string) => `'${join(folder, name)}'`

test('a batch that is killed goes on where it was, and ends as if nothing had happened', async () => {
  const whole = await predict('--batch', 'flights.parquet', '--output', 'whole.parquet', '--json')
  expect(JSON.parse(whole.out)).toMatchObject({ read: ROWS, written: ROWS, bad: 0, resumed: 0 })

  const child = spawn(
    process.execPath,
    [MAIN, 'predict', './model', '--batch', 'flights.parquet', '--output', 'cut.parquet'],
    { cwd: folder, stdio: 'ignore' },
  )
  const ended = new Promise((resolve) => child.once('close', resolve))
  while (!existsSync(join(folder, 'cut.parquet.parts', '000000.json')))
    await new Promise((resolve) => setTimeout(resolve, 5))
  child.kill('SIGKILL')
  await ended
  expect(existsSync(join(folder, 'cut.parquet'))).toBe(false)

  const resumed = await predict('--batch', 'flights.parquet', '--output', 'cut.parquet', '--json')
  const { resumed: before, ...told } = JSON.parse(resumed.out) as { resumed: number }
  expect(told).toMatchObject({ read: ROWS, written: ROWS, bad: 0 })
  expect(before).toBeGreaterThan(0)
  const [same] = await rowsOf(
    `select count(*) as rows, count(*) filter (where w::varchar = c::varchar) as same
     from ${at('whole.parquet')} w positional join ${at('cut.parquet')} c`,
  )
  expect(same).toEqual({ rows: BigInt(ROWS), same: BigInt(ROWS) })
  expect(await readdir(folder)).not.toContain('cut.parquet.parts')
})

test('answers stand beside the columns of the input, with every digit', async () => {
  const [row] = await rowsOf(`select * from ${at('whole.parquet')} where id = 12345`)
  expect(row).toMatchObject({
    id: 12345n,
    big: 9007199254753338n,
    at: new Date('2024-01-01T03:25:45Z'),
    label: expect.any(BigInt),
    probabilities: [expect.any(Number), expect.any(Number)],
    model_version: 'model/1',
  })
  const types = await rowsOf(`describe select * from ${at('whole.parquet')}`)
  expect(
    types.map(({ column_name: name, column_type: type }) => `${String(name)} ${String(type)}`),
  ).toEqual([
    'id BIGINT',
    'big BIGINT',
    'carrier VARCHAR',
    'hour FLOAT',
    'distance DECIMAL(21,1)',
    'at TIMESTAMP',
    'label BIGINT',
    'probabilities FLOAT[]',
    'model_version VARCHAR',
  ])
})

test('files of a folder, CSV and JSON lines give what Parquet gives', async () => {
  const rows = `from ${at('flights.parquet')} where id < 3000`
  await duckdb.run(`copy (${rows} and id < 1500) to ${at('a.csv')}`)
  await duckdb.run(
    `copy (select id, carrier, distance, hour ${rows} and id >= 1500) to ${at('b.csv')}`,
  )
  await duckdb.run(`copy (${rows}) to ${at('c.jsonl')} (format json)`)
  for (const [input, output] of [
    ['?.csv', 'from-csv.parquet'],
    ['c.jsonl', 'from-json.parquet'],
  ] as const) {
    const told = await predictHere(input, output, { keep: ['id'], split: true })
    expect(told).toMatchObject({ read: 3000, written: 3000 })
    const [found] = await rowsOf(
      `select count(*) as rows, count(*) filter (where o.label = w.label and o.probabilities_1 = w.probabilities[2]) as same
       from ${at(output)} o join ${at('whole.parquet')} w using (id)`,
    )
    expect(found).toEqual({ rows: 3000n, same: 3000n })
  }
})

test('bad rows end the work with their place, are left out, or are answered with null and the reason', async () => {
  const lines = Array.from(
    { length: 5000 },
    (_, row) => `${row},AA,${row === 4321 ? 'noon' : 8},300`,
  )
  await writeFile(
    join(folder, 'bad.csv'),
    ['id,carrier,hour,distance', ...lines, '5000,UA,9,'].join('\n'),
  )
  const refused = await predict('--batch', 'bad.csv', '--output', 'bad.parquet')
  expect(refused.code).not.toBe(0)
  expect(refused.err).toMatch(
    /row 4321 of .*bad\.csv is refused: column hour is "noon".*--on-error skip/,
  )
  expect(existsSync(join(folder, 'bad.parquet'))).toBe(false)

  expect(await predictHere('bad.csv', 'bad.parquet', { onError: 'skip' })).toMatchObject({
    read: 5001,
    written: 5000,
    bad: 1,
    examples: [{ row: 4321, reason: expect.stringContaining('"noon"') }],
  })
  await predictHere('bad.csv', 'null.csv', { onError: 'null' })
  const found = await rowsOf(`select * from ${at('null.csv')} where id in (4321, 5000)`)
  expect(found).toMatchObject([
    { hour: 'noon', label: null, error: expect.stringContaining('"noon"') },
    { label: expect.any(BigInt), error: null },
  ])
})

test('what is changed, missing, of another kind or there already is said before any work', async () => {
  await duckdb.run(`copy (select 1 as id, 8.0 as hour, 'x' as distance) to ${at('odd.parquet')}`)
  await duckdb.run(
    `copy (select 7 as carrier, 8.0 as hour, 1 as distance) to ${at('kind.parquet')}`,
  )
  const refusals: [string, string, Partial<BatchSettings>, RegExp][] = [
    ['odd.parquet', 'o.parquet', {}, /lacks what the model reads: carrier/],
    [
      'kind.parquet',
      'o.parquet',
      {},
      /column carrier of the input is INTEGER, but the model takes string/,
    ],
    ['nothing*', 'o.parquet', {}, /names no rows/],
    ['flights.parquet', 'o.txt', {}, /has to end with .parquet or .csv/],
    ['flights.parquet', 'whole.parquet', {}, /is there already/],
    ['flights.parquet', 'o.parquet', { keep: ['nope'] }, /no column nope/],
  ]
  for (const [input, output, settings, reason] of refusals)
    await expect(predictHere(input, output, settings)).rejects.toThrow(reason)

  const begin = () => predictHere('bad.csv', 'again.parquet', { partRows: 2048 })
  await expect(begin()).rejects.toThrow(/row 4321/)
  await utimes(join(folder, 'bad.csv'), new Date(), new Date())
  await expect(begin()).rejects.toThrow(/bad.csv has changed since.*--restart/)
  const other = predictHere('bad.csv', 'again.parquet', { onError: 'skip' })
  await expect(other).rejects.toThrow(/again.parquet.parts holds the beginning of other work/)
  const anew = { restart: true, onError: 'skip' } as const
  expect(await predictHere('bad.csv', 'again.parquet', anew)).toMatchObject({
    resumed: 0,
    written: 5000,
  })
})

function predictHere(input: string, output: string, settings: Partial<BatchSettings> = {}) {
  const logger = pino({ level: 'silent' })
  return modelAt(join(folder, 'model'), 'model').then((placed) =>
    predictFiles(
      placed,
      {
        onError: 'fail',
        split: false,
        restart: false,
        timeoutMs: 60_000,
        ...settings,
        input: join(folder, input),
        output: join(folder, output),
      },
      {
        runtime: onnxRuntime({ logger }),
        logger,
        memoryMb: 256,
        threads: 1,
        onTotal: () => undefined,
        onRows: () => undefined,
      },
    ),
  )
}

test('a version of the server answers, however it is written', async () => {
  const server = await startTestServer()
  try {
    const person = rolloutsAt(() => server.url)
    await person.createModel()
    await person.register('loop.onnx')
    await person.register('loop-wrong.onnx')
    await person.point(2)
    await person.ask('POST', '/api/v1/endpoints', { name: 'loops', model: 'models:/loops/1' })
    await writeFile(join(folder, 'rounds.csv'), 'rounds\n4\n')
    const ask = (which: string) => {
      const files = ['--batch', 'rounds.csv', '--output', 'counts.csv', '--restart']
      return runCommand(folder, ['predict', which, ...files, '--json', '--url', server.url])
    }
    const answering = async (which: string) => JSON.parse((await ask(which)).out) as unknown
    const by = (modelVersion: string) => expect.objectContaining({ modelVersion, written: 1 })
    expect(await answering('loops')).toEqual(by('loops/1'))
    expect(await answering('models:/loops/2')).toEqual(by('loops/2'))
    expect(await answering('loops/2')).toEqual(by('loops/2'))
    expect(await answering('loops:1')).toEqual(by('loops/1'))
    expect(await answering('loops@champion')).toEqual(by('loops/2'))
    expect((await ask('loops/two')).out).toContain('names no model version; write it as')
    expect((await ask('./no-such-model')).out).toContain('no folder')
  } finally {
    await server.stop()
  }
})

test('a version of tracked data is predicted as it was, without a checkout', async () => {
  const project = join(folder, 'project')
  await mkdir(join(project, 'data'), { recursive: true })
  const run = (...args: string[]) => runCommand(project, args)
  const git = (...args: string[]) => execFileSync('git', args, { cwd: project })
  git('init', '-q')
  git('config', 'user.email', 'tests@example.org')
  git('config', 'user.name', 'Tests')
  expect((await run('init')).code).toBe(0)
  const write = (name: string, rows: number) =>
    duckdb.run(
      `copy (select * from ${at('flights.parquet')} limit ${rows}) to '${join(project, 'data', name)}'`,
    )
  await write('a.parquet', 3)
  await write('b.parquet', 2)
  expect((await run('add', 'data')).code).toBe(0)
  git('add', '.')
  git('commit', '-q', '-m', 'one')
  git('tag', 'v1')
  await rm(join(project, 'data', 'b.parquet'))
  await write('a.parquet', 7)
  expect((await run('add', 'data')).code).toBe(0)

  const batch = (...more: string[]) =>
    run('predict', '../model', '--batch', 'data', '--output', 'out.parquet', '--json', ...more)
  expect(JSON.parse((await batch('--rev', 'v1')).out)).toMatchObject({ read: 5, written: 5 })
  expect(JSON.parse((await batch('--restart')).out)).toMatchObject({ read: 7 })
  expect((await batch('--rev', 'v9')).out).toMatch(/"error".*v9/)
  expect(await readdir(join(project, 'data'))).toEqual(['a.parquet'])
})
