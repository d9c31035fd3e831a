import { askRows } from '#stores/analytics/duckdb/questions'
import { beforeEach, describe, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import type { Entry } from '#ledger'
import { createMonitoring, type Monitoring, type TrainedOn } from '#monitoring'
import { numericProfileOf, type NumericProfile } from '#drift'
import type { MonitorConfig } from '#projects'
import type { Endpoint, PredictionQueries, PredictionRow } from '#serving'
import type { Job } from '#work'
import { monitoringStoreSuite } from '#suites/monitoring'
import type { SqlStore } from './index.ts'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'

eachSqlStore((_name, open) => {
  const DAY_MS = 86_400_000
  const ROWS_A_DAY = 240
  describe('windows, alerts and references', () => {
    monitoringStoreSuite(async () => {
      const { read, transact } = await open()
      return { read: read.monitoring, transact }
    })
  })

  describe('an endpoint that is watched', () => {
    let store: SqlStore
    let monitoring: Monitoring
    let world: World

    beforeEach(async () => {
      store = await open()
      world = newWorld()
      monitoring = monitoringOf(store, world)
    })

    test('has its windows judged once event time has passed them, and measured when labels had time to come', async () => {
      world.play(0, 3)
      await settle()
      const windows = await monitoring.windows('late', { limit: 9 })
      expect(windows.map(({ startMs }) => startMs / DAY_MS)).toEqual([1, 0])
      expect(windows.map(({ performance }) => performance?.state ?? null)).toEqual([
        null,
        'measured',
      ])
      expect(windows.every(({ predictions }) => predictions === ROWS_A_DAY)).toBe(true)
      expect(await facts('window-evaluated')).toMatchObject([
        { data: { state: 'provisional', start: '1970-01-01T00:00:00.000Z', labels: 0, auc: null } },
        { data: { state: 'settled', start: '1970-01-01T00:00:00.000Z', labels: ROWS_A_DAY } },
        { data: { state: 'provisional', start: '1970-01-02T00:00:00.000Z' } },
      ])
    })

    test('is quiet while nothing changes', async () => {
      world.play(0, 25)
      await settle()
      expect(await facts('window-evaluated')).toHaveLength(24 + 23)
      expect(await facts('drift-detected', 'performance-fell', 'alert-raised')).toEqual([])
    })

    test('raises one alert when drift has lasted, finds it in every window, and clears it when it is over', async () => {
      world.play(0, 5)
      world.play(5, 12, { shift: 6 })
      world.play(12, 20)
      await settle()
      const days = (entries: Entry[]) => entries.map(({ eventMs }) => (eventMs as number) / DAY_MS)
      // Three of the last five: from the third day of drift on, until three of five are calm.
      expect(days(await facts('drift-detected'))).toEqual([8, 9, 10, 11, 12, 13, 14])
      expect(days(await facts('alert-raised'))).toEqual([8])
      expect(days(await facts('alert-cleared'))).toEqual([15])
      expect((await facts('drift-detected'))[0]?.data).toMatchObject({
        window: 'late/1970-01-08T00:00:00.000Z',
        share: 0.5,
        features: [{ feature: 'x', statistic: 'wasserstein' }],
        detail: '1 of 2 features drifted (x), in at least 3 of the last 5 windows',
      })
      expect(await monitoring.alerts({ limit: 5 })).toMatchObject([
        { kind: 'drift', raisedMs: 8 * DAY_MS, clearedMs: 15 * DAY_MS },
      ])
    })

    test('hears of performance that is below beyond doubt at once, and of one that is only low when it lasts', async () => {
      world.play(0, 4)
      world.play(4, 5, { skill: -1 })
      world.play(5, 11)
      await settle()
      const found = await facts('performance-fell')
      expect(found).toHaveLength(1)
      expect(found[0]).toMatchObject({
        eventMs: 6 * DAY_MS,
        data: { metric: 'roc_auc', min: 0.6, window: 'late/1970-01-05T00:00:00.000Z' },
      })
      expect(await facts('alert-raised', 'alert-cleared')).toMatchObject([
        { type: 'alert-raised', data: { kind: 'performance' } },
        { type: 'alert-cleared', eventMs: 9 * DAY_MS },
      ])
    })

    test('is told of nothing that concerns a version which no longer answers', async () => {
      world.play(0, 10, { shift: 6 })
      world.live = 2
      await settle()
      expect(await facts('window-evaluated')).toHaveLength(9 + 8)
      expect(await facts('drift-detected', 'alert-raised')).toEqual([])
    })

    test('starts anew with a new version: what lasted concerned the one before', async () => {
      world.play(0, 6, { shift: 6 })
      await settle()
      world.live = 2
      // The new version was trained on what is usual now.
      world.play(6, 12, { shift: 6 })
      await settle()
      const cleared = await facts('alert-cleared')
      expect(cleared).toMatchObject([{ data: { window: 'late/1970-01-09T00:00:00.000Z' } }])
      const found = (await facts('drift-detected')).map(({ data }) => data['modelVersion'])
      expect(new Set(found)).toEqual(new Set(['m/1']))
    })

    test('loses and doubles nothing when it is cut off anywhere', async () => {
      world.play(0, 5)
      world.play(5, 12, { shift: 6 })
      for (const cutAt of [1, 3, 4, 9]) {
        world.failAfter = cutAt
        await expect(settle()).rejects.toThrow('cut off')
      }
      world.failAfter = Infinity
      await settle()
      const told = (await facts('window-evaluated')).map(({ data }) =>
        JSON.stringify([data['state'], data['start']]),
      )
      expect(new Set(told).size).toBe(told.length)
      expect(told).toHaveLength(11 + 10)
      expect(await facts('alert-raised')).toHaveLength(1)
    })

    test('has windows judged anew when labels come late or are corrected, each change once', async () => {
      world.play(0, 6)
      const [first] = world.rows
      for (const row of world.rows) Object.assign(row, { label: row === first ? true : null })
      await settle()
      expect((await monitoring.window('late', 0)).performance).toMatchObject({ state: 'too-few' })
      const truths = newWorld()
      truths.play(0, 6)
      for (const [index, { label }] of truths.rows.entries())
        Object.assign(world.rows[index] as object, { label })
      await settle()
      await settle()
      const [day] = await facts('window-evaluated').then((all) =>
        all.filter(({ data }) => data['state'] === 'recomputed'),
      )
      expect(day?.data).toMatchObject({ start: '1970-01-01T00:00:00.000Z', labels: ROWS_A_DAY })
      expect((await monitoring.window('late', 0)).performance).toMatchObject({ state: 'measured' })
      world.replaced = 1
      await settle()
      await settle()
      // The numbers are the same, so there is nothing to tell.
      expect(await recomputed()).toHaveLength(4)
      Object.assign(world.rows[0] as object, { label: false })
      world.replaced = 2
      await settle()
      expect(await recomputed()).toHaveLength(5)
    })

    test('has a window judged anew when predictions come after its end', async () => {
      world.play(0, 6)
      const late = world.rows.splice(ROWS_A_DAY, ROWS_A_DAY)
      await settle()
      expect(await monitoring.window('late', DAY_MS)).toMatchObject({ predictions: 0 })
      world.rows.splice(ROWS_A_DAY, 0, ...late)
      await settle()
      expect(await monitoring.window('late', DAY_MS)).toMatchObject({
        predictions: ROWS_A_DAY,
        drift: { state: 'judged' },
        performance: { state: 'measured' },
      })
      expect(await recomputed()).toHaveLength(1)
      await settle()
      expect(await recomputed()).toHaveLength(1)
    })

    test('that nobody asks any more is told of, once, until somebody asks again', async () => {
      world.play(0, 8)
      world.play(11, 13)
      await settle()
      const [raised, cleared] = await facts('alert-raised', 'alert-cleared')
      expect(raised?.data).toMatchObject({
        kind: 'traffic',
        severity: 'critical',
        window: 'late/1970-01-09T00:00:00.000Z',
        detail: 'nobody asked; the 5 windows before had at least 240 predictions each',
      })
      expect(cleared?.data).toMatchObject({ window: 'late/1970-01-12T00:00:00.000Z' })
      expect(await monitoring.window('late', 8 * DAY_MS)).toMatchObject({
        predictions: 0,
        drift: { state: 'skipped', reason: '0 predictions are fewer than 100' },
      })
    })

    test('is known to have begun within its first window', async () => {
      world.play(0, 3)
      await settle()
      const [second, first] = await monitoring.windows('late', { limit: 2 })
      expect([first?.partial, second?.partial]).toEqual([true, undefined])
    })

    test('has the rest of a window judged though one part of it fails again and again', async () => {
      world.isBroken = true
      world.play(0, 3)
      world.clock.advance(3_600_000)
      await monitoring.tick()
      const [job] = await store.read.work.open()
      const tried = (attempts: number) =>
        monitoring.handler.run({ ...(job as Job), attempts }, new AbortController().signal)
      await expect(tried(1)).rejects.toThrow('the rows cannot be asked')
      // It is the truths of the first day that were to be looked at.
      expect(await monitoring.windows('late', { limit: 9 })).toMatchObject([{ performance: null }])
      await tried(6)
      const windows = await monitoring.windows('late', { limit: 9 })
      expect(windows).toHaveLength(2)
      expect(windows[1]).toMatchObject({
        failed: { kpis: 'the rows cannot be asked' },
        drift: { state: 'judged' },
        performance: { state: 'measured' },
      })
      expect((await facts('window-evaluated')).at(1)?.data).toMatchObject({
        failed: { kpis: 'the rows cannot be asked' },
      })
    })

    test('asks for one job, however often it looks', async () => {
      world.play(0, 3)
      await Promise.all([monitoring.tick(), monitoring.tick()])
      await monitoring.tick()
      await monitoringOf(store, world).tick()
      expect(await store.read.work.open()).toHaveLength(1)
    })

    test('still has its windows when there is nothing to compare with, and says why', async () => {
      world.trained = { state: 'unknown', reason: 'its data was never pushed' }
      world.play(0, 3)
      await settle()
      expect((await facts('window-evaluated'))[0]?.data).toMatchObject({
        driftShare: null,
        driftSkipped: 'there is no reference: its data was never pushed',
      })
      expect(await monitoring.reference('m', 1)).toEqual(world.trained)
    })

    test('knows what a version was trained on, and until when', async () => {
      const known = await monitoring.reference('m', 1)
      expect(known).toMatchObject({
        state: 'known',
        reference: { modelVersion: 'm/1', trainedUntilMs: -1, prediction: { kind: 'numeric' } },
      })
      world.trained = { state: 'unknown', reason: 'gone' }
      expect(await monitoring.reference('m', 1)).toEqual(known)
    })

    test('gives the labelled rows of a span', async () => {
      world.play(0, 2)
      const rows = await Array.fromAsync(
        monitoring.labelledRows('late', { fromMs: 0, toMs: DAY_MS }),
      )
      expect(rows).toHaveLength(ROWS_A_DAY)
    })

    /** Does the jobs that are asked for, as the worker would. */
    async function settle(): Promise<void> {
      world.clock.advance(3_600_000)
      await monitoring.tick()
      for (const job of await store.read.work.open()) {
        await monitoring.handler.run(job, new AbortController().signal)
        await done(job)
      }
    }

    async function done(job: Job): Promise<void> {
      await store.transact(async ({ work }) => {
        const nowMs = 9e15
        await work.lease({ kinds: [job.kind], owner: 'test', nowMs, untilMs: nowMs })
        await work.complete(job.id, 'test')
      })
    }

    async function recomputed(): Promise<Entry[]> {
      const all = await facts('window-evaluated')
      return all.filter(({ data }) => data['state'] === 'recomputed')
    }

    async function facts(...types: string[]): Promise<Entry[]> {
      return store.read.ledger.list({ after: -1, limit: 1000, types })
    }
  })

  interface World {
    rows: PredictionRow[]
    readonly clock: ReturnType<typeof manualClock>
    /** The version that answers. */
    live: number
    trained: TrainedOn
    /** Labels that took the place of others, all of them in the first hour. */
    replaced: number
    /** Reads of the log until it is cut off. */
    failAfter: number
    /** Whether a question over rows is wanted, and fails. */
    isBroken: boolean
    play(fromDay: number, toDay: number, how?: { shift?: number; skill?: number }): void
  }

  function newWorld(): World {
    const world: World = {
      rows: [],
      live: 1,
      trained: { state: 'known', files: [{ path: 'train', name: 'train' }], inputs: ['x', 'y'] },
      clock: manualClock(),
      replaced: 0,
      failAfter: Infinity,
      isBroken: false,
      play: (fromDay, toDay, { shift = 0, skill = 1 } = {}) => {
        for (let index = fromDay * ROWS_A_DAY; index < toDay * ROWS_A_DAY; index++)
          world.rows.push(rowAt(index, { shift, skill, version: world.live }))
      },
    }
    return world
  }

  function rowAt(
    index: number,
    { shift, skill, version }: { shift: number; skill: number; version: number },
  ): PredictionRow {
    const label = index % 3 === 0
    const score = 0.2 + (((index * 7919) % 101) / 101) * 0.5 + (label ? 0.15 * skill : 0)
    return {
      id: `b-${index}`,
      batch: 'b',
      revision: version,
      modelVersion: `m/${version}`,
      role: 'live',
      eventMs: Math.floor((index * DAY_MS) / ROWS_A_DAY),
      atMs: 0,
      latencyMs: 1,
      key: null,
      inputs: { x: valueAt(index) + shift, y: valueAt(index + 17) },
      outputs: { label: label ? 1 : 0, probabilities: [1 - score, score] },
      label,
    }
  }

  function valueAt(index: number): number {
    return ((index * 7919) % 1009) / 100
  }

  function monitoringOf(store: SqlStore, world: World): Monitoring {
    const training = (version: number) =>
      Array.from({ length: 20 * ROWS_A_DAY }, (_, index) =>
        rowAt(index, { shift: version === 2 ? 6 : 0, skill: 1, version }),
      ).map((row, index) => ({
        inputs: row.inputs,
        atMs: (index - 20 * ROWS_A_DAY) * (DAY_MS / ROWS_A_DAY),
      }))
    const profiled = (version: number, column: string) =>
      numericProfileOf(
        training(version).map(({ inputs, atMs }) => ({ value: inputs[column] as number, atMs })),
        DAY_MS,
      ) as NumericProfile
    return createMonitoring({
      askRows: async (...asked) => {
        if (world.isBroken) throw new TypeError('the rows cannot be asked')
        return askRows(...asked)
      },
      happenings: async () => [],
      read: store.read.monitoring,
      transact: store.transact,
      endpoints: async () => [endpointOf(world)],
      predictions: queriesOf(world),
      trainingData: {
        find: async (_, version) =>
          world.trained.state === 'unknown'
            ? world.trained
            : { ...world.trained, files: [{ path: String(version), name: 'train' }] },
      },
      profiler: {
        columnNames: async () => ['time', 'x', 'y'],
        profile: async ({ files }) => {
          const version = Number(files[0]?.path)
          return {
            version: 1,
            rows: 20 * ROWS_A_DAY,
            time: { column: 'time', windowMs: DAY_MS, fromMs: -20 * DAY_MS, toMs: -1 },
            columns: { x: profiled(version, 'x'), y: profiled(version, 'y') },
          }
        },
        sample: async () =>
          training(1).map(({ inputs, atMs }) => ({
            atMs,
            values: { x: inputs['x'] as number, y: inputs['y'] as number },
          })),
      },
      score: async (_, __, rows) =>
        rows.map((_row, index) => rowAt(index, { shift: 0, skill: 1, version: 1 }).outputs),
      clock: world.clock,
    })
  }

  function endpointOf(world: World): Endpoint {
    const monitor: MonitorConfig = {
      window: { size: '1d', by: 'time' },
      settle: '1d',
      min_samples: 100,
      drift: { alert_share: 0.3, persistence: { windows: 3, of: 5 } },
      performance: { metric: 'roc_auc', min: 0.6, persistence: { windows: 3, of: 5 } },
      ...(world.isBroken ? { kpis: { rows: { sql: 'select count(*) from predictions' } } } : {}),
    }
    return {
      name: 'late',
      project: 'p',
      model: 'models:/m@champion',
      shadows: [],
      monitor,
      declaredMs: 0,
      live: {
        endpoint: 'late',
        number: world.live,
        role: 'live',
        model: 'm',
        version: world.live,
        digest: '',
        createdMs: 0,
      },
      answering: [],
      shadowing: [],
      failure: null,
    }
  }

  function queriesOf(world: World): PredictionQueries {
    const queries: Omit<PredictionQueries, 'soFar'> = {
      window: async (_, { fromMs, toMs, limit = Infinity, after }) => {
        if (world.failAfter-- <= 0) throw new Error('cut off')
        const all = world.rows.filter(({ eventMs }) => eventMs >= fromMs && eventMs < toMs)
        const start = Number(after ?? 0)
        const rows = all.slice(start, start + limit)
        return { rows, next: start + limit < all.length ? String(start + limit) : null }
      },
      summaries: async (_, { fromMs = -Infinity, toMs = Infinity, per }) => {
        const size = per as number
        const rows = world.rows.filter(({ eventMs }) => eventMs >= fromMs && eventMs < toMs)
        const hours = Map.groupBy(rows, ({ eventMs }) => Math.floor(eventMs / size) * size)
        return [...hours].map(([startMs, each]) => ({
          startMs,
          predictions: each.length,
          labels: each.filter(({ label }) => label !== null).length,
          replaced: startMs === 0 ? world.replaced : 0,
        }))
      },
      find: async () => undefined,
      watermark: async () => world.rows.at(-1)?.eventMs ?? null,
      // oxlint-disable-next-line no-empty-function -- these windows are judged by their rows
      profiles: async function* () {},
      onGrowth: () => () => undefined,
    }
    return { ...queries, soFar: queries }
  }
})
