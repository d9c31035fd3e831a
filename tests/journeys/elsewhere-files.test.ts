import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DuckDBInstance } from '@duckdb/node-api'
import { runCommand } from '../support/command.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// What another system has written into files comes into the log by one command, and again by the same.

let server: TestServer
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-told-'))
  server = await startTestServer()
  for (const name of ['scores', 'plain', 'broken'])
    await fetch(`${server.url}/api/v1/endpoints`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, elsewhere: true }),
    })
  const duckdb = await DuckDBInstance.create(':memory:')
  const connection = await duckdb.connect()
  await connection.run(
    `copy (select 'p' || i as request, timestamp '2026-01-05' + interval (i) minute as at, 'c' || (i % 50) as customer,
             i / 7.0 as amount, case when i % 3 = 0 then 'DE' else 'FR' end as country, (i % 10) / 10.0 as probability,
             case when i = 3 then 'nan'::double else i end as odd
           from range(12000) t(i)) to '${join(folder, 'scores.parquet')}' (format parquet)`,
  )
  connection.closeSync()
  duckdb.closeSync()
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const orrery = (...args: string[]) => runCommand(folder, [...args, '--url', server.url])

async function asked(path: string) {
  const answer = await fetch(`${server.url}/api/v1${path}`)
  return (await answer.json()) as Record<string, unknown>
}

test('a Parquet file of scores is taken in once, and its truths find their predictions', async () => {
  const roles = '--outputs probability --id request --time at --key customer --model-version gbm-7'
  const command = ['monitor', 'import', 'scores', 'scores.parquet', ...roles.split(' ')]
  const first = await orrery(...command)
  expect(first).toMatchObject({ code: 0 })
  expect(first.out).toContain('12000 predictions of scores taken in, 0 known before')
  const again = await orrery(...command, '--json')
  expect(JSON.parse(again.out)).toEqual({ endpoint: 'scores', accepted: 0, unchanged: 12_000 })
  expect(await asked('/predictions/p3')).toMatchObject({
    modelVersion: 'gbm-7',
    key: 'c3',
    event: '2026-01-05T00:03:00.000Z',
    inputs: { amount: 3 / 7, country: 'DE', odd: null },
    outputs: { probability: 0.3 },
  })

  await writeFile(join(folder, 'truths.csv'), 'request,late\np1,1\np2,0\np-nobody,1\np3,\n')
  const told = await orrery(
    'monitor',
    'truths',
    'scores',
    'truths.csv',
    '--id',
    'request',
    '--label',
    'late',
  )
  expect(told.out).toContain('3 new, 0 replaced, 0 known before; 1 of no known prediction yet')
  expect(await asked('/predictions/p1')).toMatchObject({ truth: { label: 1 } })
  expect(await asked('/predictions/p3')).toMatchObject({ truth: null })
})

test('rows without ids are the same predictions when the same file comes again', async () => {
  await writeFile(join(folder, 'plain.csv'), 'amount,score\n1.5,0.25\n1.5,0.25\n')
  const command = ['monitor', 'import', 'plain', 'plain.csv', '--outputs', 'score', '--json']
  expect(JSON.parse((await orrery(...command)).out)).toMatchObject({ accepted: 2 })
  expect(JSON.parse((await orrery(...command)).out)).toMatchObject({ accepted: 0, unchanged: 2 })
})

test('a row that cannot be taken in is named, and what came before it is not doubled by the next try', async () => {
  const lines = Array.from({ length: 5002 }, (_, at) => `r${at},2026-01-05,0.5`)
  lines[5001] = 'r5001,soon,0.5'
  const file = join(folder, 'broken.csv')
  await writeFile(file, ['id,at,score', ...lines, ''].join('\n'))
  const command = 'monitor import broken broken.csv --outputs score --id id --time at'.split(' ')
  const refused = await orrery(...command)
  expect(refused.code).not.toBe(0)
  expect(refused.err).toContain('row 5002 has the time "soon"')
  expect(refused.err).toContain('rows 1 to 5000 are kept')
  lines[5001] = 'r5001,2026-01-06,0.5'
  await writeFile(file, ['id,at,score', ...lines, ''].join('\n'))
  expect((await orrery(...command)).out).toContain(
    '2 predictions of broken taken in, 5000 known before',
  )
})

test('columns and endpoints that are not there are named', async () => {
  const missing = await orrery('monitor', 'import', 'plain', 'plain.csv', '--outputs', 'chance')
  expect(missing.err).toContain('there is no column chance; the data has amount, score')
  const nowhere = await orrery('monitor', 'import', 'nowhere', 'plain.csv', '--outputs', 'score')
  expect(nowhere.err).toContain('there is no endpoint nowhere')
})
