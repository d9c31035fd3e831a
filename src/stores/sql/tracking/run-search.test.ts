import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import type { Condition, Order, Place, RunField } from '#tracking'
import { openSqlStore } from '../index.ts'
import { kyselyOn, openReader } from '../sqlite.ts'
import { runSearch } from './run-search.ts'
import type { TrackingTables } from './tables.ts'

const RUNS = 120
const reader = Promise.withResolvers<ReturnType<typeof openReader>>()
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-search-'))
  const file = join(folder, 'orrery.db')
  const store = await openSqlStore(file, { clock: manualClock(), ids: countedIds() })
  await store.transact(async ({ tracking }) => {
    for (let index = 0; index < RUNS; index++) await insertRun(tracking, index)
  })
  await store.close()
  reader.resolve(openReader(file))
})

afterAll(async () => {
  ;(await reader.promise).close()
  await rm(folder, { recursive: true, force: true })
})

type Tracking = Parameters<
  Parameters<Awaited<ReturnType<typeof openSqlStore>>['transact']>[0]
>[0]['tracking']

async function insertRun(tracking: Tracking, index: number): Promise<void> {
  const run = {
    runId: (index * 7919).toString(16).padStart(32, '0'),
    experimentId: String(1 + (index % 2)),
    name: `run-${index}`,
    userId: 'u',
    status: 'finished' as const,
    // Few moments and few values, so that the later keys decide often.
    startMs: index % 5,
    endMs: null,
    artifactUri: 'a',
    lifecycle: index % 11 === 0 ? ('deleted' as const) : ('active' as const),
  }
  await tracking.insertRun(run)
  await tracking.insertParams(run.runId, [{ key: 'p', value: String(index % 4) }])
  if (index % 3 > 0) await tracking.setRunTags(run.runId, [{ key: 't', value: `v${index % 6}` }])
  const value = index % 7 === 0 ? Number.NaN : index % 9
  const metrics = [{ key: 'm', value, step: 0, atMs: 1 }]
  if (index % 5 > 0) await tracking.appendMetrics(run, metrics)
}

const field = {
  m: { of: 'metric', key: 'm' },
  p: { of: 'param', key: 'p' },
  t: { of: 'tag', key: 't' },
} as const

const condition: fc.Arbitrary<Condition<RunField>> = fc.oneof(
  fc.record({
    field: fc.constant(field.m),
    comparator: fc.constantFrom('<', '<=', '=', '!=', '>', '>=' as const),
    value: fc.integer({ min: -1, max: 9 }),
  }),
  fc.record({
    field: fc.constant(field.p),
    comparator: fc.constantFrom('=', '!=' as const),
    value: fc.constantFrom('0', '1', '3', 'x'),
  }),
  fc.record({
    field: fc.constant(field.t),
    comparator: fc.constantFrom('=', 'like' as const),
    value: fc.constantFrom('v1', 'v2', 'v%'),
  }),
)

const order: fc.Arbitrary<Order<RunField>[]> = fc.subarray([
  { field: field.m, descending: true },
  { field: field.p, descending: false },
  { field: { of: 'attribute', name: 'startMs' }, descending: false },
])

const search = fc.record({
  conditions: fc.array(condition, { maxLength: 3 }),
  order: fc
    .tuple(order, fc.boolean())
    .map(([keys, reversed]) => (reversed ? keys.toReversed() : keys)),
  experimentIds: fc.constantFrom(['1'], ['1', '2'], ['2', '9']),
  lifecycles: fc.constantFrom(['active'], ['active', 'deleted'] as const),
})

test('whichever way a search goes in, the same runs are found in the same order, page by page', async () => {
  const db = kyselyOn<TrackingTables>(await reader.promise)
  const paged = async (
    asked: typeof search extends fc.Arbitrary<infer T> ? T : never,
    few: number,
  ) => {
    const runIds: string[] = []
    let after: Place | undefined
    do {
      const page = await runSearch(
        db,
        { ...asked, lifecycles: [...asked.lifecycles], limit: 10, after },
        few,
      )
      runIds.push(...page.slice(0, 10).map(({ item }) => item))
      after = page.length > 10 ? page[9]?.place : undefined
    } while (after !== undefined)
    return runIds
  }
  await fc.assert(
    fc.asyncProperty(search, async (asked) => {
      const whole = await paged(asked, RUNS)
      expect(new Set(whole).size).toBe(whole.length)
      for (const few of [0, 5, 25]) expect(await paged(asked, few)).toEqual(whole)
    }),
    { numRuns: 300 },
  )
})
