import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ShownRunDetail, ShownRunRequest } from '#protocols/api/run-requests-wire'
import { eventually } from '../simulation/kill/client.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const PATIENCE = { withinMs: 30_000 }

let server: TestServer
let place: string
let origin: string

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'orrery-server-runs-'))
  origin = join(place, 'origin')
  await writeProject(origin)
  server = await startTestServer()
  await post('/projects', { origin })
})
afterAll(async () => {
  await server.stop()
  await rm(place, { recursive: true, force: true })
})

/** Two independent beginnings, one that needs approval, and an end. */
const PIPELINE = `stages:
  clean:
    cmd: echo cleaning; cp raw.txt clean.txt
    deps: [raw.txt]
    outs: [clean.txt]
  train:
    cmd: echo training depth $(grep depth params.yaml); cp clean.txt model.txt; cp params.yaml metrics.yaml; sleep $(cat pause.txt)
    deps: [clean.txt, pause.txt]
    params: [depth]
    outs: [model.txt]
    metrics: [{ metrics.yaml: { cache: false } }]
  deploy:
    cmd: echo deploying for $ORRERY_DATE; cp model.txt deployed.txt
    deps: [model.txt]
    outs: [deployed.txt]
    meta: { approval: { message: Deploy it?, timeout: 1h } }
`

async function writeProject(folder: string): Promise<void> {
  await mkdir(join(folder, '.dvc'), { recursive: true })
  const files = {
    'orrery.yaml': 'project: runs\n',
    'dvc.yaml': PIPELINE,
    'params.yaml': '# how deep\ndepth: 3\n',
    'raw.txt': 'raw\n',
    'pause.txt': '0\n',
    '.dvc/config': '',
    '.dvc/.gitignore': '/config.local\n/tmp\n/cache\n',
    '.gitignore': '/clean.txt\n/model.txt\n/deployed.txt\n',
  }
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text)
  git('init', '--quiet', '--initial-branch', 'main')
  commit('Start')
}

function git(...args: string[]): string {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost']
  return execFileSync('git', [...who, ...args], { cwd: origin, encoding: 'utf8' })
}

function commit(message: string): void {
  git('add', '--all')
  git('commit', '--quiet', '--message', message)
}

async function call<T>(method: string, path: string, body?: unknown, headers = {}): Promise<T> {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer = (await response.json()) as T & { detail?: string }
  if (!response.ok) throw new Error(`${response.status} ${answer.detail}`)
  return answer
}

const post = <T = ShownRunRequest>(path: string, body: unknown, headers = {}) =>
  call<T>('POST', path, body, headers)

const shown = (id: string) => call<ShownRunDetail>('GET', `/run-requests/${id}`)

const until = (id: string, ...states: string[]) =>
  eventually(
    () => shown(id),
    ({ state }) => states.includes(state),
    {
      what: `run ${id} is ${states.join(' or ')}`,
      ...PATIENCE,
    },
  )

const statesOf = ({ stages }: ShownRunDetail) =>
  Object.fromEntries(stages.map(({ stage, state }) => [stage, state]))

test('a run goes on to the stage that waits for approval, and after that to its end', async () => {
  const { id } = await post('/run-requests', {
    project: 'runs',
    variables: { ORRERY_DATE: '2026-01-31' },
  })
  const waiting = await until(id, 'waiting', 'failed')
  expect(statesOf(waiting)).toEqual({ clean: 'succeeded', train: 'succeeded', deploy: 'waiting' })
  expect(waiting.approvals).toMatchObject([
    { stage: 'deploy', message: 'Deploy it?', outcome: null },
  ])
  await post(`/run-requests/${id}/approve`, { stage: 'deploy', comment: 'looks good' })
  const done = await until(id, 'succeeded', 'failed')
  expect(done.reason).toBeNull()
  expect(statesOf(done)).toEqual({ clean: 'succeeded', train: 'succeeded', deploy: 'succeeded' })
  expect(done.pipelineRuns).toEqual([`${id}.1`])
  expect(done.lockBranch).toBe(`orrery/${id}`)
  expect(done.approvals).toMatchObject([
    { outcome: 'approved', by: { id: 'local' }, comment: 'looks good' },
  ])
  const log = await call<{ text: string; complete: boolean }>(
    'GET',
    `/run-requests/${id}/stages/deploy/log`,
  )
  expect(log).toMatchObject({ text: 'deploying for 2026-01-31\n', complete: true })
})
