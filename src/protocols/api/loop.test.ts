import Fastify, { type FastifyInstance } from 'fastify'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { createPolicies, type Triggers } from '#automation'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { Problem } from '#base/problem'
import { createGovernance, type Evidence } from '#governance'
import { createLineage } from '#lineage'
import { createRecordings } from '#pipelines'
import { createProjects, type Snapshot } from '#projects'
import { openLocalObjects } from '#stores/objects/local'
import { openSqlStore, type SqlStore, type Writes } from '#stores/sql/index'
import { createTracking } from '#tracking'
import { activityRoutes } from './activity.ts'
import { policyRoutes } from './automation.ts'
import { answerProblems } from './errors.ts'
import { lineageRoutes } from './lineage.ts'
import { pipelineRunRoutes } from './pipeline-runs.ts'
import { projectRoutes } from './projects.ts'
import { promotionRoutes } from './promotions.ts'

// Real features on a real store; what lies beyond them (Git, the registry, the log of predictions) is said here.

const actor = { kind: 'user', id: 'local' } as const
const MD5 = `${'a'.repeat(32)}.dir`
const commitOf = (digit: string) => digit.repeat(40)

let store: SqlStore
let app: FastifyInstance
let snapshot: Snapshot
const clock = manualClock()

beforeEach(async () => {
  const place = await mkdtemp(join(tmpdir(), 'orrery-api-'))
  const world = { clock, ids: countedIds() }
  store = await openSqlStore(join(place, 'orrery.db'), world)
  snapshot = {
    commit: commitOf('1'),
    branch: 'main',
    config: { project: 'flights', models: {}, endpoints: {}, policies: {} },
    data: [{ path: 'data/raw', md5: MD5, sizeBytes: 5, files: 2 }],
  }
  app = Fastify()
  answerProblems(app)
  await mount(join(place, 'objects'), world)
  return async () => {
    await app.close()
    await store.close()
    await rm(place, { recursive: true, force: true })
  }
})

async function mount(folder: string, world: Parameters<typeof openSqlStore>[1]): Promise<void> {
  const { read, transact } = store
  const objects = await openLocalObjects(folder)
  const tracking = createTracking({ ...world, read: read.tracking, transact, objects })
  const recordings = createRecordings({
    ...world,
    read: read.pipelines,
    transact,
    tracking,
    objects,
  })
  const governance = createGovernance<Writes>({
    ...world,
    read: read.governance,
    transact,
    evidence,
    configs: async () => [snapshot.config],
    moveAlias: async () => undefined,
  })
  const clones = {
    fetch: async ({ origin }: { origin: string }) => {
      if (origin === '/nowhere')
        throw new Problem('invalid', 'git clone failed: no such repository')
      return snapshot
    },
  }
  const projects = createProjects({ ...world, read: read.projects, transact, clones })
  projectRoutes(app, projects, actor)
  pipelineRunRoutes(app, recordings, actor)
  promotionRoutes(app, governance, actor)
  const triggers: Triggers = {
    tick: async () => undefined,
    watch: async () => undefined,
    call: async () => false,
    trigger: async () => 0,
  }
  const policies = createPolicies({
    read: read.automation,
    ledger: read.ledger,
    transact,
    projects,
    triggers,
    surroundings: (known) => ({
      projects: known,
      clock,
      hasRunWith: async () => false,
      policyRunBehind: async () => undefined,
    }),
    caughtUp: async () => undefined,
  })
  policyRoutes(app, { policies, policyRuns: read.automation, actor })
  lineageRoutes(app, { lineage: createLineage({ read: read.ledger }), tracedPrediction })
  activityRoutes(app, { work: read.work, settle: async () => undefined })
}

const evidence: Evidence = {
  current: async () => undefined,
  fault: async () => undefined,
  measured: async () => {
    throw new Error('not asked here')
  },
  hasSignature: async (model) => {
    if (model !== 'late') throw new Problem('not-found', `there is no model ${model}`)
    return true
  },
  metric: async () => undefined,
  compared: async () => Promise.reject(new Error('not asked here')),
  disagreement: async () => Promise.reject(new Error('not asked here')),
}

const tracedPrediction = async (id: string, endpoint = 'late') => {
  if (id !== 'batch-0' || endpoint !== 'late')
    throw new Problem('not-found', `there is no prediction ${id}`)
  return { revision: { kind: 'revision' as const, id: 'late/1' }, shown: { id, endpoint: 'late' } }
}

describe('projects', () => {
  test('are added, listed, shown and taken in again, with their data as the ledger tells it', async () => {
    const shown = {
      name: 'flights',
      origin: '/origin',
      branch: 'main',
      commit: commitOf('1'),
      data: [{ path: 'data/raw', md5: MD5 }],
      synced: expect.stringMatching(/Z$/) as string,
    }
    expect((await post('/projects', { origin: '/origin' })).body).toMatchObject(shown)
    expect((await get('/projects')).body).toMatchObject({ projects: [shown] })
    expect((await get('/projects/flights')).body).toMatchObject(shown)
    snapshot = { ...snapshot, commit: commitOf('2') }
    expect((await post('/projects/flights/sync')).body).toMatchObject({ commit: commitOf('2') })
    expect((await post('/projects/flights/sync')).body).toMatchObject({ commit: commitOf('2') })
    expect(await types()).toEqual(['project-added', 'dataset-version-added', 'project-synced'])
  })

  test('that cannot be had are refused with the reason', async () => {
    expect(problemIn(await get('/projects/nobody'))).toMatch(/^404 .*orrery project add/)
    expect(problemIn(await post('/projects/nobody/sync'))).toMatch(/^404 .*orrery project add/)
    expect(problemIn(await post('/projects', { origin: '/nowhere' }))).toMatch(/^400 .*no such rep/)
    expect(problemIn(await post('/projects', {}))).toMatch(/^400 .*origin/)
    await post('/projects', { origin: '/origin' })
    expect(problemIn(await post('/projects', { origin: '/other' }))).toMatch(/^409 .*another name/)
  })
})

describe('pipeline runs', () => {
  const start = {
    id: 'p1',
    project: 'flights',
    commit: null,
    dirty: true,
    branch: null,
    stages: ['sub/dvc.yaml:train@1 %', 'other'],
  }
  const stage = {
    stage: start.stages[0],
    command: ['a', 'b'],
    params: { lr: 0.1 },
    deps: [],
    environment: null,
  }
  const end = {
    outcome: 'failed',
    reason: 'exit code 1',
    outs: [],
    metrics: { auc: 0.5 },
    logTail: 'the end',
  }

  test('tell their stages under any name, and tell the stage which run to log into', async () => {
    expect((await post('/pipeline-runs', start)).body).toEqual({ pipelineRunId: 'p1' })
    const { body } = await post('/pipeline-runs/p1/stages', stage, { host: 'orrery:4680' })
    expect(body).toMatchObject({
      runId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      environment: {
        MLFLOW_TRACKING_URI: 'http://orrery:4680',
        MLFLOW_RUN_ID: body['runId'] as string,
      },
    })
    const at = `/pipeline-runs/p1/stages/${encodeURIComponent(start.stages[0] ?? '')}`
    expect(await post(`${at}/finish`, end)).toMatchObject({ status: 200, body: {} })
    expect(
      await post('/pipeline-runs/p1/stages/other/skip', {
        why: 'restored',
        reason: 'ran before',
        outs: [],
      }),
    ).toMatchObject({ status: 200, body: {} })
    await post('/pipeline-runs/p1/finish', {
      outcome: 'failed',
      reason: 'train: exit code 1',
      lockDigest: null,
    })
    expect((await get('/pipeline-runs/p1')).body).toMatchObject({
      id: 'p1',
      state: 'failed',
      reason: 'train: exit code 1',
      ended: expect.stringMatching(/Z$/) as string,
      stageRuns: [
        { stage: start.stages[0], state: 'failed', reason: 'exit code 1' },
        { stage: 'other', state: 'restored', run: null },
      ],
    })
  })

  test('that are unknown or over are refused', async () => {
    for (const answer of [
      await get('/pipeline-runs/nobody'),
      await post('/pipeline-runs/nobody/stages', stage),
      await post('/pipeline-runs/nobody/stages/train/finish', end),
      await post('/pipeline-runs/nobody/finish', {
        outcome: 'failed',
        reason: null,
        lockDigest: null,
      }),
    ])
      expect(problemIn(answer)).toMatch(/^404 .*there is no pipeline run nobody/)
    await post('/pipeline-runs', start)
    await post('/pipeline-runs/p1/finish', { outcome: 'succeeded', reason: null, lockDigest: null })
    expect(problemIn(await post('/pipeline-runs/p1/stages', stage))).toMatch(
      /^409 .*is over; start another/,
    )
    expect(problemIn(await post('/pipeline-runs', { ...start, id: 'a/b' }))).toMatch(/^400 .*id/)
  })

  test('are listed in pages, newest first, each once', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e']
    for (const id of ids) await post('/pipeline-runs', { ...start, id })
    expect(await everyPage('/pipeline-runs?limit=2', 'pipelineRuns')).toEqual(ids.toReversed())
    expect((await get('/pipeline-runs?project=other')).body).toEqual({
      pipelineRuns: [],
      next: null,
    })
  })
})

describe('promotions', () => {
  test('are taken in at once, and shown with what they wait for', async () => {
    const { status, body } = await post('/promotions', {
      model: 'late',
      version: 1,
      alias: 'champion',
    })
    expect(status).toBe(202)
    expect(body).toMatchObject({
      state: 'checking',
      decided: null,
      checks: [],
      reasons: [],
      replaced: null,
    })
    expect((await get(`/promotions/${body['id'] as string}`)).body).toEqual(body)
    const jobs = [{ kind: 'decide-promotion', state: 'waiting' }]
    expect((await get('/activity')).body).toMatchObject({ idle: false, jobs })
  })

  test('of what does not exist are refused, and nothing is written', async () => {
    expect(problemIn(await get('/promotions/nobody'))).toMatch(/^404 .*nobody/)
    const unknown = { model: 'unknown', version: 1, alias: 'champion' }
    expect(problemIn(await post('/promotions', unknown))).toMatch(/^404 .*unknown/)
    expect(problemIn(await post('/promotions', { ...unknown, alias: 'a b' }))).toMatch(
      /^400 .*alias/,
    )
    expect(await types()).toEqual([])
    expect((await get('/activity')).body).toEqual({ idle: true, jobs: [] })
  })

  test('are listed in pages, newest first, each once', async () => {
    const ids: unknown[] = []
    for (let version = 1; version <= 5; version++) {
      const { body } = await post('/promotions', { model: 'late', version, alias: 'champion' })
      ids.unshift(body['id'])
    }
    expect(await everyPage('/promotions?limit=2', 'promotions')).toEqual(ids)
    expect(await everyPage('/promotions?limit=2&model=late', 'promotions')).toEqual(ids)
    expect((await get('/promotions?model=other')).body).toEqual({ promotions: [], next: null })
  })
})

test('what policies did is listed in pages, newest first, each once', async () => {
  const ids = ['keep-1', 'keep-2', 'keep-3']
  await store.transact(async ({ automation }) => {
    for (const id of ids)
      await automation.save({
        id,
        project: 'flights',
        policy: 'keep',
        endpoint: 'late',
        cause: 1,
        causeType: 'drift-detected',
        kind: 'drift',
        why: 'keep runs train because drift was found.',
        group: 'flights/keep',
        limit: 1,
        depth: 0,
        order: { rev: null, set: [], variables: {} },
        refs: [],
        helped: null,
        eventMs: 0,
        startedMs: clock.nowMs(),
        state: 'failed',
        reason: 'exit code 1',
        pipelineRun: null,
        modelVersion: null,
        promotion: null,
        endedMs: null,
      })
  })
  expect(await everyPage('/policy-runs?limit=2', 'policyRuns')).toEqual(ids.toReversed())
  expect((await get('/policy-runs')).body).toMatchObject({
    policyRuns: [
      { state: 'failed', reason: 'exit code 1', event: '1970-01-01T00:00:00.000Z', ended: null },
      {},
      {},
    ],
    next: null,
  })
})

describe('lineage', () => {
  beforeEach(async () => {
    const revision = { kind: 'revision', id: 'late/1' } as const
    const version = { kind: 'model-version', id: 'late/7' } as const
    await store.transact(({ ledger }) =>
      ledger.append(actor, [
        {
          type: 'revision-created',
          data: { endpoint: 'late' },
          edges: [
            { from: revision, relation: 'of', to: { kind: 'endpoint', id: 'late' } },
            { from: revision, relation: 'serves', to: version },
          ],
        },
      ]),
    )
  })
  const step = (kind: string, id: string) => ({
    from: { kind, id },
    relation: 'serves',
    position: 0,
  })

  test('of a prediction goes back from the revision that answered, in the order a reader asks', async () => {
    const { body } = await get('/predictions/batch-0/trace')
    expect(body).toMatchObject({
      prediction: { id: 'batch-0', endpoint: 'late' },
      chain: [
        { kind: 'revision', id: 'late/1', depth: 0, via: null },
        { kind: 'model-version', id: 'late/7', depth: 1, via: step('revision', 'late/1') },
        { kind: 'endpoint' },
      ],
      cut: false,
      edges: [{ relation: 'of' }, { relation: 'serves' }],
      entries: [
        { position: 0, type: 'revision-created', at: expect.stringMatching(/Z$/) as string },
      ],
    })
    expect(problemIn(await get('/predictions/nobody/trace'))).toMatch(/^404 .*nobody/)
    expect(problemIn(await get('/predictions/batch-0/trace?endpoint=early'))).toMatch(/^404/)
  })

  test('of a version goes forward to what came of it', async () => {
    const { body } = await get('/lineage?kind=model-version&id=late/7&direction=forward')
    expect(body['chain']).toEqual([
      { kind: 'revision', id: 'late/1', depth: 1, via: step('model-version', 'late/7') },
      { kind: 'model-version', id: 'late/7', depth: 0, via: null },
    ])
    expect(problemIn(await get('/lineage?kind=run&id=x&direction=up'))).toMatch(/^400 .*direction/)
    expect(problemIn(await get('/lineage?kind=run'))).toMatch(/^400 .*id/)
    expect(problemIn(await get('/lineage?kind=model&id=late'))).toMatch(/^400 .*model-version/)
  })
})

interface Answer {
  status: number
  type: string
  body: Record<string, unknown>
}

async function get(path: string): Promise<Answer> {
  return answerOf(await app.inject(path))
}

async function post(
  path: string,
  payload: object = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  return answerOf(await app.inject({ method: 'POST', url: path, payload, headers }))
}

function answerOf(answer: Awaited<ReturnType<FastifyInstance['inject']>>): Answer {
  const type = String(answer.headers['content-type'])
  return { status: answer.statusCode, type, body: answer.json() }
}

/** Status and detail of an answer that has to be a problem. */
function problemIn({ status, type, body }: Answer): string {
  expect(type).toMatch('application/problem+json')
  expect(body['status']).toBe(status)
  return `${status} ${body['detail'] as string}`
}

/** The ids on all pages, following `next` as a caller does. */
async function everyPage(path: string, name: string): Promise<unknown[]> {
  const ids: unknown[] = []
  let next: string | null = null
  do {
    const { body } = await get(next === null ? path : `${path}&before=${next}`)
    ids.push(...(body[name] as { id: unknown }[]).map(({ id }) => id))
    next = body['next'] as string | null
  } while (next !== null)
  return ids
}

async function types(): Promise<string[]> {
  return (await store.read.ledger.list({ after: -1, limit: 100 })).map(({ type }) => type)
}
