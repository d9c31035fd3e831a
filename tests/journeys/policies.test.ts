import Sqlite from 'better-sqlite3'
import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../simulation/kill/client.ts'
import { runCommand } from '../support/command.ts'
import { freePort, spawnServer, type ServerProcess } from '../support/process.ts'

const PATIENCE = { withinMs: 120_000 }
const SECRET = 'a secret for tests alone'
const HOUR_MS = 3_600_000
/** It struck a while ago and will not strike while this runs. */
const STRUCK_MS = Math.floor(Date.now() / 60_000) * 60_000 - 20 * 60_000
const HOURLY = `${new Date(STRUCK_MS).getUTCMinutes()} * * * *`

const CONFIG = `project: flights
hooks: { build: { from: github, secret: TEST_HOOK_SECRET } }
tables: { people: { delta: people } }
policies:
  latest: { on: [schedule: { cron: "${HOURLY}", timezone: Europe/Berlin }], run: note }
  every: { on: [schedule: { cron: "${HOURLY}", catch_up: all }], run: note }
  never: { on: [schedule: { cron: "${HOURLY}", catch_up: none }], run: note }
  fresh: { on: [data: data/raw], run: note }
  table: { on: [delta: people], run: note }
  pushed: { on: [push: release], run: note }
  called: { on: [webhook: build], run: note }
  asked: { on: [manual], run: note, budget: { runs: 2, per: 1h } }
  again:
    on: [event: { type: policy-run-finished, where: { policy: again } }]
    run: note
    set: [nowhere.to.be.found=1]
`

let server: ServerProcess
let place: string
let origin: string
let home: string
let port: number

interface Entry {
  position: number
  type: string
  data: Record<string, unknown>
}

interface PolicyRun {
  id: string
  policy: string
  cause: number
  state: string
  reason: string | null
}

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'orrery-policies-'))
  origin = join(place, 'origin')
  home = join(place, 'home')
  port = await freePort()
  await writeProject()
  await start()
  await post('/projects', { origin })
})
afterAll(async () => {
  await server.family.end()
  await rm(place, { recursive: true, force: true })
})

async function writeProject(): Promise<void> {
  await mkdir(join(origin, '.dvc'), { recursive: true })
  await mkdir(join(origin, 'data'), { recursive: true })
  const stage = 'echo "$ORRERY_CAUSE $ORRERY_DATE" > note.txt'
  const files = {
    'orrery.yaml': CONFIG,
    'dvc.yaml': `stages: { note: { cmd: '${stage}', outs: [note.txt], always_changed: true } }\n`,
    '.dvc/config': '',
    '.dvc/.gitignore': '/config.local\n/tmp\n/cache\n',
    '.gitignore': '/note.txt\n/people\n/data/raw\n',
  }
  for (const [path, text] of Object.entries(files)) await writeFile(join(origin, path), text)
  await tableVersion(0)
  git('init', '--quiet', '--initial-branch', 'main')
  commit('Start')
  git('branch', 'release')
}

async function start(): Promise<void> {
  const environment = { ORRERY_WATCH_INTERVAL_MS: '300', TEST_HOOK_SECRET: SECRET }
  server = await spawnServer({ home, port, environment })
}

/** Ends the server as the operating system would, and starts it again. */
async function killed(meanwhile: () => void = () => undefined): Promise<void> {
  await server.kill()
  await server.family.end()
  meanwhile()
  await start()
}

async function tableVersion(version: number): Promise<void> {
  const log = join(origin, 'people', '_delta_log')
  await mkdir(log, { recursive: true })
  await writeFile(join(log, `${String(version).padStart(20, '0')}.json`), '{}\n')
}

function git(...args: string[]): string {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost']
  return execFileSync('git', [...who, ...args], { cwd: origin, encoding: 'utf8' }).trim()
}

function commit(message: string): void {
  git('add', '--all')
  git('commit', '--quiet', '--allow-empty', '--message', message)
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer = (await response.json()) as T & { detail?: string }
  if (!response.ok) throw new Error(`${response.status} ${answer.detail}`)
  return answer
}

const get = <T>(path: string) => call<T>('GET', path)
const post = <T>(path: string, body: unknown = {}) => call<T>('POST', path, body)

async function entries(...types: string[]): Promise<Entry[]> {
  const query = types.map((type) => `type=${type}`).join('&')
  const page = await get<{ entries: Entry[] }>(`/ledger/entries?limit=200&${query}`)
  return page.entries
}

const firedFor = async (policy: string) =>
  (await entries('policy-fired')).filter(({ data }) => data['policy'] === policy)

async function runsOf(policy: string): Promise<PolicyRun[]> {
  const page = await get<{ policyRuns: PolicyRun[] }>(`/policy-runs?policy=${policy}&limit=200`)
  return page.policyRuns
}

/** So many runs of a policy have ended well, and no more come. */
async function ended(policy: string, count: number): Promise<PolicyRun[]> {
  const runs = await eventually(
    () => runsOf(policy),
    (each) =>
      each.length >= count && each.every(({ state }) => state !== 'running' && state !== 'queued'),
    { what: `${count} runs of ${policy} end`, ...PATIENCE },
  )
  expect(runs.map(({ state, reason }) => [state, reason])).toEqual(
    Array.from({ length: count }, () => ['succeeded', null]),
  )
  const fired = await firedFor(policy)
  expect(new Set(fired.map(({ data }) => data['cause'])).size).toBe(count)
  expect(fired).toHaveLength(count)
  return runs
}

test('schedules that passed while the server was down are caught up with as each says, once', async () => {
  await eventually(
    () => get<{ ticks: unknown[] }>('/policy-ticks'),
    ({ ticks }) => ticks.length > 0,
    { what: 'schedules are known', ...PATIENCE },
  )
  await sleep(1500)
  expect(await entries('schedule-ticked')).toEqual([])
  // As if it had been down since before it struck twice.
  const before = STRUCK_MS - HOUR_MS - 60_000
  const longAgo = () => {
    const database = new Sqlite(join(home, 'orrery.db'))
    const { changes } = database
      .prepare(`update trigger_marks set value = ? where kind = 'schedule'`)
      .run(String(before))
    database.close()
    expect(changes).toBe(3)
  }
  await killed(longAgo)
  await eventually(
    () => entries('schedule-ticked', 'schedule-missed'),
    (told) => told.length >= 4,
    { what: 'what passed is told', ...PATIENCE },
  )
  await killed()
  await ended('latest', 1)
  await ended('every', 2)
  expect(await firedFor('never')).toEqual([])
  const [missed] = await entries('schedule-missed')
  expect(missed?.data).toMatchObject({ policy: 'never', count: 2 })
  const [late] = await firedFor('latest')
  expect(late?.data['why']).toContain('in place of 1 tick before it')
})

test('a push, new data and a new version of a table are seen from outside, once each', async () => {
  const hash = (letter: string) => letter.repeat(32)
  const track = (letter: string) =>
    writeFile(
      join(origin, 'data', 'raw.dvc'),
      `outs:\n- md5: ${hash(letter)}\n  size: 1\n  hash: md5\n  path: raw\n`,
    )
  await eventually(
    async () => {
      const database = new Sqlite(join(home, 'orrery.db'), { readonly: true })
      const { count } = database
        .prepare(`select count(*) as count from trigger_marks where kind in ('branch', 'table')`)
        .get() as { count: number }
      database.close()
      return count
    },
    (count) => count >= 3,
    { what: 'branches and tables were looked at', ...PATIENCE },
  )
  git('branch', '--force', 'release', git('commit-tree', 'HEAD^{tree}', '-m', 'Release'))
  await tableVersion(1)
  await ended('pushed', 1)
  await ended('table', 1)
  const [{ data } = { data: {} }] = await entries('branch-pushed')
  expect(data).toMatchObject({ branch: 'release', commit: git('rev-parse', 'release') })
  // Its bytes are nowhere, which is not what is asked here: that it fires, and once.
  await track('a')
  commit('Track data')
  await eventually(
    () => firedFor('fresh'),
    (fired) => fired.length > 0,
    {
      what: 'new data is seen',
      ...PATIENCE,
    },
  )
  await sleep(1000)
  expect(await firedFor('fresh')).toHaveLength(1)
  git('rm', '--quiet', 'data/raw.dvc')
  commit('Track it no more')
  await post('/projects/flights/sync')
})

test('a delivery counts once, whoever sends it again and whatever is killed', async () => {
  const send = async (body: string, delivery: string) => {
    const signature = createHmac('sha256', SECRET).update(body).digest('hex')
    const response = await fetch(`${server.url}/hooks/flights/build`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'workflow_run',
        'x-github-delivery': delivery,
        'x-hub-signature-256': `sha256=${signature}`,
      },
      body,
    })
    return response.status
  }
  const at = Array.from({ length: 5 }, (_, index) => send('{"id":1}', String(index)))
  expect((await Promise.all(at)).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 200, 202])
  await killed()
  expect(await send('{"id":1}', 'later')).toBe(200)
  await ended('called', 1)
})

test('a person sets a policy off, is told what it decides, and its budget holds for people too', async () => {
  const orrery = async (...args: string[]) => {
    const { code, out, err } = await runCommand(place, [...args, '--url', server.url])
    expect(err).toBe('')
    expect(code).toBe(0)
    return out
  }
  const size = (await entries('policy-fired', 'policy-skipped', 'policy-triggered')).length
  expect(await orrery('policies', 'test', 'asked')).toMatch(
    /asked runs note because somebody asked/,
  )
  expect((await entries('policy-fired', 'policy-skipped', 'policy-triggered')).length).toBe(size)
  expect(await orrery('trigger', 'flights/asked', '-m', 'a try')).toMatch(
    /ran .*asked runs note because local asked for it: a try/,
  )
  await ended('asked', 1)
  await orrery('trigger', 'asked')
  await ended('asked', 2)
  expect(await orrery('trigger', 'asked')).toMatch(/its budget of 2 runs per 1h is spent/)
  expect(await orrery('policies', 'list')).toMatch(/flights\/latest .*Europe\/Berlin/)
  expect(await orrery('policies', 'show', 'asked')).toMatch(/budget +2 of 2 per 1h spent/)
  expect(await orrery('policies', 'next', '--limit', '3')).toMatch(/\* Europe\/Berlin/)
})

test('a policy that waits for its own end comes to an end', async () => {
  await post('/policies/flights/again/trigger', {})
  const skipped = await eventually(
    async () => (await entries('policy-skipped')).filter(({ data }) => data['policy'] === 'again'),
    (found) => found.length > 0,
    { what: 'it is told where it ends', ...PATIENCE },
  )
  expect(skipped[0]?.data['why']).toContain('5 times in a row')
  expect((await runsOf('again')).map(({ state }) => state)).toEqual(Array(6).fill('failed'))
})

test('a backfill runs each date once, some at a time, though the server is killed', async () => {
  const command = ['backfill', 'flights', 'note', '--from', '2026-01-01', '--to', '2026-01-04']
  const asked = await runCommand(place, [...command, '-j', '2', '--json', '--url', server.url])
  const { id } = JSON.parse(asked.out) as { id: string }
  await sleep(1500)
  await killed()
  const done = await eventually(
    () => get<{ state: string; counts: object }>(`/backfills/${id}`),
    ({ state }) => state !== 'running',
    { what: 'the backfill ends', ...PATIENCE },
  )
  expect(done).toMatchObject({ state: 'succeeded', counts: { succeeded: 4, failed: 0 } })
  const requested = (await entries('run-requested')).map(({ data }) => String(data['request']))
  expect(requested.filter((request) => request.startsWith(id)).toSorted()).toEqual(
    Array.from({ length: 4 }, (_, number) => `${id}.${number}.1`),
  )
})
