import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAnalytics, rowsOf, sql } from '#stores/analytics/duckdb/index'
import { eventually } from '../simulation/kill/client.ts'
import { askingOf } from '../support/asking.ts'
import { runCommand } from '../support/command.ts'
import { FLIGHTS, writeModel } from '../support/models.ts'
import { freePort, spawnServer, type ServerProcess } from '../support/process.ts'

// What a policy does from a finding on, with a real server: one team, one endpoint, one day; each test goes on from the one before.

const PATIENCE = { withinMs: 100_000 }
const HOUR_MS = 3_600_000
const START_MS = Date.parse('2024-01-01T00:00:00Z')
const ROWS = 120

const CONFIG = `project: late
models:
  late:
    from: train
    aliases: { champion: { protected: true } }
    checks:
      - better_than: { alias: champion, metric: accuracy, by: 0.1, confidence: 0.99 }
endpoints:
  late:
    model: models:/late@champion
    # Nobody asks so often: a person says how it goes on.
    rollout: { steps: [50, 100], every: 1s, min_samples: 100000 }
    monitor:
      window: { size: 1h, by: at }
      key: id
      label: late
      settle: 0s
      min_samples: 10
      performance: { metric: accuracy, min: 0.6, persistence: { windows: 3, of: 3 } }
policies:
  begin:
    on: [manual]
    run: train
    data: { data/recent: { last: 2, of: data/raw.csv } }
    set: ["model=flights-contrary"]
    cooldown: 0s
    then: promote late@champion
  learn:
    on: [performance: late]
    run: train
    data:
      data/recent: { last: 2, of: data/raw.csv }
      data/live.parquet: { window: 3h, holdout: 1h }
    cooldown: 3h
    backoff: { after: 3 }
    then: promote late@champion
  look:
    on: [alert: { endpoint: late, kind: quality, subject: distance, severity: critical }]
    run: train
    data: { data/recent: { last: 1, of: data/raw.csv }, data/live.parquet: window }
    cooldown: 12h
`

/** Registers one of two models, which say the contrary of each other, and keeps what it was given. */
const TRAIN = `import { readdir, readFile, writeFile } from 'node:fs/promises'

const { MLFLOW_TRACKING_URI: url, MLFLOW_RUN_ID: run } = process.env
const send = async (method, path, body) => {
  const json = !Buffer.isBuffer(body)
  const answer = await fetch(url + path, {
    method,
    body: json ? JSON.stringify(body) : body,
    headers: json ? { 'content-type': 'application/json' } : {},
  })
  if (!answer.ok) throw new Error(path + ': ' + answer.status + ' ' + await answer.text())
  return answer
}
const API = '/api/2.0/mlflow'
const { run: { info } } = await (await fetch(url + API + '/runs/get?run_id=' + run)).json()
const folder = info.artifact_uri.replace(/^mlflow-artifacts:\\/*/, '')
const put = async (path, file) =>
  send('PUT', '/api/2.0/mlflow-artifacts/artifacts/' + folder + '/' + path, await readFile(file))
const name = (await readFile('params.yaml', 'utf8')).match(/model: *(\\S+)/)[1]
for (const file of ['model.onnx', 'MLmodel']) await put('model/' + file, 'models/' + name + '/' + file)
await put('given/live.parquet', 'data/live.parquet')
const texts = []
for (const file of (await readdir('data/recent')).sort()) texts.push(await readFile('data/recent/' + file, 'utf8'))
await writeFile('recent.txt', texts.join(''))
await put('given/recent.txt', 'recent.txt')
await send('POST', API + '/model-versions/create', { name: 'late', source: info.artifact_uri + '/model', run_id: run })
await writeFile('trained.txt', run)
`

let place: string
let origin: string
let server: ServerProcess

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'orrery-alert-policies-'))
  origin = join(place, 'origin')
  await writeProject()
  server = await spawnServer({ home: join(place, 'home'), port: await freePort() })
  await mlflow('registered-models/create', { name: 'late' })
  await ask('POST', '/projects', { origin })
}, 60_000)
afterAll(async () => {
  await server.family.end()
  await rm(place, { recursive: true, force: true })
})

async function writeProject(): Promise<void> {
  await mkdir(join(origin, '.dvc'), { recursive: true })
  await mkdir(join(origin, 'data'))
  for (const name of ['flights', 'flights-contrary'])
    await writeModel({ ...FLIGHTS, file: `${name}.onnx` }, join(origin, 'models', name))
  const remote = `[core]\n    remote = store\n['remote "store"']\n    url = ${join(place, 'store')}\n`
  const stage = `stages:
  train:
    cmd: '"${process.execPath}" train.mjs'
    deps: [models, data/recent, data/live.parquet, train.mjs]
    params: [model]
    outs: [trained.txt, recent.txt]
`
  const files = {
    'orrery.yaml': CONFIG,
    'dvc.yaml': stage,
    'params.yaml': 'model: flights\n',
    'train.mjs': TRAIN,
    '.dvc/config': remote,
    '.dvc/.gitignore': '/config.local\n/tmp\n/cache\n',
    '.gitignore': '/trained.txt\n/recent.txt\n',
  }
  for (const [path, text] of Object.entries(files)) await writeFile(join(origin, path), text)
  git('init', '--quiet', '--initial-branch', 'main')
  const first = join(place, 'first.parquet')
  const analytics = openAnalytics({ threads: 1 })
  await analytics.writeParquet(first, {
    columns: [
      { name: 'at', type: 'time' },
      { name: 'carrier', type: 'text' },
      { name: 'hour', type: 'double' },
      { name: 'distance', type: 'double' },
      { name: 'late', type: 'integer' },
    ],
    rows: hourOf(-1).map(({ at, carrier, hour, distance }, row) => [
      Date.parse(at),
      carrier,
      hour,
      distance,
      row % 2,
    ]),
  })
  await analytics.close()
  await track('data/live.parquet', await readFile(first))
  for (const text of ['one\n', 'two\n', 'three\n']) await track('data/raw.csv', Buffer.from(text))
}

/** What `dvc add` and `dvc push` would leave, committed. */
async function track(path: string, bytes: Buffer): Promise<void> {
  const md5 = createHash('md5').update(bytes).digest('hex')
  const folder = join(place, 'store', 'files', 'md5', md5.slice(0, 2))
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, md5.slice(2)), bytes)
  const name = path.split('/').at(-1)
  const out = `outs:\n- md5: ${md5}\n  size: ${bytes.length}\n  hash: md5\n  path: ${name}\n`
  await writeFile(join(origin, `${path}.dvc`), out)
  git('add', '--all')
  git('commit', '--quiet', '--message', `Track ${path}`)
}

function git(...args: string[]): string {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost']
  return execFileSync('git', [...who, ...args], { cwd: origin, encoding: 'utf8' })
}

const ask = askingOf(() => server.url)

async function mlflow<T>(path: string, body: unknown): Promise<T> {
  const answer = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(answer.status).toBe(200)
  return (await answer.json()) as T
}

async function orrery(...args: string[]): Promise<string> {
  const { code, out, err } = await runCommand(place, [...args, '--url', server.url])
  expect([code, err]).toEqual([0, ''])
  return out
}

interface Row {
  id: string
  at: string
  carrier: string
  hour: number
  distance: number
}

/** The flights of an hour: half of them leave in the afternoon. */
function hourOf(number: number): Row[] {
  return Array.from({ length: ROWS }, (_, row) => ({
    id: `${number}-${row}`,
    at: new Date(START_MS + number * HOUR_MS + (row * HOUR_MS) / ROWS).toISOString(),
    carrier: ['AA', 'UA'][row % 2] as string,
    hour: row % 4 < 2 ? 6 + (row % 5) : 17 + (row % 5),
    distance: 200 + ((row * 37) % 2000),
  }))
}

/** An hour of event time: what was asked, what turned out to be true, and the word that it is over. */
async function live(
  number: number,
  { afternoons = 1, scale = 1 }: { afternoons?: 0 | 1; scale?: number } = {},
): Promise<void> {
  const rows = hourOf(number)
  const records = rows.map((row) => ({ ...row, distance: row.distance * scale }))
  await ask('POST', '/endpoints/late/predictions', { records })
  const truths = rows.map(({ id, hour }, row) => {
    const late = hour > 14 ? afternoons : 1 - afternoons
    return { key: id, label: row % 10 === 0 ? 1 - late : late }
  })
  await ask('POST', '/endpoints/late/ground-truth', { truths })
  const time = new Date(START_MS + (number + 1) * HOUR_MS).toISOString()
  await ask('POST', '/endpoints/late/watermark', { time })
  await eventually(
    () =>
      ask<{ windows: { start: string; performance: unknown }[] }>(
        'GET',
        '/endpoints/late/windows?limit=5',
      ),
    ({ windows }) =>
      windows.some(({ start, performance }) => start === rows[0]?.at && performance !== null),
    { what: `hour ${number} is judged`, ...PATIENCE },
  )
}

/** All that a version came about by. */
async function originsOf(version: string): Promise<string> {
  const path = `/lineage?kind=model-version&id=${version}&direction=back`
  return JSON.stringify(await ask('GET', path))
}

interface Entry {
  position: number
  type: string
  data: Record<string, unknown> & { why: string; reason: string }
}

async function facts(type: string): Promise<Entry['data'][]> {
  const { entries } = await ask<{ entries: Entry[] }>(
    'GET',
    `/ledger/entries?limit=200&type=${type}`,
  )
  return entries.map(({ data }) => data)
}

interface PolicyRun {
  id: string
  state: string
  reason: string | null
  modelVersion: string | null
  promotion: string | null
  pipelineRun: string
}

async function over(policy: string, count: number): Promise<PolicyRun> {
  const { policyRuns } = await eventually(
    () => ask<{ policyRuns: PolicyRun[] }>('GET', `/policy-runs?policy=${policy}`),
    (page) =>
      page.policyRuns.length === count &&
      page.policyRuns.every(({ state }) => state !== 'running' && state !== 'queued'),
    { what: `run ${count} of ${policy} ends`, ...PATIENCE },
  )
  return policyRuns[0] as PolicyRun
}

async function ended(policy: string, count: number): Promise<PolicyRun> {
  const run = await over(policy, count)
  expect(run).toMatchObject({ state: 'succeeded', reason: null })
  return run
}

async function until(
  type: string,
  holds: (data: Entry['data']) => boolean,
): Promise<Entry['data']> {
  const found = await eventually(
    async () => (await facts(type)).find(holds),
    (fact) => fact !== undefined,
    { what: `the ledger has ${type}`, ...PATIENCE },
  )
  return found as Entry['data']
}

async function champion(): Promise<number> {
  const answer = await fetch(
    `${server.url}/api/2.0/mlflow/registered-models/alias?name=late&alias=champion`,
  )
  const { model_version: found } = (await answer.json()) as { model_version: { version: string } }
  return Number(found.version)
}

/** A file that a run of the stage was given. */
async function given(version: number, name: string): Promise<Buffer> {
  const { model_version: found } = await ask0<{ model_version: { source: string } }>(
    `model-versions/get?name=late&version=${version}`,
  )
  const folder = found.source.replace(/^mlflow-artifacts:\/*/, '').replace(/\/model$/, '/given')
  const answer = await fetch(`${server.url}/api/2.0/mlflow-artifacts/artifacts/${folder}/${name}`)
  expect(answer.status).toBe(200)
  return Buffer.from(await answer.arrayBuffer())
}

async function ask0<T>(path: string): Promise<T> {
  return (await (await fetch(`${server.url}/api/2.0/mlflow/${path}`)).json()) as T
}

test('the last two versions of tracked data are given to a run, which leads back to both', async () => {
  expect(await orrery('policies', 'test', 'learn')).toMatch(
    /learn runs train on the last 2 versions of data\/raw.csv and what late predicted from .* to .* because the performance of late fell/,
  )
  expect(await orrery('trigger', 'begin')).toContain('on the last 2 versions of data/raw.csv')
  const { modelVersion } = await ended('begin', 1)
  expect(modelVersion).toBe('late/1')
  expect((await given(1, 'recent.txt')).toString()).toBe('two\nthree\n')
  const [taken] = await facts('run-data-taken')
  const md5 = (text: string) => createHash('md5').update(text).digest('hex')
  expect(taken).toMatchObject({
    path: 'data/recent',
    of: 'data/raw.csv',
    versions: [md5('three\n'), md5('two\n')],
  })
  const traced = await originsOf('late/1')
  for (const text of ['two\n', 'three\n']) expect(traced).toContain(`data/raw.csv@${md5(text)}`)
  expect(traced).not.toContain(md5('one\n'))
}, 120_000)

test('after a finding a run is given the rows of that time with their truths, and its model is compared on those held out', async () => {
  await eventually(
    () => ask<{ state: string }>('GET', '/endpoints/late'),
    ({ state }) => state === 'ready',
    { what: 'the endpoint answers', ...PATIENCE },
  )
  await live(0)
  // What is held out is all that there is so far.
  expect((await over('learn', 1)).reason).toMatch(
    /^of what late predicted from 2023-12-31T22.* nothing is known to be true yet, so data\/live.parquet would be empty/,
  )
  for (const hour of [1, 2, 3]) await live(hour)
  const run = await ended('learn', 2)
  expect(run.modelVersion).toBe('late/2')
  const file = join(place, 'given.parquet')
  await writeFile(file, await given(2, 'live.parquet'))
  const analytics = openAnalytics({ threads: 1 })
  const [rows] = await analytics.query(
    sql`select count(*)::int as "rows", count(distinct id)::int as ids, min("at") as "first", max("at") as "last",
        avg((late = (hour > 14)::int)::int) as afternoons from ${rowsOf([file])}`,
  )
  await analytics.close()
  expect(rows).toMatchObject({ rows: 2 * ROWS, ids: 2 * ROWS, first: new Date(START_MS + HOUR_MS) })
  expect(Number(rows?.['last'])).toBeLessThan(START_MS + 3 * HOUR_MS)
  expect(rows?.['afternoons']).toBeCloseTo(0.9)
  const traced = await originsOf('late/2')
  expect(traced).toContain(`late/${new Date(START_MS + 3 * HOUR_MS).toISOString()}`)
  expect(await facts('run-data-taken')).toContainEqual(
    expect.objectContaining({ path: 'data/live.parquet', endpoint: 'late', rows: 2 * ROWS }),
  )

  const { checks } = await ask<{ checks: { check: string; reason: string; evidence: object }[] }>(
    'GET',
    `/promotions/${run.promotion}`,
  )
  expect(checks[0]?.reason).toMatch(
    /^accuracy 0\.9\d* against 0\.1\d* on 120 labelled predictions that neither has seen: better by more than 0.1 .* \(it is better by 0\.\d+ to 0\.\d+\)$/,
  )
  expect(checks[0]?.evidence).toMatchObject({ metric: 'accuracy', rows: ROWS, asked: 0.99 })
}, 120_000)

test('a version that a person gives up is told of as rolled back, and the one before is champion again', async () => {
  await until('rollout-started', ({ to }) => to === 2)
  expect(await champion()).toBe(2)
  await orrery('rollout', 'abort', 'late', '--reason', 'not on a Friday')
  const outcome = await until('policy-outcome', ({ outcome: what }) => what === 'rolled-back')
  expect(outcome.why).toMatch(/^late\/2, which learn-\d+ made, is not kept: not on a Friday\.$/)
  expect(
    await eventually(champion, (version) => version === 1, { what: 'it is put back', ...PATIENCE }),
  ).toBe(1)
  const [moved] = await facts('model-alias-moved')
  expect(moved?.reason).toBe('version 2 was aborted at late: not on a Friday')
  expect(await orrery('policies', 'decisions', '--limit', '3')).toContain('late/2, which')
}, 120_000)

test('while it rests it says so; then the next version is kept', async () => {
  for (const hour of [4, 5, 6]) await live(hour)
  const rested = await facts('policy-skipped')
  expect(rested[0]?.why).toMatch(
    /^learn does nothing although the performance of late fell .*: it rests until/,
  )
  expect((await ended('learn', 3)).modelVersion).toBe('late/3')
  await until('rollout-started', ({ to }) => to === 3)
  await orrery('rollout', 'finish', 'late')
  const outcome = await until('policy-outcome', ({ outcome: what }) => what === 'kept')
  expect(outcome.why).toMatch(/^late\/3, which learn-\d+ made, is kept: its rollout is complete\.$/)
  expect(await champion()).toBe(3)
}, 120_000)

test('a version that is found wanting at once did not help, and after three runs of that kind the policy gives up for a while', async () => {
  await live(7, { afternoons: 0 })
  const outcome = await until('policy-outcome', ({ outcome: what }) => what === 'found-wanting')
  expect(outcome.why).toMatch(
    /^late\/3, which learn-\d+ made, did not help: performance-fell while/,
  )
  const gaveUp = await until('policy-gave-up', () => true)
  expect(gaveUp.why).toMatch(
    /^learn rests longer than else: 3 runs after one another did not help, the last of them learn-\d+;/,
  )
  // Three hours are over by then, which were enough before.
  for (const hour of [8, 9]) await live(hour, { afternoons: 0 })
  const skipped = await until('policy-skipped', ({ why }) => why.includes('longer than else'))
  expect(skipped.why).toContain('3 runs after one another did not help')
  expect(await facts('policy-gave-up')).toHaveLength(1)
}, 120_000)

test('a policy on an alert of one column runs on the very window in which it was found', async () => {
  await live(10, { afternoons: 0, scale: 1000 })
  await ended('look', 1)
  const fired = (await facts('policy-fired')).find(({ policy }) => policy === 'look')
  const [from, to] = [10, 11].map((hour) => `2024-01-01 ${String(hour).padStart(2, '0')}:00 UTC`)
  expect(fired?.why).toContain(
    `look runs train on the newest version of data/raw.csv and what late predicted from ${from} to ${to} because quality of distance at late is not as it should be in the window late/2024-01-01T10`,
  )
  const taken = (await facts('run-data-taken')).find(({ path }) => path === 'data/live.parquet')
  expect(taken).toMatchObject({
    from: '2024-01-01T10:00:00.000Z',
    to: '2024-01-01T11:00:00.000Z',
    rows: ROWS,
  })
  expect(await orrery('trigger', 'look')).toMatch(
    /look does nothing although .*: nothing was found that would say/,
  )
}, 60_000)
