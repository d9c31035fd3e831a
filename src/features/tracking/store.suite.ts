import { expect, test } from 'vitest'
import type { Transact } from '#ledger'
import type { LoggedModel } from './logged-model.ts'
import type { Metric } from './metric.ts'
import type { Run } from './run.ts'
import type { Condition, LoggedModelField, Order, Place, RunField } from './search.ts'
import type { TrackingReads, TrackingWrites } from './store.ts'

export { browsingStoreSuite } from './browsing/browsing.suite.ts'

interface Store {
  readonly read: TrackingReads
  readonly transact: Transact<{ tracking: TrackingWrites }>
}

type OpenStore = () => Promise<Store>

/** The laws of every store of experiments, runs, models and their files. */
export function trackingStoreSuite(openStore: OpenStore): void {
  experimentLaws(openStore)
  runLaws(openStore)
  metricLaws(openStore)
  searchLaws(openStore)
  modelLaws(openStore)
  fileLaws(openStore)
}

function experimentLaws(openStore: OpenStore): void {
  test('experiments get the next number, keep their tags, and are found by name and by tag', async () => {
    const { read, transact } = await openStore()
    const ids = await transact(async ({ tracking }) => {
      const zero = await tracking.insertExperiment({ ...experiment('Default'), experimentId: '0' })
      const one = await tracking.insertExperiment(experiment('flights'))
      const two = await tracking.insertExperiment(experiment('weather'))
      await tracking.setExperimentTags(one.experimentId, [{ key: 'team', value: 'Air' }])
      await tracking.setExperimentTags(one.experimentId, [{ key: 'team', value: 'air' }])
      return [zero, one, two].map((each) => each.experimentId)
    })
    expect(ids).toEqual(['0', '1', '2'])
    expect(await read.findExperimentByName('flights')).toMatchObject({
      experimentId: '1',
      tags: [{ key: 'team', value: 'air' }],
    })
    const search = { lifecycles: ['active'], order: [], limit: 10 } as const
    const tagged = await read.searchExperiments({
      ...search,
      conditions: [{ field: { of: 'tag', key: 'team' }, comparator: 'like', value: 'a%' }],
    })
    expect(tagged.map((each) => each.item.name)).toEqual(['flights'])
    const untagged = await read.searchExperiments({
      ...search,
      conditions: [{ field: { of: 'tag', key: 'team' }, comparator: 'is-null', value: null }],
      order: [{ field: { of: 'attribute', name: 'name' }, descending: true }],
    })
    expect(untagged.map((each) => each.item.name)).toEqual(['weather', 'Default'])
  })
}

function runLaws(openStore: OpenStore): void {
  test('a run is read back with everything that was logged to it', async () => {
    const { read, transact } = await openStore()
    const dataset = {
      name: 'flights',
      digest: 'd1',
      sourceType: 'local',
      source: '{}',
      schema: null,
      profile: '{"rows": 3}',
      tags: [{ key: 'mlflow.data.context', value: 'training' }],
    }
    await transact(async ({ tracking }) => {
      await tracking.insertRun(run('a'))
      await tracking.insertParams('a', [{ key: 'depth', value: '3' }])
      await tracking.setRunTags('a', [{ key: 't', value: 'old' }])
      await tracking.setRunTags('a', [{ key: 't', value: '' }])
      await tracking.addDatasets(run('a'), [dataset])
      await tracking.addDatasets(run('a'), [{ ...dataset, tags: [] }])
      await tracking.addModelInputs('a', ['m-1'])
      await tracking.addModelOutputs('a', [{ modelId: 'm-2', step: 4 }])
    })
    expect(await read.runRecords(['absent', 'a'])).toEqual([
      {
        ...run('a'),
        metrics: [],
        params: [{ key: 'depth', value: '3' }],
        tags: [{ key: 't', value: '' }],
        datasets: [dataset],
        modelInputs: ['m-1'],
        modelOutputs: [{ modelId: 'm-2', step: 4 }],
      },
    ])
    expect(await transact(({ tracking }) => tracking.deleteRunTag('a', 't'))).toBe(true)
    expect(await transact(({ tracking }) => tracking.deleteRunTag('a', 't'))).toBe(false)
  })
}

function metricLaws(openStore: OpenStore): void {
  const point = (step: number, atMs: number, value: number): Metric => ({
    key: 'loss',
    value,
    step,
    atMs,
  })

  test('the newest point of a metric is the greatest by step, time and value, whatever came last', async () => {
    const { read, transact } = await openStore()
    await transact(({ tracking }) => tracking.insertRun(run('a')))
    for (const each of [point(2, 10, 0.5), point(1, 99, 0.9), point(2, 10, 0.7), point(2, 10, 0.6)])
      await transact(({ tracking }) => tracking.appendMetrics(run('a'), [each]))
    expect(await read.newestMetrics('a')).toEqual([point(2, 10, 0.7)])
  })

  test('a point that is logged again is kept once, and history goes by time, step and value', async () => {
    const { read, transact } = await openStore()
    const points = [
      point(0, 5, 1),
      point(0, 5, Number.NaN),
      point(-3, 5, 2),
      point(7, 4, 3),
      point(0, 5, 1),
    ]
    await transact(({ tracking }) => tracking.appendMetrics(run('a'), points))
    await transact(({ tracking }) => tracking.appendMetrics(run('a'), points))
    const all = await read.metricHistory('a', { key: 'loss', limit: 10 })
    expect(all.map(({ item }) => item)).toEqual([
      point(7, 4, 3),
      point(-3, 5, 2),
      point(0, 5, Number.NaN),
      point(0, 5, 1),
    ])
    const after = all[0]?.place
    const page = await read.metricHistory('a', { key: 'loss', limit: 1, after })
    expect(page).toEqual(all.slice(1, 3))
    expect(await read.metricHistory('a', { key: 'other', limit: 1 })).toEqual([])
  })

  test('a long history is whole, in order and without doubles, however its points came', async () => {
    const { read, transact } = await openStore()
    const append = (points: Metric[]) =>
      transact(({ tracking }) => tracking.appendMetrics(run('a'), points))
    const stretch = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => {
        const step = from + index
        return point(step, 1000 + Math.floor(step / 3), step % 97 === 0 ? Number.NaN : step / 7)
      })
    for (let from = 0; from < 20_000; from += 1000) await append(stretch(from, 1000))
    const whole = stretch(0, 20_000)
    const history = async (limit: number) => {
      const items: Metric[] = []
      let after: Place | undefined
      do {
        const page = await read.metricHistory('a', { key: 'loss', limit, after })
        items.push(...page.slice(0, limit).map(({ item }) => item))
        after = page.length > limit ? page[limit - 1]?.place : undefined
      } while (after !== undefined)
      return items
    }
    expect(await history(3000)).toEqual(whole)
    const sample = await read.sampleMetric('a', { key: 'loss', most: 5 })
    expect(sample.map(({ step }) => step)).toEqual([0, 4000, 8000, 12_000, 19_999])

    // What is logged again long after is known, and what comes late stands where it belongs.
    await append(stretch(500, 50))
    expect(await history(6000)).toEqual(whole)
    const late = point(-1, 1000, 5)
    await append([late])
    expect(await history(6000)).toEqual([late, ...whole])
    for (let from = 20_000; from < 30_000; from += 1000) await append(stretch(from, 1000))
    expect(await history(30_000)).toEqual([late, ...whole, ...stretch(20_000, 10_000)])
  })

  test('a batch of a thousand points of many metrics is kept whole', async () => {
    const { read, transact } = await openStore()
    const points = Array.from({ length: 1000 }, (_, index) => ({
      ...point(index, index, index / 7),
      key: `m${index % 10}`,
    }))
    await transact(({ tracking }) => tracking.appendMetrics(run('a'), points))
    expect(await read.newestMetrics('a')).toEqual(points.slice(-10))
    expect(await read.metricHistory('a', { key: 'm3', limit: 200 })).toHaveLength(100)
  })
}

function searchLaws(openStore: OpenStore): void {
  const withRuns = async () => {
    const store = await openStore()
    const metric = (value: number) => [{ key: 'auc', value, step: 0, atMs: 0 }]
    await store.transact(async ({ tracking }) => {
      await tracking.insertRun({ ...run('a'), name: 'Alpha', startMs: 1 })
      await tracking.insertRun({ ...run('b'), name: 'alpine_', startMs: 2 })
      await tracking.insertRun({ ...run('c'), name: '[x]*', startMs: 3, endMs: 9 })
      await tracking.insertRun({ ...run('d'), startMs: 4, lifecycle: 'deleted' })
      await tracking.appendMetrics(run('a'), metric(0.5))
      await tracking.appendMetrics(run('b'), metric(Number.NaN))
      await tracking.insertParams('a', [{ key: 'p', value: '10' }])
      await tracking.insertParams('b', [{ key: 'p', value: '9' }])
      await tracking.addDatasets(run('c'), [
        {
          name: 'flights',
          digest: 'd1',
          sourceType: 'local',
          source: '{}',
          schema: null,
          profile: null,
          tags: [{ key: 'mlflow.data.context', value: 'training' }],
        },
      ])
    })
    return async (conditions: Condition<RunField>[], order: Order<RunField>[] = []) => {
      const search = { experimentIds: ['1'], lifecycles: ['active'], conditions, order } as const
      const found = await store.read.searchRuns({ ...search, limit: 10 })
      // Each page of one begins where the one before it ended.
      for (const [index, { place }] of found.entries()) {
        const rest = await store.read.searchRuns({ ...search, limit: 10, after: place })
        expect(rest).toEqual(found.slice(index + 1))
      }
      return found.map(({ item }) => item)
    }
  }
  const auc = { of: 'metric', key: 'auc' } as const
  const p = { of: 'param', key: 'p' } as const
  const name = { of: 'attribute', name: 'name' } as const

  test('a search without conditions gives the newest start first', async () => {
    expect(await (await withRuns())([])).toEqual(['c', 'b', 'a'])
  })

  test('a run without the metric never matches, and NaN is only unlike', async () => {
    const search = await withRuns()
    expect(await search([{ field: auc, comparator: '>=', value: 0 }])).toEqual(['a'])
    expect(await search([{ field: auc, comparator: '!=', value: 0 }])).toEqual(['b', 'a'])
    expect(await search([{ field: auc, comparator: '=', value: 0 }])).toEqual([])
  })

  test('params are compared as texts, and absence can be asked for', async () => {
    const search = await withRuns()
    expect(await search([{ field: p, comparator: '=', value: '9' }])).toEqual(['b'])
    expect(await search([{ field: p, comparator: '!=', value: '9' }])).toEqual(['a'])
    expect(await search([{ field: p, comparator: 'is-null', value: null }])).toEqual(['c'])
    expect(await search([{ field: p, comparator: 'is-not-null', value: null }])).toEqual(['b', 'a'])
  })

  test('like minds case and ilike does not; other wildcards are plain characters', async () => {
    const search = await withRuns()
    expect(await search([{ field: name, comparator: 'like', value: 'al%' }])).toEqual(['b'])
    expect(await search([{ field: name, comparator: 'ilike', value: 'AL%' }])).toEqual(['b', 'a'])
    expect(await search([{ field: name, comparator: 'like', value: '[x]*' }])).toEqual(['c'])
    expect(await search([{ field: name, comparator: 'like', value: 'alpine_' }])).toEqual(['b'])
    expect(await search([{ field: name, comparator: 'in', value: ['Alpha', 'no'] }])).toEqual(['a'])
  })

  test('runs are found by what they read', async () => {
    const search = await withRuns()
    const of = (part: 'name' | 'context', value: string) =>
      search([{ field: { of: 'dataset', name: part }, comparator: '=', value }])
    expect(await of('name', 'flights')).toEqual(['c'])
    expect(await of('context', 'training')).toEqual(['c'])
    expect(await of('context', 'eval')).toEqual([])
  })

  test('in an order by metric, NaN follows the numbers and what is missing comes last, both ways', async () => {
    const search = await withRuns()
    expect(await search([], [{ field: auc, descending: false }])).toEqual(['a', 'b', 'c'])
    expect(await search([], [{ field: auc, descending: true }])).toEqual(['a', 'b', 'c'])
    expect(await search([], [{ field: p, descending: false }])).toEqual(['a', 'b', 'c'])
    expect(await search([], [{ field: p, descending: true }])).toEqual(['b', 'a', 'c'])
    const end = { of: 'attribute', name: 'endMs' } as const
    expect(await search([], [{ field: end, descending: false }])).toEqual(['c', 'b', 'a'])
  })
}

function modelLaws(openStore: OpenStore): void {
  test('logged models are found by what was measured on which data', async () => {
    const { read, transact } = await openStore()
    const measured = (modelId: string, value: number, digest: string) => ({
      key: 'auc',
      value,
      step: 0,
      atMs: 0,
      modelId,
      dataset: { name: 'flights', digest },
    })
    await transact(async ({ tracking }) => {
      await tracking.insertLoggedModel(model('m-1', 1))
      await tracking.insertLoggedModel(model('m-2', 2))
      await tracking.insertLoggedModel({ ...model('m-3', 3), lifecycle: 'deleted' })
      await tracking.setLoggedModelParams('m-1', [{ key: 'depth', value: '3' }])
      await tracking.appendMetrics(run('a'), [
        measured('m-1', 0.7, 'd1'),
        measured('m-2', 0.6, 'd2'),
      ])
    })
    const search = async (
      conditions: Condition<LoggedModelField>[],
      order: Order<LoggedModelField>[] = [],
      datasets: { name: string; digest?: string }[] = [],
    ) =>
      (
        await read.searchLoggedModels({
          experimentIds: ['1'],
          conditions,
          order,
          datasets,
          limit: 10,
        })
      ).map(({ item }) => item)
    expect(await search([])).toEqual(['m-2', 'm-1'])
    const auc = { of: 'metric', key: 'auc' } as const
    expect(await search([{ field: auc, comparator: '>', value: 0.65 }])).toEqual(['m-1'])
    expect(await search([], [{ field: auc, descending: true }])).toEqual(['m-1', 'm-2'])
    expect(await search([], [], [{ name: 'flights', digest: 'd2' }])).toEqual(['m-2'])
    const depth = { of: 'param', key: 'depth' } as const
    expect(await search([{ field: depth, comparator: 'in', value: ['3'] }])).toEqual(['m-1'])
    expect(await read.loggedModelRecords(['m-1'])).toMatchObject([
      { modelId: 'm-1', metrics: [{ key: 'auc', value: 0.7, runId: 'a' }] },
    ])
  })
}

function fileLaws(openStore: OpenStore): void {
  test('files are listed by folder, replaced in place, and deleted with all below', async () => {
    const { read, transact } = await openStore()
    const put = (path: string, digest: string) =>
      transact(({ tracking }) => tracking.putFile({ path, digest, sizeBytes: 1, atMs: 0 }))
    for (const path of ['1/a/x', '1/a/y/z', '1/a b', '1/a0', '1/a/é']) await put(path, 'old')
    await put('1/a/x', 'new')
    expect((await read.filesBelow('1/a')).map((file) => file.path)).toEqual([
      '1/a/x',
      '1/a/y/z',
      '1/a/é',
    ])
    expect(await read.findFile('1/a/x')).toEqual({ path: '1/a/x', digest: 'new', sizeBytes: 1 })
    expect(await read.filesBelow('1/a/x')).toEqual([])
    expect(await transact(({ tracking }) => tracking.deleteFiles('1/a'))).toBe(3)
    expect((await read.filesBelow('')).map((file) => file.path)).toEqual(['1/a b', '1/a0'])
  })
}

function experiment(name: string) {
  return {
    name,
    artifactLocation: 'mlflow-artifacts:/x',
    lifecycle: 'active',
    createdMs: 1,
    updatedMs: 1,
    tags: [],
  } as const
}

function run(runId: string): Run {
  return {
    runId,
    experimentId: '1',
    name: runId,
    userId: 'u',
    status: 'running',
    startMs: 1,
    endMs: null,
    artifactUri: `mlflow-artifacts:/1/${runId}/artifacts`,
    lifecycle: 'active',
  }
}

function model(modelId: string, createdMs: number): LoggedModel {
  return {
    modelId,
    experimentId: '1',
    name: 'model',
    artifactUri: `mlflow-artifacts:/1/models/${modelId}/artifacts`,
    createdMs,
    updatedMs: createdMs,
    status: 'pending',
    modelType: '',
    sourceRunId: null,
    lifecycle: 'active',
  }
}
