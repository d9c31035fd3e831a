import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sha256 } from '#base/digest'
import { treeDigest } from '#tracking'
import { openTracking, USER, type TrackingWorld } from '../support/tracking.ts'

let world: TrackingWorld
beforeEach(async () => {
  world = await openTracking()
})
afterEach(() => world.close())

test('a run that starts and ends is told to the ledger once each, however often it ends', async () => {
  const { tracking, clock, facts } = world
  const { runId } = await tracking.startRun(USER, { name: 'one', userId: 'ada' })
  await tracking.updateRun(USER, runId, { status: 'running' })
  await tracking.logMetrics(runId, [{ key: 'auc', value: 0.7, step: 0, atMs: 1 }])
  clock.advance(1000)
  await tracking.endRun(USER, runId, 'finished')
  await tracking.endRun(USER, runId, 'finished')
  const told = await facts('run-started', 'run-ended', 'run-resumed')
  expect(told.map(({ type, data }) => [type, data['run'], data['status']])).toEqual([
    ['run-started', runId, undefined],
    ['run-ended', runId, 'finished'],
  ])
  expect(told[1]?.data['metricsDigest']).toMatch(/^[0-9a-f]{64}$/)
  expect(await tracking.getRun(runId)).toMatchObject({ status: 'finished', endMs: clock.nowMs() })
})

test('a run that is taken up again has no end, and the ledger says that it goes on', async () => {
  const { tracking, facts } = world
  const { runId } = await tracking.startRun(USER, {})
  await tracking.endRun(USER, runId, 'failed')
  const resumed = await tracking.updateRun(USER, runId, { status: 'running' })
  expect(resumed).toMatchObject({ status: 'running', endMs: null })
  expect(await facts('run-resumed')).toHaveLength(1)
})

test('starting a run that is there gives that run and tells nothing', async () => {
  const { tracking, facts } = world
  const runId = 'ab'.repeat(16)
  const first = await tracking.startRun(USER, {
    runId,
    name: 'stage',
    params: [{ key: 'a', value: '1' }],
  })
  const again = await tracking.startRun(USER, { runId, name: 'other' })
  expect(again).toEqual(first)
  expect(await facts('run-started')).toHaveLength(1)
  await expect(tracking.startRun(USER, { runId: 'short' })).rejects.toMatchObject({
    code: 'invalid',
  })
})

test('many at once that need an experiment of one name share it', async () => {
  const { tracking, facts } = world
  const made = await Promise.all(
    Array.from({ length: 8 }, () => tracking.ensureExperiment(USER, 'flights')),
  )
  expect(new Set(made.map((each) => each.experimentId))).toEqual(new Set(['1']))
  expect(await facts('experiment-created')).toHaveLength(2)
})

test('a batch with one thing wrong leaves nothing of it', async () => {
  const { tracking } = world
  const { runId } = await tracking.startRun(USER, {})
  const metric = { key: 'auc', value: 1, step: 0, atMs: 0 }
  await tracking.logParams(runId, [{ key: 'depth', value: '3' }])
  for (const batch of [
    { metrics: [metric, { ...metric, key: '$' }], params: [{ key: 'new', value: '1' }] },
    { metrics: [metric], params: [{ key: 'depth', value: '4' }] },
    { metrics: [{ ...metric, atMs: -1 }], tags: [{ key: 'new', value: '1' }] },
    { metrics: [{ ...metric, step: 0.5 }] },
  ])
    await expect(tracking.logBatch(runId, batch)).rejects.toMatchObject({
      code: expect.stringMatching(/^(invalid|conflict)$/) as string,
    })
  const { metrics, params, tags } = await tracking.getRun(runId)
  expect([metrics, params, tags.length]).toEqual([[], [{ key: 'depth', value: '3' }], 1])
})

test('writers of one run that come together all have their say', async () => {
  const { tracking } = world
  const { runId } = await tracking.startRun(USER, {})
  await Promise.all(
    Array.from({ length: 200 }, (_, step) =>
      tracking.logMetrics(runId, [{ key: 'loss', value: step, step, atMs: step }]),
    ),
  )
  const { items } = await tracking.metricHistory(runId, { key: 'loss', limit: 500 })
  expect(items.map((item) => item.step)).toEqual(Array.from({ length: 200 }, (_, step) => step))
  expect((await tracking.getRun(runId)).metrics).toMatchObject([{ value: 199 }])
})

test('a path is a file or a folder, never both', async () => {
  const { artifacts } = world.tracking
  await artifacts.put('1/r/artifacts/a/b.txt', Buffer.from('one'))
  await artifacts.put('1/r/artifacts/a/b.txt', Buffer.from('two'))
  await expect(artifacts.put('1/r/artifacts/a', Buffer.from(''))).rejects.toMatchObject({
    code: 'conflict',
  })
  await expect(artifacts.put('1/r/artifacts/a/b.txt/c', Buffer.from(''))).rejects.toMatchObject({
    code: 'conflict',
  })
  await expect(artifacts.open('1/r/artifacts/a')).rejects.toMatchObject({ code: 'invalid' })
  const { bytes, digest, sizeBytes } = await artifacts.open('1/r/artifacts/a/b.txt')
  expect([(await buffer(bytes)).toString(), digest, sizeBytes]).toEqual(['two', sha256('two'), 3])
  expect(await artifacts.list('1/r/artifacts')).toEqual([{ kind: 'folder', name: 'a' }])
})

test('deleting files tells how many went, and deleting nothing tells nothing', async () => {
  const { tracking, facts } = world
  await tracking.artifacts.put('1/r/artifacts/a/b', Buffer.from('x'))
  await tracking.artifacts.put('1/r/artifacts/a/c', Buffer.from('x'))
  await tracking.artifacts.delete(USER, '1/r/artifacts/a')
  await tracking.artifacts.delete(USER, '1/r/artifacts/a')
  const told = await facts('artifacts-deleted')
  expect(told.map(({ data }) => data)).toEqual([{ path: '1/r/artifacts/a', files: 2 }])
})

test('a model that is ready is told with the digest of its files', async () => {
  const { tracking, facts } = world
  const { runId } = await tracking.startRun(USER, {})
  const { modelId } = await tracking.loggedModels.create({
    experimentId: '0',
    name: 'm',
    sourceRunId: runId,
  })
  const root = await tracking.artifacts.rootOf({ model: modelId })
  await tracking.artifacts.put(`${root}/MLmodel`, Buffer.from('flavors: {}'))
  await tracking.loggedModels.setStatus(USER, modelId, 'ready')
  await tracking.loggedModels.setStatus(USER, modelId, 'ready')
  const told = await facts('logged-model-ready')
  const digest = treeDigest([{ path: 'MLmodel', digest: sha256('flavors: {}'), sizeBytes: 11 }])
  expect(told.map(({ data }) => data)).toEqual([{ model: modelId, name: 'm', run: runId, digest }])
})

test('a deleted experiment takes its runs along and brings them back', async () => {
  const { tracking } = world
  const { experimentId } = await tracking.experiments.create(USER, { name: 'flights' })
  const { runId } = await tracking.startRun(USER, { experimentId })
  await tracking.experiments.delete(USER, experimentId)
  await expect(tracking.logParams(runId, [{ key: 'a', value: '1' }])).rejects.toMatchObject({
    code: 'conflict',
  })
  await expect(tracking.startRun(USER, { experimentId })).rejects.toMatchObject({
    code: 'conflict',
  })
  await expect(tracking.ensureExperiment(USER, 'flights')).rejects.toMatchObject({
    code: 'conflict',
  })
  await tracking.experiments.restore(USER, experimentId)
  await tracking.logParams(runId, [{ key: 'a', value: '1' }])
  expect((await tracking.getRun(runId)).lifecycle).toBe('active')
})
