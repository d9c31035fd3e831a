import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { platformActor, type Ref } from '#ledger'
import { createRecordings, type Recordings, type StageEnd, type StageStart } from '#pipelines'
import { openLocalObjects } from '#stores/objects/local'
import { createTracking, type Tracking } from '#tracking'
import type { SqlStore } from './index.ts'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'

eachSqlStore((_name, open) => {
  const actor = platformActor('test')
  const COMMIT = 'c'.repeat(40)
  const RAW = { path: 'data/raw', md5: `${'a'.repeat(32)}.dir`, sizeBytes: 10, files: 2 }
  const MODEL = { path: 'model.onnx', md5: 'b'.repeat(32), sizeBytes: 5 }
  const PIPELINE = {
    id: 'p1',
    project: 'flights',
    commit: COMMIT,
    dirty: false,
    branch: 'main',
    stages: ['prepare', 'train'],
  }
  const TRAIN: StageStart = {
    stage: 'train',
    command: 'python train.py',
    params: {},
    deps: [RAW],
    environment: null,
  }
  const WELL: StageEnd = {
    outcome: 'succeeded',
    reason: null,
    outs: [MODEL],
    metrics: {},
    logTail: '',
  }

  let clock: ReturnType<typeof manualClock>
  let store: SqlStore
  let tracking: Tracking
  let recordings: Recordings

  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-pipelines-'))
    clock = manualClock()
    const world = { clock, ids: countedIds() }
    store = await open(world)
    const objects = await openLocalObjects(join(folder, 'objects'))
    const parts = { ...world, transact: store.transact, objects }
    tracking = createTracking({ ...parts, read: store.read.tracking })
    recordings = createRecordings({ ...parts, read: store.read.pipelines, tracking })
    return () => rm(folder, { recursive: true, force: true })
  })

  describe('telling a thing twice is telling it once:', () => {
    test('the start of a pipeline', async () => {
      const first = await recordings.start(actor, PIPELINE)
      clock.advance(1000)
      expect(await recordings.start(actor, { ...PIPELINE, branch: 'other' })).toEqual(first)
      expect(await types()).toEqual(['pipeline-run-started'])
    })

    test('the start of a stage, and its run has one id', async () => {
      await recordings.start(actor, PIPELINE)
      const first = await recordings.startStage(actor, 'p1', TRAIN)
      expect(await recordings.startStage(actor, 'p1', TRAIN)).toEqual(first)
      expect((await recordings.get('p1')).stageRuns).toHaveLength(1)
      expect((await types()).filter((type) => type === 'run-started')).toHaveLength(1)
    })

    test('the end of a stage, and the first end stays', async () => {
      const { runId } = await started()
      await recordings.finishStage(actor, 'p1', 'train', { ...WELL, metrics: { auc: 0.7 } })
      await recordings.finishStage(actor, 'p1', 'train', {
        ...WELL,
        outcome: 'failed',
        reason: 'too late',
        metrics: { auc: 0.1 },
      })
      expect((await recordings.get('p1')).stageRuns).toMatchObject([{ state: 'succeeded' }])
      const { status, metrics } = await tracking.getRun(runId)
      expect({ status, metrics }).toMatchObject({ status: 'finished', metrics: [{ value: 0.7 }] })
      const { items } = await tracking.metricHistory(runId, { key: 'auc', limit: 10 })
      expect(items).toHaveLength(1)
    })

    test('that a stage had nothing to do', async () => {
      await recordings.start(actor, PIPELINE)
      const skip = {
        stage: 'train',
        why: 'up-to-date',
        reason: 'nothing changed',
        outs: [],
      } as const
      await recordings.skipStage(actor, 'p1', skip)
      await recordings.skipStage(actor, 'p1', { ...skip, why: 'restored' })
      expect((await recordings.get('p1')).stageRuns).toMatchObject([
        { state: 'up-to-date', run: null },
      ])
      expect((await types()).filter((type) => type === 'stage-skipped')).toHaveLength(1)
    })

    test('the end of a pipeline', async () => {
      await recordings.start(actor, PIPELINE)
      const end = { outcome: 'succeeded', reason: null, lockDigest: 'd' } as const
      await recordings.finish(actor, 'p1', end)
      await recordings.finish(actor, 'p1', { ...end, outcome: 'failed' })
      expect(await recordings.get('p1')).toMatchObject({ state: 'succeeded', lockDigest: 'd' })
      expect(await types()).toEqual(['pipeline-run-started', 'pipeline-run-finished'])
    })
  })

  test('what is not there is said to be missing, and a pipeline that is over takes no more stages', async () => {
    await expect(recordings.get('p1')).rejects.toMatchObject({ code: 'not-found' })
    await expect(recordings.startStage(actor, 'p1', TRAIN)).rejects.toMatchObject({
      code: 'not-found',
    })
    await recordings.start(actor, PIPELINE)
    await expect(recordings.finishStage(actor, 'p1', 'train', WELL)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('never started') as string,
    })
    await recordings.finish(actor, 'p1', { outcome: 'succeeded', reason: null, lockDigest: null })
    await expect(recordings.startStage(actor, 'p1', TRAIN)).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  test('what a server that was killed left open is closed, stages and their runs as well, and nothing else', async () => {
    await recordings.start(actor, { ...PIPELINE, cause: 'policy-1' })
    const { runId } = await recordings.startStage(actor, 'p1', TRAIN)
    await recordings.start(actor, { ...PIPELINE, id: 'other', cause: 'policy-2' })
    for (const _ of ['once', 'twice'])
      await recordings.closeOpen(actor, 'policy-1', 'the server was killed')
    expect(await recordings.get('p1')).toMatchObject({
      state: 'killed',
      reason: 'the server was killed',
      stageRuns: [{ state: 'killed', reason: 'the server was killed' }],
    })
    const { status, tags } = await tracking.getRun(runId)
    expect(status).toBe('killed')
    expect(tags).toContainEqual({ key: 'orrery.reason', value: 'the server was killed' })
    expect((await recordings.get('other')).state).toBe('running')
    expect((await types()).filter((type) => type.endsWith('finished'))).toEqual([
      'stage-run-finished',
      'pipeline-run-finished',
    ])
  })

  test('a pipeline that ends without a word on one of its stages leaves no run open', async () => {
    const { runId } = await started()
    await recordings.finish(actor, 'p1', { outcome: 'failed', reason: 'a bug', lockDigest: null })
    expect((await recordings.get('p1')).stageRuns).toMatchObject([
      { state: 'failed', reason: 'a bug' },
    ])
    expect((await tracking.getRun(runId)).status).toBe('failed')
  })

  test('a run that somebody deleted while its stage ran does not keep the stage from ending', async () => {
    const { runId } = await started()
    await tracking.deleteRun(actor, runId)
    await recordings.finishStage(actor, 'p1', 'train', {
      ...WELL,
      metrics: { auc: 1 },
      logTail: 'x',
    })
    expect((await recordings.get('p1')).stageRuns).toMatchObject([{ state: 'succeeded' }])
  })

  test('edges lead from the model back to the run, and on to its data, folder, environment, commit and policy run', async () => {
    const prepared = { path: 'data/prepared', md5: `${'d'.repeat(32)}.dir`, sizeBytes: 7 }
    const part = { path: 'data/prepared/train.csv', md5: 'e'.repeat(32), sizeBytes: 3 }
    await recordings.start(actor, { ...PIPELINE, cause: 'policy-1' })
    await recordings.startStage(actor, 'p1', { ...TRAIN, stage: 'prepare' })
    await recordings.finishStage(actor, 'p1', 'prepare', { ...WELL, outs: [prepared] })
    const environment = {
      digest: 'f'.repeat(64),
      lock: 'onnx==1',
      python: '3.11',
      os: 'l',
      cpu: 'x',
    }
    const { runId } = await recordings.startStage(actor, 'p1', {
      ...TRAIN,
      deps: [part],
      environment,
    })
    await recordings.finishStage(actor, 'p1', 'train', WELL)
    const version = ({ path, md5 }: { path: string; md5: string }) => ({
      kind: 'dataset-version' as const,
      id: `flights/${path}@${md5}`,
    })
    const run = { kind: 'run' as const, id: runId }
    const commit = { relation: 'at', to: { kind: 'commit', id: COMMIT } }
    expect(await from(version(MODEL))).toEqual([{ relation: 'made-by', to: run }])
    expect(await from(run)).toEqual([
      { relation: 'stage-of', to: { kind: 'pipeline-run', id: 'p1' } },
      { relation: 'ran-in', to: { kind: 'environment', id: environment.digest } },
      commit,
      { relation: 'read', to: version(part) },
    ])
    expect(await from(version(part))).toEqual([{ relation: 'part-of', to: version(prepared) }])
    expect(await from({ kind: 'pipeline-run', id: 'p1' })).toEqual([
      commit,
      { relation: 'started-by', to: { kind: 'policy-run', id: 'policy-1' } },
    ])
  })

  test('params and metrics keep their values under whatever names DVC gave them', async () => {
    const long = 'x'.repeat(400)
    const params = {
      lr: 0.1,
      'conf/other.yaml:train.lr': 'a',
      'conf/other.yaml_train.lr': 'b',
      'größe.𝔵': true,
      '../up//over/': null,
      'a b@c': [1, { d: 2 }],
      [`${long}1`]: 1,
      [`${long}2`]: 2,
    }
    await recordings.start(actor, PIPELINE)
    const { runId } = await recordings.startStage(actor, 'p1', { ...TRAIN, params })
    const metrics = { 'f1 (macro)': 0.5, 'auc@5': 0.6, auc_5: 0.7, '/': 1, '..': 2, [long]: 3 }
    await recordings.finishStage(actor, 'p1', 'train', { ...WELL, metrics })
    const kept = await tracking.getRun(runId)
    const values = Object.fromEntries(kept.params.map(({ key, value }) => [key, value]))
    expect(values).toMatchObject({
      'dvc.lr': '0.1',
      'dvc.conf/other.yaml_train.lr': 'a',
      'dvc.größe.𝔵': 'true',
      'dvc.a b_c': '[1,{"d":2}]',
    })
    expect(kept.params.map(({ value }) => value).toSorted()).toEqual(
      ['0.1', '1', '2', '[1,{"d":2}]', 'a', 'b', 'null', 'true'].toSorted(),
    )
    expect(new Set(kept.metrics.map(({ value }) => value))).toEqual(
      new Set([0.5, 0.6, 0.7, 1, 2, 3]),
    )
    expect(kept.metrics).toHaveLength(6)
  })

  test('a metric that the training code logged itself is not logged again from its file', async () => {
    const { runId } = await started()
    await tracking.logMetrics(runId, [
      { key: 'auc', value: 0.7, step: 0, atMs: 1 },
      { key: 'auc', value: 0.8, step: 1, atMs: 2 },
    ])
    await recordings.finishStage(actor, 'p1', 'train', { ...WELL, metrics: { auc: 0.8, loss: 1 } })
    const history = async (key: string) =>
      (await tracking.metricHistory(runId, { key, limit: 10 })).items.map(({ value }) => value)
    expect(await history('auc')).toEqual([0.7, 0.8])
    expect(await history('loss')).toEqual([1])
  })

  test('a stage may read, make and measure more than one entry of the ledger holds', async () => {
    const many = (prefix: string) =>
      Array.from({ length: 1500 }, (_, n) => ({
        path: `${prefix}/${'folder/'.repeat(10)}${n}.csv`,
        md5: n.toString(16).padStart(32, '0'),
        sizeBytes: n,
      }))
    const folder = { path: 'in', md5: `${'9'.repeat(32)}.dir`, sizeBytes: 1 }
    await recordings.start(actor, {
      ...PIPELINE,
      stages: many('stage').map(({ path }) => path),
    })
    await recordings.skipStage(actor, 'p1', {
      stage: 'prepare',
      why: 'restored',
      reason: 'r'.repeat(100_000),
      outs: [folder, ...many('skipped')],
    })
    const { runId } = await recordings.startStage(actor, 'p1', { ...TRAIN, deps: many('in') })
    await recordings.finishStage(actor, 'p1', 'train', {
      outcome: 'failed',
      reason: 'r'.repeat(100_000),
      outs: many('out'),
      metrics: Object.fromEntries(
        many('metric')
          .slice(0, 1000)
          .map(({ path }, n) => [path, n]),
      ),
      logTail: '',
    })
    await recordings.finish(actor, 'p1', {
      outcome: 'failed',
      reason: 'r'.repeat(100_000),
      lockDigest: null,
    })
    const read = (await from({ kind: 'run', id: runId })).filter(
      ({ relation }) => relation === 'read',
    )
    expect(new Set(read.map(({ to }) => to.id)).size).toBe(1500)
    expect(await store.read.ledger.edgesTo({ kind: 'run', id: runId })).toHaveLength(1500)
    const run = (await recordings.get('p1')).stageRuns.find(({ stage }) => stage === 'train')
    expect({ deps: run?.deps.length, outs: run?.outs.length }).toEqual({ deps: 1500, outs: 1500 })
    expect((await tracking.getRun(runId)).metrics).toHaveLength(1000)
  })

  test('runs are listed newest first, in pages, and by project; those of one moment are not lost between pages', async () => {
    for (const id of ['a', 'b', 'c', 'd']) {
      await recordings.start(actor, { ...PIPELINE, id, project: id === 'c' ? 'other' : 'flights' })
      if (id === 'b') clock.advance(1)
    }
    const listed = async (page: Parameters<Recordings['list']>[0]) =>
      (await recordings.list(page)).map(({ id }) => id)
    expect(await listed({ limit: 3 })).toEqual(['d', 'c', 'b'])
    expect(await listed({ limit: 3, before: 'b' })).toEqual(['a'])
    expect(await listed({ limit: 3, before: 'd', project: 'flights' })).toEqual(['b', 'a'])
    expect(await listed({ limit: 3, before: 'nobody' })).toEqual([])
    expect(await listed({ limit: 3, project: 'other' })).toEqual(['c'])
  })

  test('stages of one moment stand in the order of their pipeline', async () => {
    await recordings.start(actor, { ...PIPELINE, stages: ['z', 'a'] })
    for (const stage of ['z', 'a']) await recordings.startStage(actor, 'p1', { ...TRAIN, stage })
    expect((await recordings.get('p1')).stageRuns.map(({ stage }) => stage)).toEqual(['z', 'a'])
  })

  async function started() {
    await recordings.start(actor, PIPELINE)
    return recordings.startStage(actor, 'p1', TRAIN)
  }

  async function types(): Promise<string[]> {
    return (await store.read.ledger.list({ after: -1, limit: 1000 })).map(({ type }) => type)
  }

  async function from(ref: Ref) {
    return (await store.read.ledger.edgesFrom(ref)).map(({ relation, to }) => ({ relation, to }))
  }
})
