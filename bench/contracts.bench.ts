import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { contractFileAt } from '#app/project/contract-files'
import { validateContract } from '#app/project/contracts'
import { openLooseTables } from '#app/project/tables'
import { median, tell } from './figures.ts'

// Thirty rules on a table of 20 columns, beside DuckDB's one scan of the same columns: the least and the most value of
// each, which is the least that looks at every value. By turns. ORRERY_BENCH_ROWS=10000000 is the size that is aimed at.

const ROWS = Number(process.env['ORRERY_BENCH_ROWS'] ?? 1_000_000)
const ROUNDS = 3

const folder = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const duckdb = await (
  await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '1400MB' })
).connect()
const numbers = [0, 1, 2, 3, 4, 5].map((at) => `random() * 100 as x${at}`)
const whole = [0, 1, 2, 3].map((at) => `(hash(i + ${at}) % 1000)::int as n${at}`)
const words = [0, 1, 2, 3].map((at) => `'cat' || (hash(i * 7 + ${at}) % 8) as s${at}`)
await duckdb.run(
  `copy (select i as id, ${[...numbers, ...whole, ...words].join(', ')},
     case when i % 100 = 0 then null else i % 50 end as gaps, 'ID-' || lpad(i::varchar, 8, '0') as code,
     timestamp '2024-01-01' + interval (i) second as ts, i % 2 = 0 as truth, date '2024-01-01' + (i % 300)::int as day
   from range(${ROWS}) t(i)) to '${join(folder, 'data.parquet')}'`,
)
const columns = [
  'id',
  ...[0, 1, 2, 3, 4, 5].map((at) => `x${at}`),
  ...[0, 1, 2, 3].map((at) => `n${at}`),
]
  .concat([0, 1, 2, 3].map((at) => `s${at}`))
  .concat('gaps', 'code', 'ts', 'truth', 'day')

const property = (name: string, rest: readonly string[]) =>
  [`      - name: ${name}`, ...rest.map((line) => `        ${line}`)].join('\n')
const SET = '[cat0, cat1, cat2, cat3, cat4, cat5, cat6, cat7]'
/** Thirty rules beside those of the schema: that the columns are there and of their types. */
const CONTRACT = `apiVersion: v3.1.0
kind: DataContract
id: bench
version: 1.0.0
schema:
  - name: data
    physicalName: data.parquet
    quality: [{ metric: rowCount, mustBe: ${ROWS} }]
    properties:
${[
  property('id', ['logicalType: integer', 'required: true', 'unique: true']),
  ...[0, 1, 2, 3, 4, 5].map((at) =>
    property(`x${at}`, [
      'logicalType: number',
      'required: true',
      'logicalTypeOptions: { minimum: 0, maximum: 100 }',
    ]),
  ),
  ...[0, 1, 2, 3].map((at) =>
    property(`n${at}`, [
      'logicalType: integer',
      'logicalTypeOptions: { minimum: 0, maximum: 999 }',
    ]),
  ),
  ...[0, 1, 2, 3].map((at) =>
    property(`s${at}`, [
      'logicalType: string',
      `quality: [{ metric: invalidValues, arguments: { validValues: ${SET} } }]`,
    ]),
  ),
  property('gaps', ['quality: [{ metric: nullValues, mustBeLessOrEqualTo: 2, unit: percent }]']),
  property('code', [
    'logicalType: string',
    'required: true',
    "logicalTypeOptions: { pattern: '^ID-[0-9]{8}$', minLength: 11, maxLength: 11 }",
  ]),
  property('ts', ['logicalType: timestamp', "logicalTypeOptions: { minimum: '2024-01-01' }"]),
  property('truth', ['logicalType: boolean', 'required: true']),
  property('day', ['logicalType: date', "logicalTypeOptions: { minimum: '2024-01-01' }"]),
].join('\n')}
`
await writeFile(join(folder, 'bench.odcs.yaml'), CONTRACT)
const contract = contractFileAt(folder, 'bench.odcs.yaml')
const tables = openLooseTables(folder)

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now()
  await work()
  return (performance.now() - beganMs) / 1000
}

const rules = contract.contract.datasets[0]?.rules.length ?? 0
const ours: number[] = []
const scans: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  scans.push(
    await timed(() =>
      duckdb.runAndReadAll(
        `select ${columns.map((column) => `min(${column}), max(${column})`).join(', ')} from read_parquet('${join(folder, 'data.parquet')}')`,
      ),
    ),
  )
  ours.push(
    await timed(async () => {
      const report = await validateContract(
        { tables, spillFolder: join(folder, 'spill'), memoryMb: 1400 },
        contract,
      )
      if (report.outcome !== 'passed') throw new Error(JSON.stringify(report.counts))
    }),
  )
}
await tables.close()
await rm(folder, { recursive: true, force: true })
console.log(`${rules} rules, ${ROWS} rows; scans ${scans.join(', ')}; contract ${ours.join(', ')}`)
tell({
  what: `30 rules (and ${rules - 30} of the schema) on ${ROWS} rows × 20 columns`,
  unit: 's',
  orrery: median(ours),
  peer: median(scans),
  peerName: "DuckDB's one scan",
  better: 'lower',
})
