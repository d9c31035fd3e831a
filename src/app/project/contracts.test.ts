import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '#base/clock'
import { printProposal, readContract, withNewColumns } from '#protocols/odcs/index'
import { createEngine } from '#stores/analytics/duckdb/engine'
import type { RunRecorder } from '#stages'
import { contractFileAt } from './contract-files.ts'
import { proposeContract, validateContract } from './contracts.ts'
import { openLooseTables } from './tables.ts'
import { projectChecks } from './checks.ts'
import { openWorkspace } from './workspace.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-project-contracts-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('null', `'a'`, `'b'`, `''`, `'it''s'`, `'9'`) },
  fc.integer({ min: -1e9, max: 1e9 }).map((each) => `'${each}'`),
  fc.uuid().map((each) => `'${each}'`),
)
const column = fc.oneof(
  fc.array(value, { minLength: 30, maxLength: 30 }).map((values) => ({ type: 'varchar', values })),
  fc
    .array(fc.double({ noDefaultInfinity: false }), { minLength: 30, maxLength: 30 })
    .map((numbers) => ({ type: 'double', values: numbers.map((each) => `'${each}'::double`) })),
  fc
    .array(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), { minLength: 30, maxLength: 30 })
    .map((numbers) => ({ type: 'bigint', values: numbers.map(String) })),
  fc
    .array(fc.option(fc.integer({ min: -50, max: 50 }), { nil: null }), {
      minLength: 30,
      maxLength: 30,
    })
    .map((numbers) => ({ type: 'integer', values: numbers.map(String) })),
  fc
    .array(fc.date({ min: new Date(0), noInvalidDate: true, max: new Date(4e12) }), {
      minLength: 30,
      maxLength: 30,
    })
    .map((days) => ({ type: 'timestamp', values: days.map((each) => `'${each.toISOString()}'`) })),
)
const NAMES = ['id', 'größe', 'a "b"', "it's", 'yes', '1.5', '# no comment', 'key: value']

describe('a contract that was proposed from data', () => {
  test('is kept by that data, whatever the data is', async () => {
    const writer = createEngine({ memoryMb: 256, threads: 2 })
    const tables = openLooseTables(folder)
    const ground = { tables, spillFolder: join(folder, 'spill') }
    let count = 0
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(column, { minLength: 1, maxLength: 8 }), async (columns) => {
          const file = `d${count++}.parquet`
          const lists = columns.map(
            ({ type, values }, index) =>
              `unnest([${values.join(', ')}]::${type}[]) as "${(NAMES[index] as string).replaceAll('"', '""')}"`,
          )
          await writer.session((session) =>
            session.connection.run(`copy (select ${lists.join(', ')}) to '${join(folder, file)}'`),
          )
          const proposal = await proposeContract(ground, file, { name: 'd' })
          writeFileSync(join(folder, 'c.odcs.yaml'), printProposal(proposal, { id: 'd' }))
          const report = await validateContract(ground, contractFileAt(folder, 'c.odcs.yaml'))
          const checks = report.datasets.flatMap((dataset) => dataset.checks)
          expect(checks.filter(({ outcome }) => outcome !== 'passed')).toEqual([])
          expect(checks.length).toBeGreaterThan(columns.length)
        }),
        { numRuns: 12 },
      )
    } finally {
      await tables.close()
      await writer.close()
    }
  })

  test('says why, and gets new columns without losing a word', async () => {
    const tables = openLooseTables(folder)
    const ground = { tables, spillFolder: join(folder, 'spill') }
    try {
      const rows = Array.from({ length: 40 }, (_, at) => `${at},c${at % 2},u${at}@example.org`)
      writeFileSync(join(folder, 'd.csv'), `id,kind,mail\n${rows.join('\n')}\n`)
      const text = printProposal(await proposeContract(ground, 'd.csv', { name: 'd' }), { id: 'd' })
      expect(text).toContain('primaryKey: true # 40 rows hold 40 different values')
      expect(text).toContain('validValues: [c0, c1]')
      expect(text).toContain('# all of 40 values look like email')
      const mine = text.replace('validValues: [c0, c1]', 'validValues: [c0, c1, c9] # mine')
      writeFileSync(
        join(folder, 'd.csv'),
        `id,kind,mail,new\n${rows.map((row) => `${row},1`).join('\n')}\n`,
      )
      const again = await proposeContract(ground, 'd.csv', { name: 'd' })
      const grown = withNewColumns(mine, again, new Set(['id', 'kind', 'mail']))
      expect(grown?.startsWith(mine.trimEnd())).toBe(true)
      const { contract, problems } = readContract(grown ?? '')
      expect(problems).toEqual([])
      expect(contract?.datasets[0]?.columns.map(({ name }) => name)).toEqual([
        'id',
        'kind',
        'mail',
        'new',
      ])
      expect(withNewColumns(mine, again, new Set(['id', 'kind', 'mail', 'new']))).toBeUndefined()
    } finally {
      await tables.close()
    }
  })
})

describe('before a stage reads data', () => {
  const CONTRACT = `apiVersion: v3.1.0
kind: DataContract
id: d
version: 1.0.0
schema:
  - name: d
    physicalName: data/d.csv
    properties:
      - name: n
        logicalType: integer
        logicalTypeOptions: { maximum: 2 }
`
  function project() {
    execFileSync('git', ['init', '-q', folder])
    mkdirSync(join(folder, '.dvc'))
    writeFileSync(join(folder, '.dvc', 'config'), '')
    mkdirSync(join(folder, 'data'))
    mkdirSync(join(folder, 'contracts'))
    writeFileSync(join(folder, 'contracts', 'd.odcs.yaml'), CONTRACT)
    writeFileSync(
      join(folder, 'dvc.yaml'),
      'stages:\n  use:\n    cmd: cp data/d.csv out.csv\n    deps: [data/d.csv]\n    outs: [out.csv]\n',
    )
    return openWorkspace(folder, {
      variables: { PATH: process.env['PATH'], HOME: folder },
      environments: join(folder, 'environments'),
    }).pipelines
  }
  type Start = Parameters<RunRecorder['stageStarted']>[0]
  function recorder(): { starts: Start[]; ends: string[]; recorder: RunRecorder } {
    const starts: Start[] = []
    const ends: string[] = []
    return {
      starts,
      ends,
      recorder: {
        pipelineStarted: async () => ({ pipelineRunId: 'p' }),
        stageStarted: async (start) => {
          starts.push(start)
          return { runId: 'r', environment: {} }
        },
        stageFinished: async ({ outcome, reason }) => {
          ends.push(`${outcome}: ${reason ?? ''}`)
        },
        stageSkipped: async () => {},
        pipelineFinished: async () => {},
      },
    }
  }
  const verdicts = () => readdirSync(join(folder, '.dvc', 'tmp', 'orrery', 'verdicts'))

  test('its contract is looked at; broken data stops the stage, is recorded, and can be let through', async () => {
    const pipelines = project()
    writeFileSync(join(folder, 'data', 'd.csv'), 'n\n1\n2\n')
    const kept = recorder()
    expect((await pipelines.repro({ targets: [], recorder: kept.recorder })).outcome).toBe(
      'succeeded',
    )
    expect(kept.starts[0]?.checks).toMatchObject({
      outcome: 'passed',
      verdicts: [{ contract: 'contracts/d.odcs.yaml', outcome: 'passed', reason: null }],
    })
    expect(verdicts()).toHaveLength(1)

    writeFileSync(join(folder, 'data', 'd.csv'), 'n\n1\n2\n3\n')
    const broken = recorder()
    const result = await pipelines.repro({ targets: [], recorder: broken.recorder })
    expect(result.outcome).toBe('failed')
    expect(result.steps[0]?.failure).toContain('1 of 3 rows')
    expect(result.steps[0]?.failure).toContain('--no-validate')
    expect(broken.starts[0]).toMatchObject({ checks: { outcome: 'failed' }, environment: null })
    expect(broken.ends[0]).toContain('failed: its data breaks contracts/d.odcs.yaml')
    expect(readFileSync(join(folder, 'out.csv'), 'utf8')).toBe('n\n1\n2\n')
    expect(verdicts()).toHaveLength(2)

    const forced = recorder()
    await pipelines.repro({ targets: [], recorder: forced.recorder, validate: false })
    expect(forced.starts[0]?.checks).toEqual({ outcome: 'skipped', verdicts: [] })
    expect(readFileSync(join(folder, 'out.csv'), 'utf8')).toBe('n\n1\n2\n3\n')
  })

  test('a verdict is found once for the same data and contract', async () => {
    const pipelines = project()
    writeFileSync(join(folder, 'data', 'd.csv'), 'n\n1\n')
    await pipelines.repro({ targets: [] })
    const [key = ''] = verdicts()
    const file = join(folder, '.dvc', 'tmp', 'orrery', 'verdicts', key)
    // What is kept is believed: it is not found again.
    writeFileSync(
      file,
      JSON.stringify({ contract: 'x', digest: 'd', outcome: 'failed', reason: 'kept' }),
    )
    const again = await pipelines.repro({ targets: [], force: true })
    expect(again.steps[0]?.failure).toContain('kept')
    writeFileSync(
      join(folder, 'contracts', 'd.odcs.yaml'),
      CONTRACT.replace('maximum: 2', 'maximum: 3'),
    )
    expect((await pipelines.repro({ targets: [], force: true })).outcome).toBe('succeeded')
  })

  test('checks of stages that run at the same time take turns, and the verdict is found once', async () => {
    project()
    writeFileSync(join(folder, 'data', 'd.csv'), 'n\n1\n')
    let open = 0
    let most = 0
    const checks = projectChecks({
      root: folder,
      files: async () => [],
      kept: join(folder, 'verdicts'),
      clock: systemClock,
      tables: async () => {
        most = Math.max(most, ++open)
        const tables = openLooseTables(folder)
        return {
          ...tables,
          at: async (path) => ({ ...(await tables.at(path)), digest: 'd' }),
          close: async () => {
            await tables.close()
            open--
          },
        }
      },
    })
    const found = await Promise.all([1, 2, 3].map(() => checks.of(['data/d.csv'], {})))
    expect(found.map(([verdict]) => verdict?.outcome)).toEqual(['passed', 'passed', 'passed'])
    expect(most).toBe(1)
    expect(readdirSync(join(folder, 'verdicts'))).toHaveLength(1)
  })

  test('a contract may not look outside of the project, nor one that is wrong be passed over', async () => {
    const pipelines = project()
    writeFileSync(join(folder, 'data', 'd.csv'), 'n\n1\n')
    const file = join(folder, 'contracts', 'd.odcs.yaml')
    writeFileSync(file, CONTRACT.replace('maximum: 2', 'maximum: two'))
    const wrong = await pipelines.repro({ targets: [] })
    expect(wrong.steps[0]?.failure).toContain(
      'line 11, schema[0].properties[0].logicalTypeOptions.maximum',
    )
    writeFileSync(
      file,
      `${CONTRACT}        quality:\n          - { type: custom, engine: orrery, implementation: { check: drift, method: psi, reference: ../../etc } }\n`,
    )
    const outside = await pipelines.repro({ targets: [] })
    expect(outside.steps[0]?.failure).toContain('not inside the project')
  })
})

describe('a foreign key into another contract', () => {
  const head = (id: string) => `apiVersion: v3.1.0\nkind: DataContract\nid: ${id}\nversion: 1.0.0\n`
  const orders = (to: string) =>
    `${head('orders')}schema:\n  - name: orders\n    physicalName: orders.csv\n    properties:\n      - name: customer\n        relationships: [{ to: "${to}" }]\n`
  const customers = `${head('customers')}schema:
  - id: customers_tbl
    name: customers
    physicalName: customers.csv
    properties:
      - { id: cust_pk, name: id, physicalName: customer_id }
      - { name: address, logicalType: object, properties: [{ name: street }] }
      - { name: invited_by, relationships: [{ to: "people.odcs.yaml#people.id" }] }
`

  const put = (texts: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(texts)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
  }
  const held = async (to: string) => {
    put({ 'contracts/orders.odcs.yaml': orders(to) })
    const tables = openLooseTables(folder)
    const ground = { tables, spillFolder: join(folder, 'spill') }
    try {
      const file = contractFileAt(folder, 'contracts/orders.odcs.yaml')
      const { datasets } = await validateContract(ground, file)
      expect(datasets.map(({ name }) => name)).toEqual(['orders'])
      return datasets[0]?.checks.find(({ kind }) => kind === 'reference')
    } finally {
      await tables.close()
    }
  }
  beforeEach(() =>
    put({
      'orders.csv': 'customer\n1\n2\n7\n7\n\n',
      'customers.csv': 'customer_id,address\n1,a\n2,b\n',
      'contracts/shared/customers.odcs.yaml': customers,
    }),
  )

  test.each([
    'shared/customers.odcs.yaml#customers.id',
    './shared/customers.odcs.yaml#/schema/customers_tbl/properties/cust_pk',
    'shared/customers.odcs.yaml#schema/customers_tbl/properties/cust_pk',
    '../contracts/shared/customers.odcs.yaml#customers.id',
    'file://FOLDER/contracts/shared/customers.odcs.yaml#customers.id',
  ])('is checked, with the rows that point at nobody: %s', async (to) => {
    expect(await held(to.replace('FOLDER', folder))).toMatchObject({
      outcome: 'failed',
      failures: 2,
      expected: 'in contracts/shared/customers.odcs.yaml#customers.customer_id',
      examples: [
        { file: 'orders.csv', row: 2, values: { customer: 7 } },
        { file: 'orders.csv', row: 3, values: { customer: 7 } },
      ],
    })
    put({ 'customers.csv': 'customer_id,address\n1,a\n2,b\n7,c\n' })
    expect(await held(to.replace('FOLDER', folder))).toMatchObject({ outcome: 'passed' })
  })

  test.each([
    [
      'https://example.org/c.yaml#customers.id',
      /https:\/\/example.org\/c.yaml is not fetched; keep that contract in the project/,
    ],
    ['shared/customers.odcs.yaml#customers.address.street', /only whole columns are looked at/],
  ])('is told when nobody can look: %s', async (to, why) => {
    expect(await held(to)).toMatchObject({
      outcome: 'skipped',
      message: expect.stringMatching(why) as string,
    })
  })

  test.each([
    [
      'customers.odcs.yaml#customers.id',
      /line 10.*there is no contract contracts\/customers.odcs.yaml; write the path of one as it counts from contracts\//,
    ],
    ['../../customers.odcs.yaml#customers.id', /is not inside the project/],
    [
      'shared/customers.odcs.yaml#clients.id',
      /line 10, schema\[0\].properties\[0\].relationships\[0\].to: clients.id is no property of contracts\/shared\/customers.odcs.yaml/,
    ],
    ['customers.id', /customers.id is no property of this contract/],
  ])('is refused where it leads nowhere: %s', async (to, why) => {
    await expect(held(to)).rejects.toThrow(why)
  })

  test('is refused where the other contract is not right, or its data is not there', async () => {
    const to = 'shared/customers.odcs.yaml#customers.id'
    rmSync(join(folder, 'customers.csv'))
    await expect(held(to)).rejects.toThrow(
      /^orders.customer.reference points at contracts\/shared\/customers.odcs.yaml#customers, and its data cannot be read: .*customers.csv/,
    )
    put({ 'contracts/shared/customers.odcs.yaml': customers.replace('name: customers', 'nam: x') })
    await expect(held(to)).rejects.toThrow(
      /customers.odcs.yaml is not right itself: line 6: an object needs a name/,
    )
  })

  test('has a stage wait for the other data, and is looked at again when that changes', async () => {
    put({ 'contracts/orders.odcs.yaml': orders('shared/customers.odcs.yaml#customers.id') })
    const checks = projectChecks({
      root: folder,
      tables: async () => openLooseTables(folder),
      files: async () => [],
      kept: join(folder, 'verdicts'),
      clock: systemClock,
    })
    const [before] = await checks.of(['orders.csv'], {})
    expect(before).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('2 of 5 rows (40 %) break it') as string,
    })
    put({ 'customers.csv': 'customer_id,address\n1,a\n2,b\n7,c\n' })
    expect((await checks.of(['orders.csv'], {}))[0]).toMatchObject({ outcome: 'passed' })
  })
})
