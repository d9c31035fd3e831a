import { expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import type { Transact } from '#ledger'
import type { WorkReads, WorkWrites } from './store.ts'

export interface WorkStore {
  readonly read: WorkReads
  readonly transact: Transact<{ work: WorkWrites }>
}

/** The laws of every store of jobs. */
export function workStoreSuite(openStore: (clock: { nowMs(): number }) => Promise<WorkStore>) {
  const opened = async () => {
    const clock = manualClock(1_000_000)
    const { read, transact } = await openStore(clock)
    const lease = (owner = 'a', kinds: readonly string[] = ['bake', 'brew'], leaseMs = 60_000) =>
      transact(({ work }) => {
        const nowMs = clock.nowMs()
        return work.lease({ kinds, owner, nowMs, untilMs: nowMs + leaseMs })
      })
    const enqueue = (kind: string, key: string, runAfterMs?: number) =>
      transact(({ work }) =>
        work.enqueue([
          { kind, key, payload: { of: key }, ...(runAfterMs === undefined ? {} : { runAfterMs }) },
        ]),
      )
    return { clock, read, transact, lease, enqueue }
  }

  test('a job enqueued twice is one job, even after it was done', async () => {
    const { transact, lease, enqueue, read } = await opened()
    await enqueue('bake', 'bread')
    await enqueue('bake', 'bread')
    await transact(({ work }) =>
      work.enqueue([
        { kind: 'bake', key: 'bread', payload: 'other' },
        { kind: 'bake', key: 'cake', payload: null },
        { kind: 'bake', key: 'cake', payload: null },
      ]),
    )
    expect((await read.open()).map((job) => job.key)).toEqual(['bread', 'cake'])
    const bread = await lease()
    expect(bread).toMatchObject({ key: 'bread', payload: { of: 'bread' }, attempts: 1, cuts: 0 })
    await transact(({ work }) => work.complete(bread?.id ?? '', 'a'))
    await enqueue('bake', 'bread')
    expect((await read.open()).map((job) => job.key)).toEqual(['cake'])
    expect(await read.find('bread')).toMatchObject({ state: 'done' })
  })

  test('the oldest due job of the wanted kinds is leased, and nobody else gets it', async () => {
    const { clock, lease, enqueue } = await opened()
    await enqueue('brew', 'tea', clock.nowMs() + 500)
    await enqueue('bake', 'bread')
    await enqueue('bake', 'cake')
    await enqueue('wash', 'cups')
    const taken = await Promise.all([lease('a'), lease('b'), lease('a'), lease('b')])
    expect(taken.map((job) => job?.key)).toEqual(['bread', 'cake', undefined, undefined])
    clock.advance(500)
    expect(await lease('a', ['bake'])).toBeUndefined()
    expect((await lease('a'))?.key).toBe('tea')
  })

  test('a lease that ran out can be taken by another, and its old owner can no longer end the job', async () => {
    const { clock, transact, lease, enqueue, read } = await opened()
    await enqueue('bake', 'bread')
    const first = await lease('a', ['bake'], 1000)
    expect(
      await transact(({ work }) => work.extend(first?.id ?? '', 'a', clock.nowMs() + 2000)),
    ).toBe(true)
    clock.advance(1500)
    expect(await lease('b')).toBeUndefined()
    clock.advance(501)
    const second = await lease('b')
    expect(second).toMatchObject({ id: first?.id, attempts: 2 })
    const id = second?.id ?? ''
    expect(await transact(({ work }) => work.extend(id, 'a', 9e15))).toBe(false)
    await transact(async ({ work }) => {
      await work.complete(id, 'a')
      await work.fail(id, 'a', 'too late')
      await work.retry(id, 'a', { error: 'too late', runAfterMs: 0 })
      await work.release(id, 'a')
    })
    expect(await read.find('bread')).toMatchObject({ state: 'running', attempts: 2 })
    await transact(({ work }) => work.complete(id, 'b'))
    expect(await read.find('bread')).toMatchObject({ state: 'done', error: null })
  })

  test('a retried job waits for its time and keeps the reason', async () => {
    const { clock, transact, lease, enqueue, read } = await opened()
    await enqueue('bake', 'bread')
    const job = await lease()
    await transact(({ work }) =>
      work.retry(job?.id ?? '', 'a', { error: 'oven is cold', runAfterMs: clock.nowMs() + 100 }),
    )
    expect(await read.find('bread')).toMatchObject({ state: 'waiting', error: 'oven is cold' })
    expect(await lease()).toBeUndefined()
    clock.advance(100)
    expect(await lease()).toMatchObject({ attempts: 2 })
  })

  test('a released job is due at once and has not been tried; a failed one stays failed', async () => {
    const { transact, lease, enqueue, read } = await opened()
    await enqueue('bake', 'bread')
    const job = await lease()
    await transact(({ work }) => work.release(job?.id ?? '', 'a'))
    expect(await lease()).toMatchObject({ attempts: 1, cuts: 0 })
    await transact(({ work }) => work.fail(job?.id ?? '', 'a', 'burnt'))
    expect(await lease()).toBeUndefined()
    expect(await read.find('bread')).toMatchObject({ state: 'failed', error: 'burnt' })
    expect(await read.open()).toEqual([])
  })

  test('the leases of an owner who has ended are free again, and no others', async () => {
    const { transact, read, lease, enqueue } = await opened()
    await enqueue('bake', 'bread')
    await enqueue('bake', 'cake')
    expect(await read.owners()).toEqual([])
    await lease('gone')
    await lease('there')
    expect((await read.owners()).toSorted()).toEqual(['gone', 'there'])
    expect(await transact(({ work }) => work.releaseOf([]))).toBe(0)
    expect(await transact(({ work }) => work.releaseOf(['gone', 'never']))).toBe(1)
    expect(await lease('b')).toMatchObject({ key: 'bread', attempts: 1, cuts: 1 })
    expect(await lease('b')).toBeUndefined()
  })

  test('after a crash every lease is free again and counts as a cut', async () => {
    const { transact, lease, enqueue } = await opened()
    await enqueue('bake', 'bread')
    await enqueue('bake', 'cake')
    await lease('gone')
    await lease('gone')
    expect(await transact(({ work }) => work.releaseAll())).toBe(2)
    expect(await lease('b')).toMatchObject({ key: 'bread', attempts: 1, cuts: 1 })
    expect(await lease('b')).toMatchObject({ key: 'cake', attempts: 1, cuts: 1 })
  })
}
