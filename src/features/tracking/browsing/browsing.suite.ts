import { describe, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import type { Transact } from '#ledger'
import type { Run } from '../run.ts'
import type { TrackingWrites } from '../store.ts'
import { createBrowsing } from './browsing.ts'
import { parseRunColumn, PARENT_TAG, type RunQuery } from './scope.ts'
import type { BrowsingReads, BrowsingWrites } from './store.ts'

const ADA = { kind: 'user', id: 'ada' } as const
const BOB = { kind: 'user', id: 'bob' } as const

interface Opened {
  readonly read: BrowsingReads
  readonly transact: Transact<{ browsing: BrowsingWrites; tracking: TrackingWrites }>
}

/** The laws of looking through runs, whichever store keeps them. */
export function browsingStoreSuite(open: () => Promise<Opened>): void {
  describe('looking through runs', () => {
    test('finds, counts and shows the runs of a folder', async () => {
      const { browsing, runs } = await filled(open)
      const query: RunQuery = {
        scope: { of: 'folder', folder: 'air' },
        conditions: [],
        lifecycles: ['active'],
      }
      const columns = [
        'metrics.auc',
        'params.lr',
        'tags.team',
        'attributes.experiment_name',
        'attributes.child_count',
        'attributes.status',
      ].map(parseRunColumn)
      const order = [{ field: { of: 'metric', key: 'auc' }, descending: true }] as const
      const first = await browsing.rows({ ...query, order, columns, limit: 2 })
      expect(first.rows).toEqual([
        { runId: runs[1], values: [0.9, '0.2', null, 'air/b', 0, 'running'] },
        { runId: runs[0], values: [0.5, '0.1', 'x', 'air/a', 2, 'running'] },
      ])
      const after = first.next ?? undefined
      const rest = await browsing.rows({ ...query, order, columns, limit: 9, after })
      expect(rest.rows.map(({ runId, values }) => [runId, values[0]])).toEqual([
        [runs[2], 'NaN'],
        [runs[3], null],
      ])
      expect(rest.next).toBeNull()
      const keys = ['params.lr', 'metrics.auc', 'attributes.experiment_name'].map(parseRunColumn)
      const { facets } = await browsing.facets(query, keys, 1)
      expect(facets[0]).toEqual({
        of: 'values',
        values: [{ value: '0.1', runs: 2 }],
        distinct: 2,
        missing: 1,
      })
      expect(facets[1]).toMatchObject({ min: 0.5, max: 0.9, nan: 1, missing: 1 })
      expect(facets[2]).toMatchObject({ distinct: 2, missing: 0 })
      const held = await browsing.keys(query, { search: 'AU', limit: 5 })
      expect([held.metric.keys, held.param.keys]).toEqual([[{ key: 'auc', runs: 3 }], []])
    })

    test('tells the tree of runs', async () => {
      const { browsing, runs } = await filled(open)
      const ask = { depth: 5, limit: 1, lifecycles: ['active'], columns: [] } as const
      const tree = await browsing.tree(runs[0] ?? '', ask)
      expect(tree.nodes.map(({ runId, depth, children }) => [runId, depth, children])).toEqual([
        [runs[0], 0, 2],
        [runs[2], 1, 0],
      ])
      const after = tree.nodes[0]?.next ?? undefined
      const rest = await browsing.tree(runs[0] ?? '', { ...ask, after })
      expect(rest.nodes.map(({ runId }) => runId)).toEqual([runs[0], runs[3]])
    })

    test('keeps the extremes of a series that is sampled', async () => {
      const { browsing, runs, transact } = await filled(open)
      const points = Array.from({ length: 900 }, (_, step) => ({
        key: 'loss',
        value: step === 450 ? -7 : step === 10 ? Number.NaN : step % 13,
        step: step - 100,
        atMs: 1000 + step,
      }))
      const [runId = ''] = runs
      await transact(({ tracking }) => tracking.appendMetrics(runNamed(runId, '1', 1), points))
      for (const axis of ['step', 'time'] as const) {
        const ask = { runIds: [runId], keys: ['loss'], axis, points: 100 }
        const [series] = await browsing.series(ask)
        expect([series?.total, series?.sampled]).toEqual([900, true])
        expect(series?.points.length).toBeLessThanOrEqual(100)
        expect(series?.points.find(({ value }) => value === -7)).toEqual({
          step: 350,
          atMs: 1450,
          value: -7,
        })
      }
      const span = { axis: 'step', from: -92, to: -90, points: 10 } as const
      const [few] = await browsing.series({ runIds: [runId], keys: ['loss'], ...span })
      expect(few?.points.map(({ value }) => value)).toEqual([8, 9, Number.NaN])
    })

    test('lists folders page by page, and moves them', async () => {
      const { browsing } = await filled(open)
      const page = { folder: '', lifecycles: ['active'], limit: 1, afterExperiment: null } as const
      const first = await browsing.folders.list({ ...page, afterFolder: null })
      expect([first.folders, first.nextFolder]).toEqual([
        [{ folder: 'air', experiments: 2 }],
        'air',
      ])
      const second = await browsing.folders.list({ ...page, afterFolder: 'air' })
      expect([second.folders[0]?.folder, second.nextFolder]).toEqual(['sea', null])
      await expect(browsing.folders.move(ADA, 'air', 'sea')).rejects.toMatchObject({
        code: 'exists',
      })
      expect(await browsing.folders.move(ADA, 'air', 'far/off')).toHaveLength(2)
      const moved = await browsing.folders.search({ ...page, search: 'OFF/', after: '', limit: 9 })
      expect(moved.experiments.map(({ name, runs }) => [name, runs])).toEqual([
        ['far/off/a', 1],
        ['far/off/b', 3],
      ])
    })

    test('shows a private view to its owner alone, and refuses a change of what has changed', async () => {
      const { browsing } = await filled(open)
      const content = {
        name: 'mine',
        scope: { of: 'folder', folder: 'air/' },
        filter: '',
        columns: [],
        orderBy: [],
        display: { a: 1 },
        shared: false,
      } as const
      const { views } = browsing
      const { viewId, scope } = await views.create(ADA, content)
      expect(scope).toEqual({ of: 'folder', folder: 'air' })
      expect((await views.list(BOB, { limit: 5 })).items).toEqual([])
      await expect(views.get(BOB, viewId)).rejects.toMatchObject({ code: 'not-found' })
      const both = await Promise.allSettled(
        ['one', 'two'].map((name) =>
          views.change(ADA, viewId, { revision: 1, content: { ...content, name, shared: true } }),
        ),
      )
      expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
      expect((await views.list(BOB, { limit: 5 })).items).toMatchObject([{ viewId, revision: 2 }])
    })
  })
}

function runNamed(runId: string, experimentId: string, startMs: number): Run {
  return {
    runId,
    experimentId,
    name: runId,
    userId: 'ada',
    status: 'running',
    startMs,
    endMs: null,
    artifactUri: '',
    lifecycle: 'active',
  }
}

async function filled(open: () => Promise<Opened>) {
  const { read, transact } = await open()
  const runs = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(32))
  const clock = manualClock()
  await transact(async ({ tracking }) => {
    const made: string[] = []
    for (const name of ['air/a', 'air/b', 'sea/a', 'top']) {
      const empty = { artifactLocation: '', lifecycle: 'active', tags: [] } as const
      const times = { createdMs: 1, updatedMs: 1 }
      made.push((await tracking.insertExperiment({ name, ...empty, ...times })).experimentId)
    }
    for (const [at, runId] of runs.entries()) {
      const run = runNamed(runId, made[Math.min(at, 1)] ?? '', at)
      await tracking.insertRun(run)
      const values = [0.5, 0.9, Number.NaN]
      const value = values[at]
      if (value === undefined) continue
      await tracking.appendMetrics(run, [{ key: 'auc', value, step: 0, atMs: 1 }])
      await tracking.insertParams(runId, [{ key: 'lr', value: at === 1 ? '0.2' : '0.1' }])
    }
    const [first = '', , third = '', fourth = ''] = runs
    await tracking.setRunTags(first, [{ key: 'team', value: 'x' }])
    for (const child of [third, fourth])
      await tracking.setRunTags(child, [{ key: PARENT_TAG, value: first }])
  })
  const browsing = createBrowsing({ read, transact, clock, ids: countedIds() })
  return { browsing, runs, transact }
}
