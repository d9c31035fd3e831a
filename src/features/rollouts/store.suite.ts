import { expect, test } from 'vitest'
import type { Transact } from '#ledger'
import type { RolloutPlan } from './guards.ts'
import { looked, newRollout, ordered, type Rollout } from './rollout.ts'
import type { RolloutReads, RolloutWrites } from './store.ts'

interface Opened {
  readonly read: RolloutReads
  readonly transact: Transact<{ rollouts: RolloutWrites }>
}

const PLAN: RolloutPlan = {
  steps: [5, 100],
  everyMs: 1000,
  minSamples: 1,
  guards: [
    { kind: 'errors', max: 0.01, overOld: 0.01 },
    { kind: 'latency', quantile: 0.99, maxMs: 50, timesOld: 1.5 },
    { kind: 'drift', max: 0.1 },
    { kind: 'quality', metric: 'accuracy', drop: 0.01, scale: 1, settleMs: 0 },
  ],
  alpha: 0.05,
  rollback: 'automatic',
}

const rollout = (id: string, endpoint = 'late'): Rollout =>
  newRollout({ id, endpoint, from: 1, to: 2, plan: PLAN }, 1000)

const seen = (start: Rollout): Rollout => {
  const counts = { requests: 3, faults: 1, refusals: 0, latencies: [[7, 3]] as [number, number][] }
  const outcomes = [['a "label" ☃', 3]] as [string, number][]
  const batch = {
    share: 0.05,
    fresh: { revision: 2, ...counts, outcomes },
    old: { revision: 1, ...counts, outcomes },
  }
  return looked(start, [batch, batch], 1500).rollout
}

/** What every store of rollouts has to keep to. */
export function rolloutStoreSuite(open: () => Promise<Opened>): void {
  test('a rollout comes back as it was saved, with all its evidence', async () => {
    const { read, transact } = await open()
    const kept = seen(rollout('01A'))
    await transact((tx) => tx.rollouts.save(rollout('01A')))
    await transact((tx) => tx.rollouts.save(kept))
    expect(await read.find('01A')).toEqual(kept)
    expect(await read.find('01B')).toBeUndefined()
  })

  test('the newest of an endpoint is found, and all are listed in pages, newest first', async () => {
    const { read, transact } = await open()
    await transact(async (tx) => {
      for (const id of ['01A', '01C', '01B']) await tx.rollouts.save(rollout(id))
      await tx.rollouts.save(rollout('01D', 'other'))
    })
    expect((await read.newest('late'))?.id).toBe('01C')
    expect(await read.newest('none')).toBeUndefined()
    const ids = async (page: { before?: string; limit: number }) =>
      (await read.list('late', page)).map(({ id }) => id)
    expect(await ids({ limit: 2 })).toEqual(['01C', '01B'])
    expect(await ids({ limit: 2, before: '01B' })).toEqual(['01A'])
  })

  test('those under way are found by whoever goes on with them after a restart', async () => {
    const { read, transact } = await open()
    const at = { nowMs: 2000, reason: 'because' }
    const paused = ordered(rollout('01B'), 'pause', at)
    await transact(async (tx) => {
      await tx.rollouts.save(rollout('01A'))
      await tx.rollouts.save(paused)
      await tx.rollouts.save(ordered(rollout('01C'), 'abort', at))
      await tx.rollouts.save(ordered(rollout('01D'), 'finish', at))
    })
    expect((await read.open()).map(({ id }) => id)).toEqual(['01A', '01B'])
    expect(await read.find('01B')).toEqual(paused)
  })

  test('what a failed transaction saved is not there', async () => {
    const { read, transact } = await open()
    const work = transact(async (tx) => {
      await tx.rollouts.save(rollout('01A'))
      throw new Error('too late')
    })
    await expect(work).rejects.toThrow('too late')
    expect(await read.find('01A')).toBeUndefined()
  })
}
