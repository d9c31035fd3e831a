import { expect, test } from 'vitest'
import type { Transact } from '#ledger'
import type { Replay } from './replay.ts'
import type { ReplayReads, ReplayWrites } from './store.ts'

interface Opened {
  readonly read: ReplayReads
  readonly transact: Transact<{ replay: ReplayWrites }>
}

const replay = (id: string, createdMs = 1000, endpoint = 'late'): Replay => ({
  id,
  endpoint,
  model: 'flights "late" ☃',
  version: 3,
  options: { fromMs: 0, toMs: 10, limit: 5, tolerance: 0.1, kind: 'auto' },
  createdMs,
  outcome: { state: 'waiting' },
})

/** What every store of replays has to keep to. */
export function replayStoreSuite(open: () => Promise<Opened>): void {
  test('a replay comes back as it was saved last', async () => {
    const { read, transact } = await open()
    const ended: Replay = {
      ...replay('01A'),
      outcome: { state: 'failed', endedMs: 2000, reason: 'the model is "gone"' },
    }
    await transact((tx) => tx.replay.save(replay('01A')))
    await transact((tx) => tx.replay.save(ended))
    expect(await read.find('01A')).toEqual(ended)
    expect(await read.find('01B')).toBeUndefined()
  })

  test('replays are listed newest first, in pages, and of one endpoint', async () => {
    const { read, transact } = await open()
    await transact(async (tx) => {
      for (const [id, ms] of [
        ['check-1', 3],
        ['01C', 1],
        ['01B', 2],
        ['01A', 2],
      ] as const)
        await tx.replay.save(replay(id, ms))
      await tx.replay.save(replay('other', 9, 'other'))
    })
    const ids = async (page: { before?: string; limit: number; endpoint?: string }) =>
      (await read.list(page)).map(({ id }) => id)
    expect(await ids({ limit: 3, endpoint: 'late' })).toEqual(['check-1', '01B', '01A'])
    expect(await ids({ limit: 3, before: '01A', endpoint: 'late' })).toEqual(['01C'])
    expect(await ids({ limit: 1 })).toEqual(['other'])
  })
}
