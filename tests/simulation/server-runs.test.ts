import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ShownRunDetail } from '#protocols/api/run-requests-wire'
import { freePort, spawnServer, type ServerProcess } from '../support/process.ts'
import { clientOf, eventually, sure, type Client } from './kill/client.ts'

const PATIENCE = { withinMs: 60_000 }

let home: string
let origin: string
let counted: string
let port: number
let server: ServerProcess
let client: Client

/** Each stage notes that it ran; the second waits for a file, and the last for somebody's word. */
const PIPELINE = `stages:
  first:
    meta: { hermetic: false }
    cmd: echo first >> $COUNTED; cp raw.txt first.txt
    deps: [raw.txt]
    outs: [first.txt]
  second:
    meta: { hermetic: false }
    cmd: echo second >> $COUNTED; echo half > second.txt; while ! [ -e $COUNTED.go ]; do sleep 0.05; done; cp first.txt second.txt; echo through
    deps: [first.txt]
    outs: [second.txt]
  third:
    cmd: echo third >> $COUNTED; cat first.txt second.txt > third.txt
    deps: [first.txt, second.txt]
    outs: [third.txt]
    meta: { hermetic: false, approval: { timeout: 1h } }
`

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-runs-killed-'))
  origin = join(home, 'project')
  counted = join(home, 'counted')
  await mkdir(join(origin, '.dvc'), { recursive: true })
  const files = {
    'orrery.yaml': 'project: runs\n',
    'dvc.yaml': PIPELINE,
    'raw.txt': 'raw\n',
    '.dvc/config': '',
    '.dvc/.gitignore': '/config.local\n/tmp\n/cache\n',
    '.gitignore': '/first.txt\n/second.txt\n/third.txt\n',
  }
  for (const [path, text] of Object.entries(files)) await writeFile(join(origin, path), text)
  git('init', '--quiet', '--initial-branch', 'main')
  git('add', '--all')
  git('commit', '--quiet', '--message', 'Start')
  port = await freePort()
  await start()
  sure(await client.post('/api/v1/projects', { origin }))
}, 60_000)
afterAll(async () => {
  await server.family.end()
  await rm(home, { recursive: true, force: true })
})

async function start(): Promise<void> {
  server = await spawnServer({ home, port, environment: { ORRERY_LOG_LEVEL: 'warn' } })
  client = clientOf(server.url)
}

function git(...args: string[]): string {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost']
  return execFileSync('git', [...who, ...args], { cwd: origin, encoding: 'utf8' })
}

async function runUntil(id: string, isSo: (run: ShownRunDetail) => boolean, what: string) {
  return eventually(
    async () => sure(await client.get<ShownRunDetail>(`/api/v1/run-requests/${id}`)),
    isSo,
    { what, ...PATIENCE },
  )
}

const ranSoFar = async () =>
  (await readFile(counted, 'utf8').catch(() => '')).trim().split('\n').filter(Boolean)

const statesOf = ({ stages }: ShownRunDetail) =>
  Object.fromEntries(stages.map(({ stage, state }) => [stage, state]))

async function ask(id: string): Promise<void> {
  const answer = await fetch(`${server.url}/api/v1/run-requests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': id },
    body: JSON.stringify({ project: 'runs', variables: { COUNTED: counted } }),
  })
  expect(answer.status).toBe(202)
}

test('a run whose server is killed in the midst of a stage, and again while it waits for approval, ends as an undisturbed one', async () => {
  await ask('disturbed')
  await eventually(ranSoFar, (ran) => ran.includes('second'), { what: 'second runs', ...PATIENCE })
  await server.kill()
  await start()
  const resumed = await runUntil(
    'disturbed',
    (run) => run.pipelineRuns.length === 2 && statesOf(run)['second'] === 'running',
    'second runs again',
  )
  expect(statesOf(resumed)).toEqual({ first: 'succeeded', second: 'running', third: 'queued' })
  await writeFile(`${counted}.go`, '')
  await runUntil('disturbed', ({ state }) => state === 'waiting', 'it waits for approval')
  await server.kill()
  await start()
  const waiting = await runUntil('disturbed', () => true, 'it is there')
  expect(statesOf(waiting)).toEqual({ first: 'succeeded', second: 'succeeded', third: 'waiting' })
  const log = await client.get<{ text: string }>('/api/v1/run-requests/disturbed/stages/second/log')
  expect(sure(log).text).toBe('through\n')
  sure(await client.post('/api/v1/run-requests/disturbed/approve', { stage: 'third' }))
  const ended = await runUntil('disturbed', ({ ended: at }) => at !== null, 'it ends')
  expect(ended).toMatchObject({ state: 'succeeded', lockBranch: 'orrery/disturbed' })
  // What was finished was not run again; what was cut short was.
  expect(await ranSoFar()).toEqual(['first', 'second', 'second', 'third'])

  await rm(join(home, 'data'), { recursive: true, force: true })
  await ask('undisturbed')
  await runUntil('undisturbed', ({ state }) => state === 'waiting', 'it waits for approval')
  sure(await client.post('/api/v1/run-requests/undisturbed/approve', { stage: 'third' }))
  const other = await runUntil('undisturbed', ({ ended: at }) => at !== null, 'it ends')
  expect(statesOf(other)).toEqual(statesOf(ended))
  expect(git('show', 'orrery/disturbed:dvc.lock')).toBe(git('show', 'orrery/undisturbed:dvc.lock'))
  expect(existsSync(join(home, 'runs', 'disturbed'))).toBe(false)
}, 180_000)
