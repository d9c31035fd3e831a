import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { verifyHome } from '#app/home/verify-home'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { openSqlStore } from '#stores/sql/index'
import { startPostgres, type Postgres } from '../support/postgres.ts'
import { runPython } from '../support/python.ts'
import { startFleet, type Fleet } from '../support/replicas.ts'
import { startS3, type S3Server } from '../support/s3.ts'
import { startTestServer } from '../support/server.ts'
import { startReceiver, type Receiver } from '../webhooks/receiver.ts'
import { persistentClient, sameTime, type Answer } from './replicas/client.ts'
import { fleetWriter } from './replicas/writer.ts'

const MLFLOW = '/api/2.0/mlflow'

let postgres: Postgres
let s3: S3Server
let receiver: Receiver
let database: string
let fleet: Fleet
const undo: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  ;[postgres, s3, receiver] = await Promise.all([
    startPostgres({ durable: true }),
    startS3(),
    startReceiver(),
  ])
}, 120_000)
afterAll(async () => {
  await Promise.all([postgres.stop(), s3.stop(), receiver.stop()])
})
beforeEach(async () => {
  database = await postgres.createDatabase()
})
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

async function start(size: number, settings: Record<string, string> = {}): Promise<Fleet> {
  fleet = await startFleet(size, { ORRERY_DATABASE: database, ...settings })
  undo.push(fleet.stop)
  return fleet
}

/** Three servers with their artifacts in one bucket. */
async function startOnBucket(): Promise<Fleet> {
  return start(3, {
    ORRERY_ARTIFACTS_DESTINATION: `s3://${await s3.createBucket()}/artifacts`,
    AWS_ENDPOINT_URL: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.owner.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.owner.secretAccessKey,
    AWS_REGION: 'us-east-1',
    ORRERY_WEBHOOK_SCHEMES: 'http',
    ORRERY_WEBHOOK_ALLOW_PRIVATE: 'true',
    ORRERY_DRAIN_MS: '2000',
  })
}

async function ask(index: number, method: string, path: string, body?: unknown): Promise<Answer> {
  return persistentClient(fleet.servers[index]?.url ?? '').once(method, path, body)
}

function statuses(answers: readonly Answer[]): number[] {
  return answers.map(({ status }) => status).toSorted((a, b) => a - b)
}

async function leaderNow(from = 0): Promise<number> {
  const { body } = await ask(from, 'GET', '/api/v1/replicas')
  const { replicas } = body as { replicas: { url: string; leads: boolean; there: boolean }[] }
  const url = replicas.find(({ leads, there }) => leads && there)?.url
  return fleet.servers.findIndex((server) => server.url === url)
}

async function untilLed(by: (index: number) => boolean, from: number): Promise<number> {
  for (const deadline = performance.now() + 15_000; ;) {
    const leader = await leaderNow(from)
    if (leader >= 0 && by(leader)) return leader
    if (performance.now() > deadline) throw new Error(`the server ${leader} leads`)
    await sleep(50)
  }
}

test('what is written through one server is read through any other at once, and one of those who compete wins', async () => {
  await startOnBucket()
  const wrong: string[] = []
  for (let round = 0; round < 6; round++) {
    // Three at once want one name, each at a server of its own.
    const models = await sameTime([0, 1, 2], (index) =>
      ask(index, 'POST', `${MLFLOW}/registered-models/create`, { name: `model-${round}` }),
    )
    const experiments = await sameTime([0, 1, 2], (index) =>
      ask(index, 'POST', `${MLFLOW}/experiments/create`, { name: `experiment-${round}` }),
    )
    for (const answers of [models, experiments]) expect(statuses(answers)).toEqual([200, 400, 400])
    const versions = await sameTime([0, 1, 2, 0, 1, 2], (index) =>
      ask(index, 'POST', `${MLFLOW}/model-versions/create`, {
        name: `model-${round}`,
        source: 's3://elsewhere/model',
      }),
    )
    const numbers = versions.map(({ body }) =>
      Number((body as { model_version: { version: string } }).model_version.version),
    )
    expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6])
    for (const [writer, reader] of [
      [0, 1],
      [1, 2],
      [2, 0],
    ] as const) {
      const alias = { name: `model-${round}`, alias: 'best', version: String(writer + 1) }
      await ask(writer, 'POST', `${MLFLOW}/registered-models/alias`, alias)
      const found = await ask(
        reader,
        'GET',
        `${MLFLOW}/registered-models/alias?name=model-${round}&alias=best`,
      )
      if (
        (found.body as { model_version: { version: string } }).model_version.version !==
        alias.version
      )
        wrong.push(`the alias of ${writer} at ${reader}`)
    }
  }
  expect(wrong).toEqual([])

  const view = { name: 'best', filter: '', columns: [], orderBy: [] }
  const made = await ask(0, 'POST', '/api/v1/views', view)
  const { id } = made.body as { id: string }
  const changes = await sameTime([0, 1, 2], (index) =>
    ask(index, 'PUT', `/api/v1/views/${id}`, { ...view, name: `by ${index}`, revision: 1 }),
  )
  expect(statuses(changes)).toEqual([200, 409, 409])

  // Bytes that one server has put are read at another.
  const { body } = await ask(0, 'POST', `${MLFLOW}/runs/create`, { experiment_id: '0' })
  const { run_id: run } = (body as { run: { info: { run_id: string } } }).run.info
  const file = `/api/2.0/mlflow-artifacts/artifacts/0/${run}/artifacts/a.txt`
  expect((await ask(1, 'PUT', file, 'some bytes')).status).toBe(200)
  expect((await ask(2, 'GET', file)).body).toBe('some bytes')
})

test('a page token of one server is good at every other, also after it was started again', async () => {
  await start(2)
  for (let n = 0; n < 7; n++)
    await ask(n % 2, 'POST', `${MLFLOW}/runs/create`, { experiment_id: '0', start_time: 1000 + n })
  const search = async (index: number, token?: string) => {
    const query = { experiment_ids: ['0'], max_results: 3, page_token: token }
    const { body } = await ask(index, 'POST', `${MLFLOW}/runs/search`, query)
    const { runs, next_page_token: next } = body as {
      runs: { info: { start_time: number } }[]
      next_page_token?: string
    }
    return { starts: runs.map(({ info }) => info.start_time), next }
  }
  const first = await search(0)
  const second = await search(1, first.next)
  await fleet.servers[0]?.end('stop')
  await fleet.servers[0]?.start()
  const third = await search(0, second.next)
  expect([...first.starts, ...second.starts, ...third.starts]).toEqual([
    1006, 1005, 1004, 1003, 1002, 1001, 1000,
  ])
})

test('clients that try again see no error when one of three servers is killed and another is stopped', async () => {
  await startOnBucket()
  const hook = { name: 'all', url: `${receiver.url}/`, events: ['model-version-registered'] }
  expect((await ask(1, 'POST', '/api/v1/webhooks', hook)).status).toBe(201)
  const client = persistentClient(fleet.url)
  await client.send('POST', `${MLFLOW}/registered-models/create`, { name: 'shared' })
  const stop = new AbortController()
  const others = fleet.servers.map(({ url }) => persistentClient(url))
  const writers = Array.from({ length: 4 }, (_, n) => fleetWriter(`writer-${n}`, client, others))
  const writing = Promise.all(writers.map((writer) => writer.write(stop.signal)))
  const python = runPython(CLIENT, {
    MLFLOW_TRACKING_URI: fleet.url,
    MLFLOW_DISABLE_TELEMETRY: 'true',
    MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '1',
    PYTHONWARNINGS: 'ignore',
  })
  const leader = await leaderNow()
  const next = (leader + 1) % 3
  await Promise.race([sleep(1500), writing])
  await fleet.servers[leader]?.end('kill')
  expect(await untilLed((index) => index !== leader, next)).not.toBe(leader)
  await fleet.servers[leader]?.start()
  await fleet.servers[next]?.end('stop')
  await Promise.race([sleep(1000), writing])
  await fleet.servers[next]?.start()
  expect(await python).toEqual({ metrics: 80, params: 80, tags: 80, files: 8, runs: 8 })
  stop.abort()
  await writing

  for (const writer of writers) expect(await writer.review(others[leader])).toEqual([])
  // Whatever was acknowledged has a number of its own, and no number is missing.
  const promised = writers.flatMap(({ versions }) => versions)
  expect(new Set(promised).size).toBe(promised.length)
  const kept = await client.send('GET', `${MLFLOW}/registered-models/get?name=shared`)
  const { latest_versions: latest = [] } = (
    kept as { registered_model: { latest_versions?: { version: string }[] } }
  ).registered_model
  const last = Number(latest[0]?.version)
  const list = (await client.send(
    'GET',
    `${MLFLOW}/model-versions/search?max_results=10000&filter=${encodeURIComponent("name='shared'")}`,
  )) as { model_versions: { version: string }[] }
  const numbers = list.model_versions.map(({ version }) => Number(version))
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: last }, (_, n) => n + 1))
  expect(numbers).toEqual(expect.arrayContaining(promised))

  // Every version was told to the webhook, and hardly one of them twice.
  await receiver.until(last)
  await sleep(500)
  const told = receiver.received.map(({ headers }) => headers['webhook-id'])
  expect(new Set(told).size).toBe(last)
  expect(told.length - last).toBeLessThanOrEqual(8)
  for (const server of fleet.servers) await server.end('stop')
  const home = fleet.servers[0]?.home ?? ''
  const verdict = await verifyHome(home, { database, keys: join(home, '..', 'keys') })
  expect(verdict.faults).toEqual([])
})

const CLIENT = `
import json, os, tempfile, time, mlflow
from mlflow import MlflowClient
client = MlflowClient()
mlflow.set_experiment("by-client")
runs = []
with tempfile.TemporaryDirectory() as folder:
    for n in range(8):
        with mlflow.start_run() as run:
            for step in range(10):
                mlflow.log_metric("loss", step / 10, step=step)
                mlflow.log_param(f"p{step}", step)
                mlflow.set_tag(f"t{step}", step)
                time.sleep(0.01)
            path = os.path.join(folder, f"{n}.txt")
            with open(path, "w") as file:
                file.write(str(n))
            mlflow.log_artifact(path)
            runs.append(run.info.run_id)
told = {"metrics": 0, "params": 0, "tags": 0, "files": 0, "runs": 0}
for n, run_id in enumerate(runs):
    run = client.get_run(run_id)
    history = client.get_metric_history(run_id, "loss")
    told["metrics"] += len({point.step for point in history}) if len(history) == 10 else 0
    told["params"] += len(run.data.params)
    told["tags"] += len([tag for tag in run.data.tags if tag.startswith("t")])
    told["files"] += mlflow.artifacts.load_text(f"runs:/{run_id}/{n}.txt") == str(n)
    told["runs"] += run.info.status == "FINISHED"
print(json.dumps(told))
`

test('another server leads within seconds when the leader is killed, does what it left, and answers for all', async () => {
  await start(3)
  await addTickingProject()
  const first = await leaderNow()
  const [second, third] = [(first + 1) % 3, (first + 2) % 3] as const
  // Only the leader collects what nothing refers to; the others pass on what only it can answer.
  for (const index of [first, second, third]) {
    const { status } = await ask(index, 'GET', '/api/v1/storage/unused')
    expect(status).toBe(200)
  }
  await scheduleIsDue()
  await fleet.servers[first]?.end('kill')
  const asked = performance.now()
  const { body } = await ask(second, 'POST', '/api/v1/sweeps')
  const { id } = body as { id: string }
  const refused = await ask(third, 'GET', '/api/v1/storage/unused')
  expect(refused.status).toBe(503)
  expect(refused.body).toMatchObject({
    code: 'unavailable',
    detail: expect.stringContaining(`${fleet.servers[first]?.url} (`),
  })
  await untilLed((index) => index !== first, second)
  expect(performance.now() - asked).toBeLessThan(10_000)
  for (;;) {
    const sweep = await ask(third, 'GET', `/api/v1/sweeps/${id}`)
    if ((sweep.body as { ended: string | null }).ended !== null) break
    await sleep(50)
  }
  expect((await ask(second, 'GET', '/api/v1/activity')).status).toBe(200)
  expect((await ask(third, 'GET', '/api/v1/activity')).status).toBe(200)
  // It came due as the leader died: whichever of the two took it, nobody took it again.
  await fleet.servers[first]?.start()
  const told = async (type: string) => {
    const { body: page } = await ask(third, 'GET', `/api/v1/ledger/entries?type=${type}`)
    return (page as { entries: unknown[] }).entries.length
  }
  await expect.poll(() => told('policy-fired'), { timeout: 15_000 }).toBe(1)
  await sleep(1500)
  expect(await told('schedule-ticked')).toBe(1)
  expect(await told('policy-fired')).toBe(1)
})

/** A project whose policy was due twenty minutes ago, and is not again while this runs. */
async function addTickingProject(): Promise<void> {
  const origin = await mkdtemp(join(tmpdir(), 'orrery-ticking-'))
  undo.push(() => rm(origin, { recursive: true, force: true }))
  const minute = new Date(Date.now() - 20 * 60_000).getUTCMinutes()
  const policy = `policies: { hourly: { on: [schedule: "${minute} * * * *"], run: note } }`
  await writeFile(join(origin, 'orrery.yaml'), `project: ticking\n${policy}\n`)
  await writeFile(join(origin, 'dvc.yaml'), 'stages: { note: { cmd: "true" } }\n')
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@localhost', ...args], {
      cwd: origin,
    })
  git('init', '--quiet', '--initial-branch', 'main')
  git('add', '--all')
  git('commit', '--quiet', '--message', 'Start')
  const added = await ask(0, 'POST', '/api/v1/projects', { origin })
  expect(added.status).toBe(200)
}

/** As if nobody had looked at the schedule for half an hour. */
async function scheduleIsDue(): Promise<void> {
  const name = new URL(database).pathname.slice(1)
  await expect
    .poll(
      () =>
        postgres.run(
          `update orrery.trigger_marks set value = '${Date.now() - 30 * 60_000}'
            where kind = 'schedule' returning name`,
          name,
        ),
      { timeout: 10_000 },
    )
    .toHaveLength(1)
}

test('a home with a prediction log keeps the lead, until another is told to take it', async () => {
  await start(2)
  const leader = await leaderNow()
  const other = 1 - leader
  const store = await openSqlStore(database, { clock: systemClock, ids: randomIds })
  await store.transact(({ serving }) =>
    serving.declare(
      { project: 'flights', name: 'late', model: 'models:/late@live', shadows: [], monitor: null },
      Date.now(),
    ),
  )
  await store.close()
  expect((await ask(other, 'GET', '/api/v1/endpoints')).status).toBe(200)
  await fleet.servers[leader]?.end('kill')
  await sleep(4000)
  const refused = await ask(other, 'GET', '/api/v1/endpoints')
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  // All else goes on.
  expect((await ask(other, 'POST', `${MLFLOW}/runs/create`, { experiment_id: '0' })).status).toBe(
    200,
  )
  await fleet.servers[leader]?.start()
  expect(await untilLed(() => true, other)).toBe(leader)
  expect((await ask(other, 'GET', '/api/v1/endpoints')).status).toBe(200)

  await fleet.servers[leader]?.end('kill')
  await fleet.servers[other]?.end('stop')
  await fleet.servers[other]?.start({ ORRERY_TAKE_LEAD: 'true' })
  expect(await untilLed(() => true, other)).toBe(other)
  await fleet.servers[leader]?.start()
  await sleep(1000)
  expect(await leaderNow(leader)).toBe(other)
})

test('a server with other keys is refused, makes none, and says what to do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-keys-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  const server = await startTestServer({ database })
  undo.push(server.stop)
  const other = { database, home: join(folder, 'home') }
  await expect(startTestServer(other)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(/ledger\.pem.*copy.*ORRERY_KEYS/),
  })
  expect(await readdir(other.home)).not.toContain('keys')
  const replica = await startTestServer({ ...other, keys: join(server.home, 'keys') })
  undo.push(replica.stop)
})

test('a server that a newer version has overtaken writes nothing more and stops, and does not start again', async () => {
  await start(1)
  const [server] = fleet.servers
  await postgres.run(
    `insert into orrery.migrations (name, at_ms) values ('9999-of-the-future', 0)`,
    new URL(database).pathname.slice(1),
  )
  const answer = await ask(0, 'POST', `${MLFLOW}/runs/create`, { experiment_id: '0' }).catch(
    () => ({ status: 503 }),
  )
  expect(answer.status).toBe(503)
  expect(await server?.process.family.exited).toBe(1)
  expect(server?.process.family.log()).toContain('a newer version has migrated the database')
  // It says why as a line of JSON, where another would say its address.
  await server?.start()
  expect(await server?.process.family.exited).toBe(2)
  expect(server?.process.url).toBeUndefined()
})
