import { writeFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PredictionRow } from '#serving'
import { askRows } from './questions.ts'

const rows = Array.from({ length: 3000 }, (_, index): PredictionRow => ({
  id: `p${index}`,
  batch: 'b',
  revision: 2,
  modelVersion: 'fares/2',
  role: 'live',
  eventMs: Date.UTC(2026, 0, 1) + index * 1000,
  atMs: 0,
  latencyMs: 5,
  key: index % 2 === 0 ? null : `k${index}`,
  inputs: {
    carrier: index % 3 === 0 ? 'UA' : 'DL',
    Carrier: 'x',
    'odd "name"': index,
    mixed: index % 2 === 0 ? 1 : 'a',
  },
  outputs: { fare: index / 2, probabilities: [0.25, 0.75] },
  label: index % 10 === 0 ? null : index,
}))

describe('questions in SQL over rows', () => {
  test.each<[string, number]>([
    ['select count(*) from predictions', 3000],
    ['select count(label) from predictions', 2700],
    ["select avg(outputs.fare) filter (where inputs.carrier = 'UA') from predictions;", 749.25],
    ['select sum(inputs."odd ""name""") from predictions', 4_498_500],
    ['select max(outputs.probabilities[2]) from predictions', 0.75],
    ["select count(distinct date_trunc('minute', event_time)) from predictions", 50],
    [
      'with late as (select * from predictions where label > 100) select count(*)::decimal(9,2) from late',
      2610,
    ],
    ["select count(*) from predictions where inputs.mixed = 'a'", 1500],
    ['select bool_and(revision = 2) from predictions', 1],
  ])('%s', async (question, value) => {
    expect(await ask(question)).toEqual({ value })
  })

  test.each<[string, string]>([
    ['select 1; select 2', '2 statements'],
    ['select 1, 2', '1 rows of 2 columns'],
    ['select label from predictions', 'several rows'],
    ['select null', 'NULL'],
    ["select 'x'", 'the text "x"'],
    ['select [1]', 'no finite number'],
    ['drop table predictions', 'no SELECT'],
    ['insert into predictions select * from predictions', 'no SELECT'],
    ["copy predictions to 'x.csv'", 'could not be answered'],
    ["attach 'x.db'", 'no SELECT'],
    ['set enable_external_access = true', 'no SELECT'],
    ['install httpfs', 'no SELECT'],
    ['selekt', 'syntax error'],
    ['select missing from predictions', 'not found'],
    ["select count(*) from read_csv('https://example.org/x.csv')", 'could not be answered'],
  ])('%s is refused with the reason', async (question, words) => {
    const { value, note } = await ask(question)
    expect(value).toBeNull()
    expect(note).toContain(words)
  })

  test('see no file', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'orrery-kpi-')), 'secret.csv')
    writeFileSync(file, 'a\n1\n')
    for (const question of [
      `select count(*) from '${file}'`,
      `select count(*) from read_csv('${file}')`,
      `select length(content) from read_text('${file}')`,
      `select count(*) from glob('${file}')`,
    ]) {
      const { value, note } = await ask(question)
      expect([question, value]).toEqual([question, null])
      expect(note).toMatch(/disabled|permission|not allowed/i)
    }
  })

  test('and of no rows the count is 0', async () => {
    expect(await askRows([], { n: 'select count(*) from predictions' })).toEqual({
      n: { value: 0 },
    })
  })
})

async function ask(question: string): Promise<{ value: number | null; note?: string }> {
  return (await askRows(rows, { kpi: question }))['kpi'] ?? { value: null }
}
