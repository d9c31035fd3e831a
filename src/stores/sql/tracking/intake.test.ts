import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { openLocalObjects } from '#stores/objects/local'
import { createTracking, type GivenExperiment, type GivenRun } from '#tracking'
import { eachSqlStore, type OpenStore } from '../../../../tests/support/sql-stores.ts'

const USER = { kind: 'user', id: 'test' } as const
const SOURCE = 'sqlite:///there.db'
const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

eachSqlStore((_, open) => {
  test('an experiment keeps its number where that is free, and joins the one of its name', async () => {
    const { tracking } = await openIntake(open)
    const own = await tracking.ensureExperiment(USER, 'shared')
    await tracking.startRun(USER, { experimentId: own.experimentId })
    const take = (...given: GivenExperiment[]) => tracking.intake.experiments(USER, SOURCE, given)
    expect(
      await take(
        experiment('0', 'Default'),
        experiment('7', 'free'),
        experiment('1', 'its number is taken'),
        experiment('544437080475749730', 'its number is too large'),
        experiment('9', 'shared'),
      ),
    ).toMatchObject([
      { experimentId: '0', outcome: 'new' },
      { experimentId: '7', outcome: 'new' },
      { experimentId: '8', outcome: 'renumbered' },
      { experimentId: '9', outcome: 'renumbered' },
      { experimentId: own.experimentId, outcome: 'merged' },
    ])
    const next = await tracking.ensureExperiment(USER, 'made here')
    expect(next.experimentId).toBe('10')
    // What it became is remembered, whatever it is called there by now.
    const renamed = { ...experiment('1', 'called otherwise'), updatedMs: 9_000_000_000_000 }
    expect(await take(renamed)).toMatchObject([
      { experimentId: '8', name: 'its number is taken', outcome: 'changed' },
    ])
  })

  test('the same things given again change nothing, and the ledger hears of them once', async () => {
    const { tracking, facts } = await openIntake(open)
    await tracking.intake.experiments(USER, SOURCE, [experiment('5', 'e')])
    const points = [
      { step: -3, atMs: 1, value: Number.NaN },
      { step: 2, atMs: 2, value: Infinity },
    ]
    const give = async () => [
      await tracking.intake.runs(USER, SOURCE, [run('a'), run('b')]),
      await tracking.intake.loggedModels(USER, SOURCE, [model()]),
    ]
    expect(await give()).toEqual([['new', 'new'], ['new']])
    await tracking.intake.metrics(USER, SOURCE, [{ runId: run('a').runId, key: 'm', points }])
    const told = await facts()
    expect(await give()).toEqual([['same', 'same'], ['same']])
    expect(await facts()).toEqual(told)
    expect(told.map(({ data }) => Object.keys(data).at(-2))).toEqual([
      'experiments',
      'runs',
      'loggedModels',
      'runs',
    ])
    const kept = await tracking.getRun(run('a').runId)
    expect(kept).toMatchObject({
      experimentId: '5',
      lifecycle: 'deleted',
      endMs: 20,
      artifactUri: `mlflow-artifacts:/5/${run('a').runId}/artifacts`,
      metrics: [{ key: 'm', step: 2, value: Number.MAX_VALUE }],
    })
    expect(await tracking.intake.counts([run('a').runId, run('c').runId])).toEqual([
      { runId: run('a').runId, points: { m: 2 }, params: 1, tags: 2 },
    ])
  })

  test('what changed there comes, and a batch with a wrong part leaves nothing', async () => {
    const { tracking } = await openIntake(open)
    await tracking.intake.experiments(USER, SOURCE, [experiment('5', 'e')])
    await tracking.intake.runs(USER, SOURCE, [run('a')])
    const later = { ...run('a'), status: 'failed', tags: [{ key: 't', value: 'now' }] } as const
    expect(await tracking.intake.runs(USER, SOURCE, [later])).toEqual(['changed'])
    expect((await tracking.getRun(later.runId)).tags).toContainEqual({ key: 't', value: 'now' })
    const wrong = { ...run('d'), params: [{ key: 'nul', value: 'a\0b' }] }
    await expect(tracking.intake.runs(USER, SOURCE, [run('c'), wrong])).rejects.toMatchObject({
      code: 'invalid',
    })
    expect(await tracking.findRun(run('c').runId)).toBeUndefined()
  })

  test('what has been taken in whole is known again by its source', async () => {
    const { tracking } = await openIntake(open)
    const mark = { kind: 'run', id: 'x', ownId: 'x', digest: 'one' } as const
    await tracking.intake.mark(SOURCE, [mark])
    await tracking.intake.mark(SOURCE, [{ ...mark, digest: 'two' }])
    expect(await tracking.intake.marks(SOURCE, 'run', ['x', 'y'])).toEqual([
      { ...mark, digest: 'two' },
    ])
    expect(await tracking.intake.marks('elsewhere', 'run', ['x'])).toEqual([])
  })
})

async function openIntake(open: OpenStore) {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-intake-'))
  folders.push(folder)
  const { read, transact } = await open()
  const world = { clock: manualClock(), ids: countedIds() }
  const objects = await openLocalObjects(join(folder, 'objects'))
  const tracking = createTracking({ read: read.tracking, transact, objects, ...world })
  await tracking.experiments.ensureDefault()
  const facts = () => read.ledger.list({ after: -1, limit: 100, types: ['mlflow-imported'] })
  return { tracking, facts }
}

function experiment(id: string, name: string): GivenExperiment {
  return {
    id,
    name,
    lifecycle: 'active',
    createdMs: 5,
    updatedMs: 6,
    tags: [{ key: 'k', value: '' }],
  }
}

function run(letter: string): GivenRun {
  return {
    runId: letter.repeat(32),
    experimentId: '5',
    name: 'ü',
    userId: '',
    status: 'finished',
    startMs: 10,
    endMs: 20,
    lifecycle: 'deleted',
    params: [{ key: 'p', value: '' }],
    tags: [{ key: 't', value: 'then' }],
    datasets: [
      { name: 'd', digest: '1', sourceType: '', source: '', schema: null, profile: null, tags: [] },
    ],
    modelInputs: ['m-1'],
    modelOutputs: [{ modelId: 'm-2', step: 3 }],
  }
}

function model() {
  return {
    modelId: 'm-2',
    experimentId: '5',
    name: 'n',
    createdMs: 5,
    updatedMs: 6,
    status: 'ready',
    modelType: '',
    sourceRunId: run('a').runId,
    lifecycle: 'active',
    params: [],
    tags: [{ key: 'k', value: 'v' }],
    metrics: [{ key: 'auc', value: Number.NaN, step: 0, atMs: 1, runId: run('a').runId }],
  } as const
}
