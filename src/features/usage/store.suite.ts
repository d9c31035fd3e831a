import { expect, test } from 'vitest'
import { NOTHING_SPENT, type UsageHour } from './hour.ts'
import type { UsageReads, UsageWrites } from './store.ts'

const HOUR_MS = 3_600_000

interface Store {
  readonly read: UsageReads
  transact<T>(work: (tx: { usage: UsageWrites }) => Promise<T>): Promise<T>
}

/** The laws of what keeps usage. */
export function usageStoreSuite(open: () => Store): void {
  const hour = (at: number, revision: number, what: Partial<UsageHour> = {}): UsageHour => ({
    ...NOTHING_SPENT,
    endpoint: 'late',
    startMs: at * HOUR_MS,
    revision,
    modelVersion: 'm/1',
    requests: 2,
    ...what,
  })

  test('what is added to an hour adds up, and hours come in the order of time', async () => {
    const { read, transact } = open()
    const first = [hour(2, 1, { kinds: { fault: 1 }, memoryBytes: 9 }), hour(1, 2), hour(1, 1)]
    await transact(({ usage }) => usage.add(first))
    const more = hour(2, 1, { kinds: { fault: 2, deadline: 1 }, memoryBytes: 5 })
    await transact(({ usage }) => usage.add([more, { ...more, endpoint: 'other' }]))
    const hours = await read.hours('late', { fromMs: HOUR_MS, toMs: 3 * HOUR_MS })
    expect(hours).toEqual([
      hour(1, 1),
      hour(1, 2),
      hour(2, 1, { requests: 4, kinds: { fault: 3, deadline: 1 }, memoryBytes: 9 }),
    ])
    expect(await read.hours('late', { fromMs: 0, toMs: HOUR_MS })).toEqual([])
  })

  test('hours that are old are forgotten', async () => {
    const { read, transact } = open()
    await transact(({ usage }) => usage.add([hour(11, 1), hour(12, 1)]))
    await transact(({ usage }) => usage.forget(12 * HOUR_MS))
    const kept = await read.hours('late', { fromMs: 0, toMs: 99 * HOUR_MS })
    expect(kept).toEqual([hour(12, 1)])
  })
}
