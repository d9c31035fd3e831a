import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { platformActor } from '#ledger'
import { createRecordings, type Recordings } from '#pipelines'
import { openLocalObjects } from '#stores/objects/local'
import { openSqlStore, type SqlStore } from '#stores/sql/index'
import { createTracking } from '#tracking'
import { versionMadeBy } from './candidate.ts'

const actor = platformActor('test')
const model = { path: 'models/model.onnx', md5: 'a'.repeat(32), sizeBytes: 3 }

let store: SqlStore
let recordings: Recordings

beforeEach(async () => {
  const place = await mkdtemp(join(tmpdir(), 'orrery-candidate-'))
  const world = { clock: manualClock(), ids: countedIds() }
  store = await openSqlStore(join(place, 'orrery.db'), world)
  const { read, transact } = store
  const objects = await openLocalObjects(join(place, 'objects'))
  const tracking = createTracking({ read: read.tracking, transact, objects, ...world })
  recordings = createRecordings({ read: read.pipelines, transact, tracking, objects, ...world })
  return async () => {
    await store.close()
    await rm(place, { recursive: true, force: true })
  }
})

const begin = (id: string, cause?: string) =>
  recordings.start(actor, {
    id,
    project: 'flights',
    commit: null,
    dirty: false,
    branch: null,
    stages: ['train'],
    ...(cause === undefined ? {} : { cause }),
  })

/** Runs the stage, which logs a version of the model under its run. */
async function train(pipelineRun: string, version: number): Promise<void> {
  const { runId } = await recordings.startStage(actor, pipelineRun, {
    stage: 'train',
    command: 'python train.py',
    params: {},
    deps: [],
    environment: null,
  })
  await store.transact(({ ledger }) =>
    ledger.append(actor, [
      {
        type: 'model-version-registered',
        data: { model: 'late', version },
        edges: [
          {
            from: { kind: 'model-version', id: `late/${version}` },
            relation: 'logged-by',
            to: { kind: 'run', id: runId },
          },
        ],
      },
    ]),
  )
}

const finishTraining = (pipelineRun: string) =>
  recordings.finishStage(actor, pipelineRun, 'train', {
    outcome: 'succeeded',
    reason: null,
    outs: [model],
    metrics: {},
    logTail: '',
  })

const restore = (pipelineRun: string) =>
  recordings.skipStage(actor, pipelineRun, {
    stage: 'train',
    why: 'restored',
    reason: 'it ran before with these inputs',
    outs: [model],
  })

test('the version is that which the run of the stage logged', async () => {
  await begin('one')
  await train('one', 2)
  expect(await versionMadeBy(store.read, 'one', 'late')).toBe(2)
  expect(await versionMadeBy(store.read, 'one', 'other')).toBeUndefined()
})

test('a stage that is restored, because an attempt that was killed had run it, leads to the version of that attempt', async () => {
  await begin('fresh.1', 'fresh')
  await train('fresh.1', 2)
  await finishTraining('fresh.1')
  await recordings.closeOpen(actor, 'fresh', 'the server was stopped while it ran')
  await begin('fresh.2', 'fresh')
  await restore('fresh.2')
  expect(await versionMadeBy(store.read, 'fresh.2', 'late')).toBe(2)
})

test('so does one whose end was never told', async () => {
  await begin('fresh.1', 'fresh')
  await train('fresh.1', 2)
  await recordings.closeOpen(actor, 'fresh', 'the server was stopped while it ran')
  await begin('fresh.2', 'fresh')
  await restore('fresh.2')
  expect(await versionMadeBy(store.read, 'fresh.2', 'late')).toBe(2)
})

test('a stage that somebody else had run is found by what it made', async () => {
  await begin('by-hand')
  await train('by-hand', 5)
  await finishTraining('by-hand')
  await begin('fresh.1', 'fresh')
  await restore('fresh.1')
  expect(await versionMadeBy(store.read, 'fresh.1', 'late')).toBe(5)
})
