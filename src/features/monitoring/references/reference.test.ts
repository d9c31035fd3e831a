import { expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { Problem } from '#base/problem'
import type { Profile } from '#drift'
import { createReferences } from './reference.ts'
import type { Reference } from '../store.ts'
import type { Profiler, Score, TrainedOn } from '../sources.ts'
import type { MonitoringReads, MonitoringWrites } from '../store.ts'

const CUT = { timeColumn: 'time', windowMs: 86_400_000 }
const version = { model: 'm', version: 1 }
const known: TrainedOn = {
  state: 'known',
  inputs: ['x'],
  files: ['other', 'untimed', 'timed'].map((name) => ({ path: name, name })),
}

test('a reference is made of the files with all columns, and of those with event time if there are any', async () => {
  const { references, profiled } = given({})
  expect(await references.of(version, CUT)).toMatchObject({ state: 'known' })
  expect(
    await references.of({ model: 'm', version: 2 }, { ...CUT, timeColumn: null }),
  ).toMatchObject({ state: 'known' })
  expect(profiled).toEqual([['timed'], ['untimed', 'timed']])
})

test('a reference is made once, though many ask at the same time', async () => {
  const { references, profiled } = given({})
  await Promise.all([1, 2, 3].map(() => references.of(version, CUT)))
  await references.of(version, CUT)
  expect(profiled).toHaveLength(1)
})

test.each<[string, Parameters<typeof given>[0], RegExp]>([
  [
    'training data that is not on record',
    { trained: { state: 'unknown', reason: 'never pushed' } },
    /never pushed/,
  ],
  ['a model without a signature', { trained: { ...known, inputs: [] } }, /has no signature/],
  ['data without the columns', { trained: { ...known, inputs: ['z'] } }, /has the columns z/],
  [
    'a file that cannot be read',
    {
      profile: async () => {
        throw new Error('not a Parquet file')
      },
    },
    /could not be read: not a Parquet file/,
  ],
])('%s leaves the reference unknown, with the reason', async (_, world, reason) => {
  const found = await given(world).references.of(version, CUT)
  expect(found).toMatchObject({ state: 'unknown', reason: expect.stringMatching(reason) as string })
})

test('what was unknown is looked for again after a minute', async () => {
  const world: Parameters<typeof given>[0] = {
    trained: { state: 'unknown', reason: 'never pushed' },
  }
  const { references, clock } = given(world)
  await references.of(version, CUT)
  world.trained = known
  expect(await references.of(version, CUT)).toMatchObject({ state: 'unknown' })
  clock.advance(60_000)
  expect(await references.of(version, CUT)).toMatchObject({ state: 'known' })
})

test('a model that refuses its own data has no reference of predictions, and windows go on', async () => {
  const refusal = async (): Promise<never> => {
    throw new Problem('invalid', 'column x in row 0 is null')
  }
  expect(await given({ score: refusal }).references.of(version, CUT)).toMatchObject({
    state: 'known',
    reference: { prediction: null },
  })
})

test('a model that is not to be had now is asked again later', async () => {
  const busy = async (): Promise<never> => {
    throw new Problem('unavailable', 'the process is restarting')
  }
  const world: Parameters<typeof given>[0] = { score: busy }
  const { references } = given(world)
  await expect(references.of(version, CUT)).rejects.toThrow('restarting')
  delete world.score
  expect(await references.of(version, CUT)).toMatchObject({ state: 'known' })
})

function given(world: { trained?: TrainedOn; profile?: Profiler['profile']; score?: Score }) {
  const kept = new Map<string, Reference>()
  const profiled: string[][] = []
  const clock = manualClock()
  const profile: Profile = { version: 1, rows: 1, time: null, columns: {} }
  const references = createReferences({
    read: { findReference: async (key) => kept.get(key) } as MonitoringReads,
    transact: (work) =>
      work({
        monitoring: {
          saveReference: async (key, reference) => void kept.set(key, reference),
        } as MonitoringWrites,
        ledger: undefined as never,
      }),
    trainingData: { find: async () => world.trained ?? known },
    profiler: {
      columnNames: async ({ name }) =>
        ({ other: ['y'], untimed: ['x', 'y'], timed: ['x', 'time'] })[name] ?? [],
      profile: async (request) => {
        profiled.push(request.files.map(({ name }) => name))
        return world.profile === undefined ? profile : world.profile(request)
      },
      sample: async () => [{ atMs: 0, values: { x: 1 } }],
    },
    score: (...asked) => world.score?.(...asked) ?? Promise.resolve([{ score: 0.5 }]),
    clock,
  })
  return { references, profiled, clock }
}
