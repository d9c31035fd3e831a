import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { liveContracts } from './live-contracts.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-live-contracts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const CONTRACT = `apiVersion: v3.1.0
kind: DataContract
id: rooms
version: 1.0.0
status: active
schema:
  - name: rooms
    physicalName: rooms.csv
    properties:
      - { name: metres, logicalType: number, logicalTypeOptions: { minimum: 1, maximum: 500 } }
      - { name: floor, logicalType: integer, required: true }
`

test('a promise that the training data does not keep itself, as when a stage scaled it, is no promise of inputs', async () => {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@localhost', ...args], {
      cwd: folder,
      encoding: 'utf8',
    })
  writeFileSync(join(folder, 'rooms.odcs.yaml'), CONTRACT)
  writeFileSync(join(folder, 'train.csv'), 'metres,floor\n-0.3,1\n1.2,2\n0.4,1\n')
  git('init', '--quiet')
  git('add', 'rooms.odcs.yaml')
  git('commit', '--quiet', '--message', 'Promise')
  const files = [{ path: join(folder, 'train.csv'), name: 'train.csv' }]
  const contracts = liveContracts({
    endpoints: async () => [],
    projects: {
      get: async () => ({ name: 'p', commit: git('rev-parse', 'HEAD').trim(), config: {} }),
    },
    clones: { mirrorOf: () => folder },
    pipelines: {
      stageOf: async () => ({ pipelineRun: 'r', deps: [{ path: 'rooms.csv' }] }),
      find: async () => ({ project: 'p' }),
      stages: async () => [],
    },
    registry: {
      models: { find: async () => ({}) },
      versions: { get: async () => ({ runId: 'run' }) },
    },
    trainingData: { find: async () => ({ state: 'known', files, inputs: ['metres', 'floor'] }) },
    columnNames: async () => ['metres', 'floor'],
    spillFolder: folder,
  } as unknown as Parameters<typeof liveContracts>[0])

  const found = await contracts.find({ endpoint: 'e', modelVersion: 'm/1', named: undefined })
  expect(found).toMatchObject({ state: 'known', file: 'rooms.odcs.yaml' })
  expect(found.state === 'known' && found.unkept).toEqual({
    'rooms.metres.range': expect.stringMatching(/2 of 3 rows/),
  })
})
