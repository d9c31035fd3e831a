import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { initProject } from '#app/project/init'
import { runCommand } from '../support/command.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let root = ''
let server: TestServer
const git = (...args: string[]) => execFileSync('git', args, { cwd: root, stdio: 'pipe' })

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'orrery-experiments-'))
  git('init', '-q', '-b', 'main')
  git('config', 'user.email', 'tests@example.org')
  git('config', 'user.name', 'Tests')
  await initProject(root, { noScm: false })
  writeFileSync(join(root, 'params.yaml'), 'lr: 1 # of the descent\n')
  writeFileSync(
    join(root, 'dvc.yaml'),
    `stages:
  train:
    cmd: 'echo "{\\"acc\\": \${lr}}" > metrics.json'
    params: [lr]
    metrics: [{metrics.json: {cache: false}}]
`,
  )
  git('add', '-A')
  git('commit', '-q', '-m', 'base')
  server = await startTestServer()
})
afterAll(async () => {
  await server.stop()
  rmSync(root, { recursive: true, force: true })
})

interface Found {
  runs?: {
    data: { tags: { key: string; value: string }[]; params: { key: string; value: string }[] }
  }[]
}

async function runsOf(experiment: string): Promise<Found['runs']> {
  const listed = await fetch(`${server.url}/api/2.0/mlflow/experiments/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ max_results: 100 }),
  })
  const { experiments } = (await listed.json()) as { experiments: { experiment_id: string }[] }
  const response = await fetch(`${server.url}/api/2.0/mlflow/runs/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      experiment_ids: experiments.map((each) => each.experiment_id),
      filter: `tags.\`orrery.experiment\` = '${experiment}'`,
      max_results: 100,
    }),
  })
  return ((await response.json()) as Found).runs
}

test('runs of an experiment carry its name, here and from the queue', async () => {
  const here = await runCommand(root, [
    'exp',
    'run',
    '-S',
    'lr=2',
    '-n',
    'two',
    '--url',
    server.url,
    '--json',
  ])
  expect(here.err + here.out).toContain('"name":"two"')
  expect(here.code).toBe(0)
  const swept = await runCommand(root, [
    'exp',
    'run',
    '-S',
    'lr=3,4',
    '-n',
    'grid',
    '-j',
    '2',
    '--url',
    server.url,
  ])
  expect(swept.out).toContain('2 kept')
  for (const [name, lr] of [
    ['two', '2'],
    ['grid-1', '3'],
    ['grid-2', '4'],
  ] as const) {
    const runs = (await runsOf(name)) ?? []
    expect(
      runs.map(({ data }) => data.params.find(({ key }) => key.endsWith('lr'))?.value),
    ).toEqual([lr])
  }
  expect(readFileSync(join(root, 'params.yaml'), 'utf8')).toBe('lr: 2 # of the descent\n')
})
