import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { initProject } from '#app/project/init'
import { httpRecorder } from '#app/pipelines/recorder'
import { openWorkspace } from '#app/project/workspace'
import { startTestServer, type TestServer } from '../support/server.ts'

let root = ''
let server: TestServer

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'orrery-repro-'))
  execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: root })
  execFileSync('git', ['config', 'user.email', 'tests@example.org'], { cwd: root })
  execFileSync('git', ['config', 'user.name', 'Tests'], { cwd: root })
  await initProject(root, { noScm: false })
  server = await startTestServer()
})

afterEach(async () => {
  await server.stop()
  rmSync(root, { recursive: true, force: true })
})

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

function repro(url: string) {
  const { pipelines } = openWorkspace(root, {
    variables: { PATH: process.env['PATH'], SHELL: '/bin/sh' },
    environments: join(root, '.environments'),
  })
  const recorder = httpRecorder(url, { clock: systemClock, ids: randomIds, patienceMs: 20_000 })
  return pipelines.repro({ targets: [], recorder })
}

interface ShownRun {
  state: string
  commit: string | null
  branch: string | null
  dirty: boolean
  lockDigest: string | null
  stageRuns: { stage: string; run: string; state: string }[]
}

async function shown(pipelineRun: string): Promise<ShownRun> {
  const response = await fetch(`${server.url}/api/v1/pipeline-runs/${pipelineRun}`)
  expect(response.status).toBe(200)
  return (await response.json()) as ShownRun
}

async function mlflowRun(run: string) {
  const response = await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${run}`)
  expect(response.status).toBe(200)
  const { run: found } = (await response.json()) as {
    run: {
      info: { status: string }
      data: {
        params?: { key: string; value: string }[]
        metrics?: { key: string; value: number }[]
      }
    }
  }
  return {
    status: found.info.status,
    params: Object.fromEntries((found.data.params ?? []).map(({ key, value }) => [key, value])),
    metrics: Object.fromEntries((found.data.metrics ?? []).map(({ key, value }) => [key, value])),
  }
}

test('a pipeline that runs in a folder is a pipeline run on the server, and each stage an MLflow run', async () => {
  write('params.yaml', 'lr: 0.25\n')
  write('data/a', 'a')
  write(
    'dvc.yaml',
    `stages:
  prepare: {cmd: cp data/a prepared && env > seen, deps: [data], outs: [prepared, seen]}
  train:
    cmd: cp prepared model && echo '{"auc":0.75}' > metrics.json
    deps: [prepared]
    params: [lr]
    outs: [model]
    metrics: [metrics.json: {cache: false}]
  broken: {cmd: exit 9, deps: [model], outs: [never]}
`,
  )
  execFileSync('git', ['add', '.'], { cwd: root })
  execFileSync('git', ['commit', '-q', '-m', 'first'], { cwd: root })
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root }).toString().trim()

  const result = await repro(server.url)
  expect(result.outcome).toBe('failed')
  const run = await shown(result.pipelineRunId)
  expect(run).toMatchObject({
    state: 'failed',
    commit,
    branch: 'main',
    lockDigest: expect.any(String),
  })
  expect(run.stageRuns.map(({ stage, state }) => [stage, state])).toEqual([
    ['prepare', 'succeeded'],
    ['train', 'succeeded'],
    ['broken', 'failed'],
  ])
  const runOf = (stage: string) => run.stageRuns.find((each) => each.stage === stage)?.run ?? ''
  expect(await mlflowRun(runOf('train'))).toMatchObject({
    status: 'FINISHED',
    params: { 'dvc.lr': '0.25' },
    metrics: { auc: 0.75 },
  })
  expect((await mlflowRun(runOf('broken'))).status).toBe('FAILED')
  expect(readFileSync(join(root, 'seen'), 'utf8').split('\n')).toEqual(
    expect.arrayContaining([
      `MLFLOW_TRACKING_URI=${server.url}`,
      `MLFLOW_RUN_ID=${runOf('prepare')}`,
    ]),
  )

  write(
    'dvc.yaml',
    readFileSync(join(root, 'dvc.yaml'), 'utf8').replace('exit 9', 'cp model never'),
  )
  const second = await shown((await repro(server.url)).pipelineRunId)
  expect(second.stageRuns.map(({ stage, state }) => [stage, state])).toContainEqual([
    'broken',
    'succeeded',
  ])
  expect(second.dirty).toBe(true)
})

test('a server that restarts while a stage runs hears of its end, once', async () => {
  write('dvc.yaml', 'stages:\n  slow: {cmd: sleep 1.5 && touch out, outs: [out]}\n')
  const port = Number(new URL(server.url).port)
  const running = repro(server.url)
  await new Promise((resolve) => setTimeout(resolve, 700))
  await server.stop({ keepHome: true })
  const { home } = server
  await new Promise((resolve) => setTimeout(resolve, 1500))
  server = await startTestServer({ home, port })
  const { outcome, pipelineRunId } = await running
  expect(outcome).toBe('succeeded')
  const run = await shown(pipelineRunId)
  expect([run.state, run.stageRuns.map(({ state }) => state)]).toEqual(['succeeded', ['succeeded']])
}, 30_000)

test('without a server the run is refused before anything is done', async () => {
  write('dvc.yaml', 'stages:\n  a: {cmd: touch out, outs: [out]}\n')
  const { pipelines } = openWorkspace(root, {
    variables: { PATH: process.env['PATH'] },
    environments: '',
  })
  const recorder = httpRecorder('http://127.0.0.1:9', {
    clock: systemClock,
    ids: randomIds,
    patienceMs: 300,
  })
  await expect(pipelines.repro({ targets: [], recorder })).rejects.toThrow(
    /could not record the run/,
  )
  await expect(pipelines.plan({ targets: [] })).resolves.toMatchObject([{ action: 'run' }])
})
