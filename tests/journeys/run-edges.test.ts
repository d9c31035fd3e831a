import { execFileSync, spawn } from 'node:child_process'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ShownRunDetail, ShownRunRequest } from '#protocols/api/run-requests-wire'
import { clientOf, eventually, sure, type Client } from '../simulation/kill/client.ts'
import { MAIN } from '../support/orrery.ts'
import { freePort, spawnServer, type ServerProcess } from '../support/process.ts'

const PATIENCE = { withinMs: 90_000 }
const MIB = 1024 * 1024

let home: string
let port: number
let server: ServerProcess
let client: Client
let said = ''

const PIPELINE = `stages:
  slow:
    cmd: echo first; while ! [ -e $GO ]; do sleep 0.05; done; echo last
    meta: { hermetic: false }
  loud:
    cmd: echo the beginning; yes 0123456789012345678901234567890123456789 | head -c 104857600; echo; echo the end
    meta: { hermetic: false }
  deploy:
    cmd: echo deployed
    meta: { hermetic: false, approval: { timeout: 1s } }
`

const LANES = 'project: lanes\npolicies:\n  by-hand: { on: [manual], run: brief }\n'
const BRIEF =
  'stages:\n  brief: { cmd: sleep 0.2, always_changed: true, meta: { hermetic: false } }\n'

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-run-edges-'))
  const origins = [
    await originOf('edges', { 'orrery.yaml': 'project: edges\n', 'dvc.yaml': PIPELINE }),
    await originOf('lanes', { 'orrery.yaml': LANES, 'dvc.yaml': BRIEF }),
  ]
  port = await freePort()
  await start()
  for (const origin of origins) sure(await client.post('/api/v1/projects', { origin }))
}, 60_000)
afterAll(async () => {
  await server.family.end()
  await rm(home, { recursive: true, force: true })
})

async function start(): Promise<void> {
  server = await spawnServer({ home, port, environment: { ORRERY_LOG_LEVEL: 'info' } })
  server.family.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  client = clientOf(server.url)
}

/** A repository with these files. */
async function originOf(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(home, name)
  await mkdir(join(folder, '.dvc'), { recursive: true })
  await writeFile(join(folder, '.dvc', 'config'), '')
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text)
  git(folder, 'init', '--quiet', '--initial-branch', 'main')
  git(folder, 'add', '--all')
  git(folder, 'commit', '--quiet', '--message', 'Start')
  return folder
}

function git(folder: string, ...args: string[]): string {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost']
  return execFileSync('git', [...who, ...args], { cwd: folder, encoding: 'utf8' })
}

const shown = async (id: string) =>
  sure(await client.get<ShownRunDetail>(`/api/v1/run-requests/${id}`))

const until = (id: string, isSo: (run: ShownRunDetail) => boolean, what: string) =>
  eventually(() => shown(id), isSo, { what, ...PATIENCE })

const over = (id: string) => until(id, ({ ended }) => ended !== null, `${id} ends`)

const ask = async (body: object) =>
  sure(await client.post<ShownRunRequest>('/api/v1/run-requests', { project: 'edges', ...body }))

const stateOf = ({ stages }: ShownRunDetail, name: string) =>
  stages.find(({ stage }) => stage === name)?.state

/** Server-sent events of an address, until one of that name or text has come. */
async function followed(path: string, end: string, headers = {}): Promise<string> {
  const leaving = new AbortController()
  const { body } = await fetch(`${server.url}${path}`, { headers, signal: leaving.signal })
  let text = ''
  for await (const chunk of body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes(end)) break
  }
  leaving.abort()
  return text
}

test('a stage that nobody approves in time fails its run, and the ledger says so', async () => {
  const { id } = await ask({ targets: ['deploy'] })
  const ended = await over(id)
  expect(ended).toMatchObject({
    state: 'failed',
    reason: 'nobody approved stage deploy in time; run it again to ask again',
    approvals: [{ stage: 'deploy', outcome: 'timed-out' }],
  })
  const { entries } = sure(
    await client.get<{ entries: object[] }>(
      '/api/v1/ledger/entries?limit=1&type=stage-approval-timed-out',
    ),
  )
  expect(entries).toMatchObject([{ data: { request: id, stage: 'deploy' } }])
  await expect(
    client.post(`/api/v1/run-requests/${id}/approve`, { stage: 'deploy' }),
  ).rejects.toThrow(/409.*was timed-out already/)
}, 120_000)

test('Ctrl-C leaves the run alone and says how to go on; one log is followed, also after the server was killed', async () => {
  const go = join(home, 'go')
  const args = ['run', 'edges', 'slow', '-e', `GO=${go}`, '--url', server.url]
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: home })
  let [out, err] = ['', '']
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    if (out.includes('slow | first')) child.kill('SIGINT')
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  const id = /^run (\S+)/m.exec(out)?.[1] ?? ''
  expect({ code, err }).toEqual({
    code: 130,
    err: `\nThe run goes on at the server.\n  orrery run logs ${id} -f   follows it again\n  orrery run cancel ${id}    ends it\n`,
  })
  expect((await shown(id)).state).toBe('running')

  const log = `/api/v1/run-requests/${id}/stages/slow/log`
  expect(await followed(`${log}?follow=true`, 'first')).toContain('"text":"first\\n"')
  await server.kill()
  await start()
  await until(
    id,
    (run) => run.pipelineRuns.length === 2 && stateOf(run, 'slow') === 'running',
    'slow runs again',
  )
  const first = await followed(`${log}?follow=true`, 'first')
  const at = /^id: (\d+)$/m.exec(first)?.[1] ?? ''
  const rest = followed(`${log}?follow=true`, 'event: end', { 'last-event-id': at })
  await writeFile(go, '')
  const told = await rest
  expect(told).toContain('"text":"last\\n"')
  expect(told).not.toContain('first')
  expect((await over(id)).state).toBe('succeeded')
  expect(await server.stop()).toBe(0)
  await start()
  expect(await followed(`${log}?follow=true`, 'event: end')).toContain('"text":"first\\nlast\\n"')
}, 180_000)

test('of a stage that prints 100 MiB the beginning and the end are kept, and no more than 32 MiB', async () => {
  const { id } = await ask({ targets: ['loud'] })
  expect((await over(id)).state).toBe('succeeded')
  const page = async (from: number) =>
    sure(
      await client.get<{ text: string; size: number; complete: boolean }>(
        `/api/v1/run-requests/${id}/stages/loud/log?from=${from}`,
      ),
    )
  const begin = await page(0)
  expect(begin.text.startsWith('the beginning\n0123456789')).toBe(true)
  const end = await page(Math.max(0, begin.size - 100))
  expect(end).toMatchObject({ complete: true })
  expect(end.text.endsWith('\nthe end\n')).toBe(true)
  const logs = join(home, 'stage-logs')
  const sizes = (await readdir(logs, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.parentPath.includes('loud'))
    .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size)
  const kept = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  expect(kept).toBeLessThanOrEqual(33 * MIB)
}, 240_000)

test('two triggers at once run one after the other, and what is asked twice at once under one name is one run', async () => {
  const path = '/api/v1/policies/lanes/by-hand/trigger'
  const decided = await Promise.all([client.post(path, {}), client.post(path, {})])
  expect(decided.map((each) => sure(each))).toHaveLength(2)
  const runs = await eventually(
    async () =>
      sure(
        await client.get<{ runRequests: ShownRunRequest[] }>(
          '/api/v1/run-requests?project=lanes&branch=main&limit=50',
        ),
      ).runRequests.filter(({ cause }) => cause !== null),
    (found) => found.length === 2 && found.every(({ ended }) => ended !== null),
    { what: 'both runs end', ...PATIENCE },
  )
  const [second, first] = runs
  expect(runs.map(({ state }) => state)).toEqual(['succeeded', 'succeeded'])
  expect(Date.parse(second?.started ?? '')).toBeGreaterThanOrEqual(Date.parse(first?.ended ?? ''))

  const once = { project: 'lanes' }
  const answers = await Promise.all(
    Array.from({ length: 5 }, () =>
      client.post<ShownRunRequest>('/api/v1/run-requests', once, { 'idempotency-key': 'once' }),
    ),
  )
  expect(new Set(answers.map((each) => sure(each).id))).toEqual(new Set(['once']))
  const behind = await ask({ project: 'lanes' })
  const [one, other] = [await over('once'), await over(behind.id)]
  expect(one.pipelineRuns).toEqual(['once.1'])
  expect(Date.parse(other.started ?? '')).toBeGreaterThanOrEqual(Date.parse(one.ended ?? ''))
}, 180_000)

test('the password of an origin is told to Git alone: not to the API, the ledger or the log', async () => {
  const files = { 'orrery.yaml': 'project: keyed\n', 'dvc.yaml': BRIEF }
  const keyed = await originOf('keyed', files)
  git(keyed, 'update-server-info')
  let password = 'hunter2'
  const host = await servedBy(join(keyed, '.git'), () => `ada:${password}`)
  try {
    const place = `127.0.0.1:${(host.address() as { port: number }).port}/`
    const add = async (secret: string) => {
      const answer = await fetch(`${server.url}/api/v1/projects`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ origin: `http://ada:${secret}@${place}` }),
      })
      return `${answer.status} ${await answer.text()}`
    }
    const answers = [await add('wrong-one'), await add('hunter2')]
    password = 'hunter3'
    const late = await fetch(`${server.url}/api/v1/projects/keyed/sync`, { method: 'POST' })
    answers.push(`${late.status} ${await late.text()}`, await add('hunter3'))
    const run = sure(
      await client.post<ShownRunRequest>('/api/v1/run-requests', {
        project: 'keyed',
      }),
    )
    const ended = await over(run.id)
    expect(ended.state).toBe('succeeded')
    expect(answers.map((each) => each.slice(0, 3))).toEqual(['400', '200', '400', '200'])
    expect(answers[1]).toContain(`"origin":"http://***@${place}"`)
    for (const path of ['projects', 'projects/keyed', 'ledger/entries?limit=200', 'run-requests'])
      answers.push(JSON.stringify(sure(await client.get(`/api/v1/${path}`))))
    answers.push(JSON.stringify(ended), server.family.log(), said)
    for (const each of answers) expect(each).not.toMatch(/hunter\d|wrong-one/)
  } finally {
    host.close()
  }
}, 120_000)

/** Files of a folder for those who know user and password: Git needs no more to read from. */
async function servedBy(folder: string, known: () => string): Promise<Server> {
  const host = createServer(({ headers, url = '' }, response) => {
    const given = Buffer.from(headers.authorization?.replace('Basic ', '') ?? '', 'base64')
    const path = join(folder, new URL(url, 'http://x').pathname)
    if (given.toString() !== known())
      return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    if (!existsSync(path)) return response.writeHead(404).end()
    return createReadStream(path)
      .on('error', () => response.end())
      .pipe(response)
  })
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
  return host
}
