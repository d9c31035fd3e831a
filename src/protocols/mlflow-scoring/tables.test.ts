import { DuckDBInstance } from '@duckdb/node-api'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parquetRows } from './tables.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-tables-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('bytes in Parquet are bytes where the model takes some, and text elsewhere', async () => {
  const file = await parquetOf(`'\\x00\\xFF'::blob as raw, encode('ä') as old, 'ä' as text`)
  const rows = await parquetRows(file, async () => new Set(['raw']))
  expect(rows).toMatchObject({ columns: ['raw', 'old', 'text'], rows: [['AP8=', 'ä', 'ä']] })
  await expect(parquetRows(file, async () => new Set())).rejects.toThrow(/column raw .* UTF-8/)
})

test('times in Parquet keep every digit', async () => {
  const file = await parquetOf(
    `timestamp '2020-01-02 03:04:05.678901' as micros, timestamp_ns '1969-12-31 23:59:59.123456789' as nanos,
     date '2020-01-02' as day, null::timestamp as gap`,
  )
  expect(await parquetRows(file, async () => new Set())).toMatchObject({
    rows: [
      [
        '2020-01-02T03:04:05.678901',
        '1969-12-31T23:59:59.123456789',
        '2020-01-02T00:00:00.000',
        null,
      ],
    ],
  })
})

async function parquetOf(columns: string): Promise<Buffer> {
  const file = join(folder, 'table.parquet')
  const duckdb = await (await DuckDBInstance.create(':memory:')).connect()
  await duckdb.run(`copy (select ${columns}) to '${file}'`)
  duckdb.closeSync()
  return readFile(file)
}
