import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientOf, eventually, sure, type Client } from '../simulation/kill/client.ts'
import {
  firstChampion,
  HOUR_MS,
  live,
  newHour,
  START_MS,
  stateOf,
} from '../simulation/kill/loop.ts'
import { listOf, type PipelineRun, type PolicyRun } from '../simulation/kill/automation.ts'
import { ENDPOINT, MODEL, PROJECT, writeProject } from '../simulation/kill/project.ts'
import { freePort, spawnServer, type ServerProcess } from '../support/process.ts'
import { chanceOf } from '../support/random.ts'

const TIMEOUT_S = 5
const COOLDOWN_HOURS = 4
const PATIENCE_MS = 60_000
const LEAST_ASKED = 21

interface Failure {
  /** How training goes wrong, as a test is named for it. */
  readonly how: string
  /** Replaces train.mjs; what it makes of the good one. */
  readonly train: (good: string) => string
  readonly run: { status: string; reason?: RegExp }
  readonly pipeline: { state: string; reason?: RegExp }
  readonly policy: { state: string; reason?: RegExp }
  /** The type of the fact that tells of it, and what its reason says. */
  readonly fact: { type: string; reason: RegExp }
}

const EXIT = /train\.mjs` ended with exit code 1/
const LATE = new RegExp(`train\\.mjs\` was ended after ${TIMEOUT_S} s`)
const NOTHING = /did not write trained\.txt/

/** One child goes on when it is asked to end, one has left for a session of its own. */
const HANG = `import { spawn } from 'node:child_process'
spawn('sh', ['-c', "trap '' TERM; while true; do sleep 611; done"])
spawn('sleep', ['612'])
spawn('sleep', ['613'], { detached: true }).unref()
process.on('SIGTERM', () => {})
setInterval(() => {}, 1000)
`

const FAILURES: readonly Failure[] = [
  {
    how: 'exits with 1',
    train: () => `console.error('no such column'); process.exit(1)`,
    run: { status: 'FAILED', reason: EXIT },
    pipeline: { state: 'failed', reason: EXIT },
    policy: { state: 'failed', reason: EXIT },
    fact: { type: 'pipeline-run-finished', reason: EXIT },
  },
  {
    how: 'hangs, with processes of its own',
    train: () => HANG,
    run: { status: 'KILLED', reason: LATE },
    pipeline: { state: 'killed', reason: LATE },
    policy: { state: 'failed', reason: LATE },
    fact: { type: 'pipeline-run-finished', reason: LATE },
  },
  {
    how: 'ends well but writes no output',
    train: () => `console.log('done')`,
    run: { status: 'FAILED', reason: NOTHING },
    pipeline: { state: 'failed', reason: NOTHING },
    policy: { state: 'failed', reason: NOTHING },
    fact: { type: 'pipeline-run-finished', reason: NOTHING },
  },
  {
    how: 'registers no model',
    train: () => `import { writeFileSync } from 'node:fs'; writeFileSync('trained.txt', 'done')`,
    run: { status: 'FINISHED' },
    pipeline: { state: 'succeeded' },
    policy: {
      state: 'failed',
      reason: /registered no version of .*; its stage train must log one/,
    },
    fact: { type: 'policy-run-finished', reason: /registered no version/ },
  },
  {
    how: 'registers a model that cannot be loaded',
    train: (good) =>
      good.replace(
        /await readFile\('model\/' \+ file\)/,
        (read) => `file === 'model.onnx' ? Buffer.from('no model') : ${read}`,
      ),
    run: { status: 'FINISHED' },
    pipeline: { state: 'succeeded' },
    policy: { state: 'succeeded' },
    fact: { type: 'check-finished', reason: /the model cannot be loaded/ },
  },
]

const chance = chanceOf(7)
let home: string
let project: string
let port: number
let server: ServerProcess
let client: Client
let good: string
let hours = 0

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-failing-'))
  project = join(home, 'project')
  port = await freePort()
  server = await spawnServer({ home, port, environment: { ORRERY_LOG_LEVEL: 'warn' } })
  client = clientOf(server.url)
  await writeProject(project)
  await appendFile(join(project, 'dvc.yaml'), `    meta: { timeout: ${TIMEOUT_S}s }\n`)
  good = await readFile(join(project, 'train.mjs'), 'utf8')
  commit('Give training a time limit')
  await firstChampion(client, project)
  await eventually(
    () => stateOf(client),
    (state) => state === 'ready',
    { what: 'the endpoint answers', withinMs: PATIENCE_MS },
  )
})
afterAll(async () => {
  await server.family.end()
  await rm(home, { recursive: true, force: true })
})

describe.each(FAILURES)('training that $how', (failure) => {
  test('is told of with its reason, leaves nothing behind, and nobody who asks the champion notices', async () => {
    const traffic = requestsWithoutEnd()
    const policyRun = await policyRunAfter(failure.train(good))
    const { reason, pipelineRun } = policyRun
    expect(policyRun.state).toBe(failure.policy.state)
    expectReason(reason, failure.policy.reason)

    const [run] = await pipelineRunsOf(policyRun.id)
    expect(run?.state).toBe(failure.pipeline.state)
    expectReason(run?.reason, failure.pipeline.reason)
    if (failure.pipeline.state === 'succeeded') expect(pipelineRun).toBe(run?.id)
    const { info, data } = await mlflowRunOf(run?.id ?? '', 'train')
    expect(info.status).toBe(failure.run.status)
    expectReason(data.tags.find(({ key }) => key === 'orrery.reason')?.value, failure.run.reason)

    const told = await eventually(
      () => newestFact(failure.fact.type),
      (fact) => fact !== undefined && failure.fact.reason.test(String(fact['reason'])),
      { what: `the ledger tells ${failure.fact.type}`, withinMs: PATIENCE_MS },
    )
    expect(told?.['reason']).toMatch(failure.fact.reason)

    await nothingIsLeft()
    expect((await traffic.end()).failed).toEqual([])
  }, 120_000)
})

test('a pipeline whose process is killed is run again, and what the first had started is ended', async () => {
  // A stage that is kept to what it declares can leave a mark with its server only.
  const models = '/api/2.0/mlflow/registered-models'
  const hangOnce = `const marked = await fetch(process.env.MLFLOW_TRACKING_URI + '${models}/create', {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"hung"}'
})
if (marked.ok) await new Promise(() => setInterval(() => {}, 1000))
throw new Error('once more')
`
  const acting = policyRunAfter(hangOnce)
  await eventually(
    async () => (await fetch(`http://127.0.0.1:${port}${models}/get?name=hung`)).ok,
    (is) => is,
    {
      what: 'training hangs',
      withinMs: PATIENCE_MS,
    },
  )
  const pipeline = (await server.family.living()).find(({ command }) =>
    command.includes('pipeline-process'),
  )
  process.kill(pipeline?.pid ?? 0, 'SIGKILL')
  const policyRun = await acting
  expect(policyRun.state).toBe('failed')
  expect(policyRun.reason).toMatch(EXIT)
  const [second, first] = await pipelineRunsOf(policyRun.id)
  expect(first).toMatchObject({
    state: 'killed',
    reason: expect.stringContaining('by SIGKILL') as string,
  })
  expect(second?.state).toBe('failed')
  expect((await mlflowRunOf(first?.id ?? '', 'train')).info.status).toBe('KILLED')
  await nothingIsLeft()
}, 60_000)

test('a model that cannot be loaded does not become champion, nor does a restart bring it up', async () => {
  expect(await championOf()).toBe(1)
  expect(await served()).toMatchObject({ live: { version: 1 } })
  expect(await server.stop()).toBe(0)
  server = await spawnServer({ home, port })
  await eventually(
    () => stateOf(client),
    (state) => state === 'ready',
    { what: 'the endpoint answers again', withinMs: PATIENCE_MS },
  )
  expect(await served()).toMatchObject({ live: { version: 1 } })
}, 60_000)

test('after all that, training that goes well brings a better champion', async () => {
  const traffic = requestsWithoutEnd()
  expect(await policyRunAfter(good)).toMatchObject({ state: 'succeeded', reason: null })
  await eventually(served, ({ live: { version } }) => version === 3, {
    what: 'the new version serves',
    withinMs: PATIENCE_MS,
  })
  expect((await served()).failure).toBeNull()
  await nothingIsLeft()
  expect((await traffic.end()).failed).toEqual([])
  const policyRuns = await listOf<PolicyRun>(client, '/policy-runs', 'policyRuns')
  expect(policyRuns).toHaveLength(FAILURES.length + 2)
}, 120_000)

/** With `train` as its training code, the project lives through a bad hour after the cooldown, and its policy acts. */
async function policyRunAfter(train: string): Promise<PolicyRun> {
  await writeFile(join(project, 'train.mjs'), train)
  commit('Change how it is trained')
  sure(await client.post(`/api/v1/projects/${PROJECT}/sync`, {}))
  const before = (await listOf<PolicyRun>(client, '/policy-runs', 'policyRuns')).length
  expect(await live(client, newHour(chance, START_MS + hours * HOUR_MS))).toBe(true)
  hours += COOLDOWN_HOURS
  const runs = await eventually(
    () => listOf<PolicyRun>(client, '/policy-runs', 'policyRuns'),
    (all) => all.length > before && all.every(({ state }) => state !== 'running'),
    { what: 'the policy acts', withinMs: PATIENCE_MS },
  )
  return runs[0] as PolicyRun
}

function commit(message: string): void {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost']
  execFileSync('git', [...who, 'commit', '--quiet', '--all', '--message', message], {
    cwd: project,
  })
}

function expectReason(reason: string | null | undefined, like: RegExp | undefined): void {
  if (like === undefined) expect(reason ?? null).toBeNull()
  else expect(reason).toMatch(like)
}

async function pipelineRunsOf(
  policyRun: string,
): Promise<(PipelineRun & { reason: string | null })[]> {
  const runs = await listOf<PipelineRun & { reason: string | null }>(
    client,
    '/pipeline-runs',
    'pipelineRuns',
  )
  return runs.filter(({ cause }) => cause === policyRun)
}

async function mlflowRunOf(pipelineRun: string, stage: string) {
  const { stageRuns } = sure(await client.get<PipelineRun>(`/api/v1/pipeline-runs/${pipelineRun}`))
  const id = stageRuns.find((each) => each.stage === stage)?.run
  const answer = await client.get<{
    run: { info: { status: string }; data: { tags: { key: string; value: string }[] } }
  }>(`/api/2.0/mlflow/runs/get?run_id=${id}`)
  return sure(answer).run
}

async function newestFact(type: string): Promise<Record<string, unknown> | undefined> {
  const { entries } = sure(
    await client.get<{ entries: { data: Record<string, unknown> }[] }>(
      `/api/v1/ledger/entries?limit=1&type=${type}`,
    ),
  )
  return entries[0]?.data
}

async function nothingIsLeft(): Promise<void> {
  await eventually(
    async () =>
      (await server.family.living()).filter(({ command }) =>
        /train|sleep|pipeline-process/.test(command),
      ),
    (living) => living.length === 0,
    { what: 'what the pipeline had started ends', withinMs: 10_000 },
  )
  const runs = join(home, 'runs')
  expect(existsSync(runs) ? await readdir(runs) : []).toEqual([])
  const [mirror] = await readdir(join(home, 'projects'))
  const trees = execFileSync('git', ['worktree', 'list', '--porcelain'], {
    cwd: join(home, 'projects', mirror ?? ''),
  }).toString()
  expect(trees).toContain('worktree ')
  expect(trees).not.toContain(runs)
}

async function served() {
  return sure(
    await client.get<{ live: { version: number }; failure: string | null }>(
      `/api/v1/endpoints/${ENDPOINT}`,
    ),
  )
}

async function championOf(): Promise<number> {
  const { registered_model } = sure(
    await client.get<{ registered_model: { aliases: { alias: string; version: string }[] } }>(
      `/api/2.0/mlflow/registered-models/get?name=${MODEL}`,
    ),
  )
  return Number(registered_model.aliases.find(({ alias }) => alias === 'champion')?.version)
}

/**
 * Asks the endpoint again and again, as its callers would, and at least so often as is needed to notice something,
 * however soon training has failed; unlike the clients of the hours it takes no 503 for an answer.
 */
function requestsWithoutEnd(): { end(): Promise<{ failed: string[] }> } {
  const failed: string[] = []
  let asked = 0
  const over = new AbortController()
  const at = new Date(START_MS + hours * HOUR_MS).toISOString()
  const asking = (async () => {
    while (!over.signal.aborted || asked < LEAST_ASKED) {
      asked += 1
      const record = { id: `${at}-asked-${asked}`, at, carrier: 'AA', hour: 9, distance: 500 }
      const answer = await fetch(`${server.url}/endpoints/${ENDPOINT}/invocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ dataframe_records: [record] }),
      })
      if (!answer.ok) failed.push(`${answer.status}: ${await answer.text()}`)
      else await answer.arrayBuffer()
      await sleep(20)
    }
  })()
  asking.catch((error: unknown) => failed.push(String(error)))
  return {
    end: async () => {
      over.abort()
      await asking.catch(() => undefined)
      return { failed }
    },
  }
}
