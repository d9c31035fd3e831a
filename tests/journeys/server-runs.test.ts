import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ShownRunDetail, ShownRunRequest } from '#protocols/api/run-requests-wire'
import { eventually } from '../simulation/kill/client.ts'
import { runCommand } from '../support/command.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const PATIENCE = { withinMs: 60_000 }

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
    cmd: echo training depth $(grep depth params.yaml); cat clean.txt params.yaml > model.txt; cp params.yaml metrics.yaml; sh pause.txt
    deps: [clean.txt, pause.txt]
    params: [depth]
    outs: [model.txt]
    metrics: [{ metrics.yaml: { cache: false } }]
  deploy:
    cmd: echo deploying for $ORRERY_DATE; cp model.txt deployed.txt
    deps: [model.txt]
    outs: [deployed.txt]
    meta: { approval: { message: Deploy it?, timeout: 1h } }
  tests:
    cmd: cp report.xml tests.xml; echo fetched from https://ada:hunter2@example.org/x.git; exit $(cat code.txt)
    deps: [clean.txt, report.xml, code.txt]
    outs: [tests.xml]
`
const REPORT = `<testsuite name="rows"><testcase name="no nulls" time="0.5"/><testcase name="no twins"><failure message="3 twins"/></testcase></testsuite>`

async function writeProject(folder: string): Promise<void> {
  await mkdir(join(folder, '.dvc'), { recursive: true })
  const files = {
    'orrery.yaml': 'project: runs\n',
    'dvc.yaml': PIPELINE,
    'params.yaml': '# how deep\ndepth: 3\n',
    'raw.txt': 'raw\n',
    'pause.txt': 'true\n',
    'report.xml': REPORT,
    'code.txt': '0\n',
    '.dvc/config': '',
    '.dvc/.gitignore': '/config.local\n/tmp\n/cache\n',
    '.gitignore': '/clean.txt\n/model.txt\n/deployed.txt\n/tests.xml\n',
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
    targets: ['deploy'],
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

test('the new lock is on a branch whose message says which stages, parameters and metrics changed', async () => {
  const order = { project: 'runs', rev: 'main', targets: ['train'], overrides: ['depth=5'] }
  const { id } = await post('/run-requests', order, { 'idempotency-key': 'deeper' })
  expect(id).toBe('deeper')
  expect((await post('/run-requests', order, { 'idempotency-key': 'deeper' })).id).toBe(id)
  await expect(
    post('/run-requests', { ...order, rev: 'other' }, { 'idempotency-key': 'deeper' }),
  ).rejects.toThrow('409 the run deeper was asked for with another order')
  const done = await until(id, 'succeeded', 'failed')
  expect(statesOf(done)).toMatchObject({ train: 'succeeded' })
  const message = git('log', '-1', '--format=%B', 'orrery/deeper')
  expect(message).toContain('Run clean, train with depth=5')
  expect(message).toContain('params.yaml depth: 3 → 5')
  expect(message).toContain('metrics.yaml depth: none → 5')
  expect(git('show', 'orrery/deeper:params.yaml')).toBe('# how deep\ndepth: 5\n')
  expect(git('show', 'orrery/deeper:dvc.lock')).toContain('depth: 5')
  expect(git('status', '--porcelain')).toBe('')
})

test('tests that a stage ran are told one by one, also where they failed, and no password gets into its log', async () => {
  await writeFile(join(origin, 'code.txt'), '1\n')
  commit('Fail')
  const { id } = await post('/run-requests', { project: 'runs', targets: ['tests'] })
  const done = await until(id, 'succeeded', 'failed')
  expect(done.state).toBe('failed')
  expect(done.stages.find(({ stage }) => stage === 'tests')).toMatchObject({
    state: 'failed',
    tests: { total: 2, passed: 1, failed: 1, errors: 0, skipped: 0, seconds: 0.5 },
  })
  expect(await call('GET', `/run-requests/${id}/stages/tests/tests?outcome=failed`)).toMatchObject({
    tests: [{ suite: 'rows', name: 'no twins', message: '3 twins' }],
    next: null,
  })
  const log = await call<{ text: string }>('GET', `/run-requests/${id}/stages/tests/log`)
  expect(log.text).toBe('fetched from https://***@example.org/x.git\n')
  await writeFile(join(origin, 'code.txt'), '0\n')
  commit('Pass')
})

test('cancelling ends all that a run started within seconds, and the one behind it goes on', async () => {
  await writeFile(join(origin, 'pause.txt'), 'sleep 613 & sleep 614\n')
  commit('Take long')
  const order = { project: 'runs', targets: ['train'] }
  const { id } = await post('/run-requests', order)
  await eventually(
    () => shown(id),
    (run) => statesOf(run)['train'] === 'running',
    { what: 'train runs', ...PATIENCE },
  )
  const behind = await post('/run-requests', { ...order, rev: 'main~1', lane: 'runs@main' })
  expect((await shown(behind.id)).state).toBe('queued')
  const askedMs = Date.now()
  await post(`/run-requests/${id}/cancel`, { reason: 'too long' })
  const ended = await until(id, 'cancelled', 'failed', 'succeeded')
  expect(Date.now() - askedMs).toBeLessThan(20_000)
  expect(ended).toMatchObject({ state: 'cancelled', reason: 'cancelled by local: too long' })
  expect(statesOf(ended)).toEqual({ clean: 'restored', train: 'cancelled' })
  expect(sleepers()).toEqual([])
  expect((await until(behind.id, 'succeeded', 'failed')).state).toBe('succeeded')
  await expect(post(`/run-requests/${id}/cancel`, {})).rejects.toThrow('409 the run')
  await writeFile(join(origin, 'pause.txt'), 'true\n')
  commit('Take no time')
})

function sleepers(): string[] {
  return execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => /sleep 61[34]/.test(line))
}

test('a stage that somebody rejects does not run, and the run says who and why', async () => {
  const { id } = await post('/run-requests', {
    project: 'runs',
    targets: ['deploy'],
    overrides: ['depth=7'],
  })
  await until(id, 'waiting', 'failed')
  await post(`/run-requests/${id}/reject`, { stage: 'deploy', comment: 'too deep' })
  const done = await until(id, 'succeeded', 'failed')
  expect(done.reason).toBe('local rejected stage deploy: too deep')
  expect(statesOf(done)).toMatchObject({ train: 'succeeded', deploy: 'skipped' })
  const { entries } = await call<{ entries: { data: unknown; actor: unknown }[] }>(
    'GET',
    '/ledger/entries?limit=1&type=stage-approval-refused',
  )
  expect(entries[0]).toMatchObject({
    data: { request: id, stage: 'deploy', comment: 'too deep' },
    actor: { id: 'local' },
  })
})

test.each([
  [
    'an option',
    { rev: '--upload-pack=touch pwned' },
    '400 "--upload-pack=touch pwned" is no revision',
  ],
  [
    'what reaches beyond the branches',
    { rev: 'main@{upstream}' },
    '400 "main@{upstream}" is no revision',
  ],
  [
    'what is not there',
    { rev: 'nowhere' },
    '404 the origin has no branch, tag or commit "nowhere"',
  ],
])('a revision that is %s is refused', async (_what, order, words) => {
  await expect(post('/run-requests', { project: 'runs', ...order })).rejects.toThrow(words)
})

test.each([
  ['LD_PRELOAD', 'LD_PRELOAD is set by the server'],
  ['GIT_SSH_COMMAND', 'GIT_SSH_COMMAND is set by the server'],
  ['A B', '"A B" is no variable'],
])('the variable %s is refused', async (name, words) => {
  await expect(
    post('/run-requests', { project: 'runs', variables: { [name]: 'x' } }),
  ).rejects.toThrow(words)
})

test('the command follows a run to its end with the stage before each line, and lists it', async () => {
  const said = await runCommand(place, [
    'run',
    'runs',
    'train',
    '-S',
    'depth=9',
    '--url',
    server.url,
  ])
  expect(said.err).toBe('')
  expect(said.out).toContain('train | training depth depth: 9\n')
  expect(said.out).toMatch(/train: done in [\d.]+ s\n/)
  expect(said.out).toMatch(/run \w+ succeeded; its lock is on the branch orrery\//)
  expect(said.code).toBe(0)
  const listed = await runCommand(place, [
    'run',
    'list',
    '--limit',
    '1',
    '--json',
    '--url',
    server.url,
  ])
  expect(JSON.parse(listed.out)).toMatchObject({
    runRequests: [{ project: 'runs', overrides: ['depth=9'], state: 'succeeded' }],
  })
})
