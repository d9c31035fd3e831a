import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The example's contract lets every real month pass, and stops one that somebody sent in other units.

const REPOSITORY = join(import.meta.dirname, '..', '..')
const ORRERY = join(REPOSITORY, 'bin', 'orrery')
const root = mkdtempSync(join(tmpdir(), 'orrery-contract-'))
const raw = join(root, 'data', 'raw')

beforeAll(() => {
  cpSync(join(REPOSITORY, 'examples', 'flights'), root, { recursive: true })
  mkdirSync(raw, { recursive: true })
  execFileSync(ORRERY, ['init', '--no-scm', '--quiet'], { cwd: root })
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

function validated() {
  const { status, stdout, stderr } = spawnSync(ORRERY, ['validate'], {
    cwd: root,
    encoding: 'utf8',
  })
  return { code: status, said: stdout + stderr }
}

test('every month keeps the contract of the flights, and one in kilometres does not', async () => {
  const months = readdirSync(join(root, 'months')).filter((name) => name.endsWith('.parquet'))
  expect(months).toHaveLength(12)
  for (const month of months) cpSync(join(root, 'months', month), join(raw, month))
  expect(validated()).toEqual({ code: 0, said: expect.stringContaining('336776 rows): 85 kept') })

  const january = join(raw, '2013-01.parquet')
  const engine = await (await DuckDBInstance.create()).connect()
  await engine.run(
    `copy (select * replace ((distance * 1.609344) :: bigint as distance) from '${join(root, 'months', '2013-01.parquet')}') to '${january}'`,
  )
  engine.closeSync()
  const { code, said } = validated()
  expect(code).toBe(1)
  expect(said).toMatch(/flights\.distance/)
})
