import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
