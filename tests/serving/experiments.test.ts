import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { createExperiments } from '#rollouts'
import { openSqlStore } from '#stores/sql/index'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step()
})

test('traffic goes to the revision that earns more, with the numbers in the ledger, and not for every trifle', async () => {
  const home = await mkdtemp(join(tmpdir(), 'orrery-experiment-'))
  undo.push(() => rm(home, { recursive: true, force: true }))
  const clock = manualClock()
  const store = await openSqlStore(join(home, 'orrery.db'), { clock, ids: randomIds })
  undo.push(store.close)
  await store.transact(async ({ serving }) => {
    await serving.declare(
      {
        name: 'offers',
        project: 'shop',
        model: 'models:/offers/1',
        shadows: [],
        monitor: null,
        delivery: {
          rollout: null,
          traffic: { 'models:/offers/1': 50, 'models:/offers/2': 50 },
          experiment: {
            by: 'thompson',
            epsilon: 0.1,
            reward: 'binary',
            every: '1m',
            threshold: 0.05,
          },
          override: false,
        },
      },
      1,
    )
    await serving.addRevisions(
      [1, 2].map((number) => ({
        endpoint: 'offers',
        number,
        role: 'live' as const,
        model: 'offers',
        version: number,
        digest: `${number}`,
        createdMs: 100 * number,
      })),
    )
    const weights = [1, 2].map((revision) => ({ revision, weight: 50 }))
    await serving.saveAnswering('offers', { live: 1, weights })
  })
  let earned = [10, 10]
  const asked: number[] = []
  const experiments = createExperiments({
    read: store.read.serving,
    transact: store.transact,
    divide: async (name, _, commit) => {
      await commit()
      return (await store.read.serving.find(name)) as never
    },
    rewards: async (_, { sinceMs }) => {
      asked.push(sinceMs)
      return earned.map((sum, at) => ({ revision: at + 1, count: 100, sum, sumOfSquares: sum }))
    },
    clock,
    logger: pino({ level: 'silent' }),
  })
  const weights = async () =>
    (await store.read.serving.find('offers'))?.answering.map(({ weight }) => weight)

  await experiments.look()
  expect([await weights(), asked]).toEqual([[50, 50], [200]])
  const even = { rewards: 100, mean: 0.1, share: 0.5, best: 0.5 }
  expect(await experiments.standing('offers')).toMatchObject({
    plan: { by: 'thompson' },
    sinceMs: 200,
    arms: [
      { modelVersion: 'offers/1', ...even },
      { modelVersion: 'offers/2', ...even },
    ],
  })
  await expect(experiments.standing('nobody')).rejects.toMatchObject({ code: 'not-found' })
  earned = [10, 30]
  await experiments.look()
  expect(await weights()).toEqual([50, 50])
  clock.advance(60_000)
  await experiments.look()
  const [one = 0, two = 0] = (await weights()) ?? []
  expect(two).toBeGreaterThan(90)
  expect(one + two).toBeCloseTo(100)
  const [entry] = await store.read.ledger.newest({ limit: 1 })
  expect(entry).toMatchObject({
    type: 'experiment-weighed',
    actor: { kind: 'platform', id: 'experiments' },
    data: {
      endpoint: 'offers',
      by: 'thompson',
      earned: [
        { revision: 1, rewards: 100, mean: 0.1 },
        { revision: 2, rewards: 100, mean: 0.3 },
      ],
    },
  })
})
