import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { Problem } from '#base/problem'
import { backoffMs, startWorker, type Handler, type Job } from '#work'
import type { SqlStore } from './index.ts'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'

eachSqlStore((_name, open, place) => {
  const logger = pino({ level: 'silent' })
  const eventually = (check: () => Promise<void> | void) => vi.waitFor(check, 20_000)
  const undo: (() => Promise<void> | void)[] = []

  afterEach(async () => {
    for (const step of undo.splice(0).toReversed()) await step()
  })

  const opened = async (at?: string) =>
    open({ clock: systemClock, ids: randomIds, place: at ?? (await place()) })

  function work(store: SqlStore, handlers: readonly Partial<Handler>[]) {
    const complete = handlers.map((handler) => ({
      kind: 'bake',
      concurrency: 1,
      attemptsMax: 3,
      run: async () => {},
      ...handler,
    }))
    const owner = randomIds.ulid()
    const { transact } = store
    const worker = startWorker({ handlers: complete, transact, clock: systemClock, owner, logger })
    undo.push(worker.stop, store.onNewWork(worker.wake))
    return worker
  }

  const enqueue = (store: SqlStore, ...keys: string[]) =>
    store.transact(({ work: jobs }) =>
      jobs.enqueue(keys.map((key) => ({ kind: 'bake', key, payload: null }))),
    )

  const stateOf = async (store: SqlStore, key: string) => (await store.read.work.find(key))?.state

  test('an enqueued job is done at once, and only once', async () => {
    const store = await opened()
    const done: string[] = []
    work(store, [{ run: async (job) => void done.push(job.key) }])
    await enqueue(store, 'bread', 'cake')
    await enqueue(store, 'bread')
    await eventually(async () => expect(await stateOf(store, 'cake')).toBe('done'))
    expect(done).toEqual(['bread', 'cake'])
  })

  test('no more jobs of a kind run at a time than its handler allows', async () => {
    const store = await opened()
    let now = 0
    let most = 0
    const run = async () => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setTimeout(resolve, 300))
      now -= 1
    }
    work(store, [{ concurrency: 2, run }])
    await enqueue(store, 'a', 'b', 'c', 'd', 'e')
    await eventually(async () => expect(await stateOf(store, 'e')).toBe('done'))
    expect(most).toBe(2)
  })

  test('an idle worker leaves the store in peace', async () => {
    const store = await opened()
    work(store, [{}])
    await enqueue(store, 'bread')
    await eventually(async () => expect(await stateOf(store, 'bread')).toBe('done'))
    let commits = 0
    const transact: SqlStore['transact'] = (doing) => {
      commits += 1
      return store.transact(doing)
    }
    work({ ...store, transact }, [{}])
    await new Promise((resolve) => setTimeout(resolve, 700))
    // One look at the start and one a poll.
    expect(commits).toBeLessThanOrEqual(3)
  })

  test('a job that fails is tried again after a pause, and is done when it succeeds', async () => {
    const store = await opened()
    const attempts: number[] = []
    work(store, [
      {
        run: async (job) => {
          attempts.push(job.attempts)
          if (job.attempts < 2) throw new Error('oven is cold')
        },
      },
    ])
    const began = Date.now()
    await enqueue(store, 'bread')
    await eventually(async () => expect(await stateOf(store, 'bread')).toBe('done'))
    expect(attempts).toEqual([1, 2])
    expect(Date.now() - began).toBeGreaterThanOrEqual(backoffMs(1))
  })

  test('a job that keeps failing is abandoned with its last reason, and told once', async () => {
    const store = await opened()
    const told: [string, string][] = []
    work(store, [
      {
        attemptsMax: 2,
        run: async (job) => Promise.reject(new Error(`burnt ${job.attempts}`)),
        abandoned: async (job, reason) => void told.push([job.key, reason]),
      },
    ])
    await enqueue(store, 'bread')
    await eventually(async () => expect(await stateOf(store, 'bread')).toBe('failed'))
    expect(told).toEqual([['bread', 'burnt 2']])
    expect(await store.read.work.find('bread')).toMatchObject({ error: 'burnt 2', attempts: 2 })
  })

  test.each(['invalid', 'conflict'] as const)(
    'a job that fails for a reason that stays (%s) is not tried again',
    async (code) => {
      const store = await opened()
      let attempts = 0
      work(store, [
        {
          run: async () => {
            attempts += 1
            throw new Problem(code, 'no such oven')
          },
        },
      ])
      await enqueue(store, 'bread')
      await eventually(async () => expect(await stateOf(store, 'bread')).toBe('failed'))
      expect(attempts).toBe(1)
    },
  )

  test('a stop asks running jobs to end and gives them back, untried, for the next start', async () => {
    const file = await place()
    const store = await opened(file)
    const begun: Job[] = []
    const worker = work(store, [
      {
        run: (job, signal) =>
          new Promise((_, reject) => {
            begun.push(job)
            signal.addEventListener('abort', () => reject(new Error('asked to end')))
          }),
      },
    ])
    await enqueue(store, 'bread', 'cake')
    await eventually(() => expect(begun).toHaveLength(1))
    await worker.stop()
    expect(await store.read.work.find('bread')).toMatchObject({ state: 'waiting', attempts: 0 })
    expect(await store.read.work.find('cake')).toMatchObject({ state: 'waiting', attempts: 0 })
    work(store, [{}])
    await eventually(async () => expect(await stateOf(store, 'cake')).toBe('done'))
    expect(await store.read.work.find('bread')).toMatchObject({ state: 'done', attempts: 1 })
  })

  test('a stop that meets a lease on its way starts nothing new', async () => {
    const store = await opened()
    let begun = 0
    await enqueue(store, 'bread')
    const worker = work(store, [{ run: async () => void (begun += 1) }])
    await worker.stop()
    expect(begun).toBe(0)
    expect(await store.read.work.find('bread')).toMatchObject({ state: 'waiting', attempts: 0 })
  })

  test('a job in whose midst the server ended is taken up again, but not for ever', async () => {
    const store = await opened()
    const cut = async () => {
      const nowMs = systemClock.nowMs()
      const lease = { kinds: ['bake'], owner: 'gone', nowMs, untilMs: nowMs + 60_000 }
      const job = await store.transact(({ work: jobs }) => jobs.lease(lease))
      await store.transact(({ work: jobs }) => jobs.releaseAll())
      return job
    }
    await enqueue(store, 'bread')
    for (let round = 0; round < 20; round++) expect(await cut()).toMatchObject({ cuts: round })
    const done: Job[] = []
    const told: string[] = []
    const handler: Partial<Handler> = {
      run: async (job) => void done.push(job),
      abandoned: async (_, reason) => void told.push(reason),
    }
    const first = work(store, [handler])
    await eventually(async () => expect(await stateOf(store, 'bread')).toBe('done'))
    expect(done).toMatchObject([{ attempts: 1, cuts: 20 }])
    await first.stop()

    await enqueue(store, 'bomb')
    for (let round = 0; round < 21; round++) await cut()
    work(store, [handler])
    await eventually(async () => expect(await stateOf(store, 'bomb')).toBe('failed'))
    expect(done).toHaveLength(1)
    expect(told).toEqual(['the server ended 21 times while it did this'])
  })

  test('an end that cannot be recorded is no end of the server; the job is taken up again', async () => {
    const store = await opened()
    let broken = true
    const transact: SqlStore['transact'] = (doing) =>
      store.transact(async (tx) => {
        const jobs: typeof tx.work = {
          ...tx.work,
          complete: (id, owner) =>
            broken ? Promise.reject(new Error('disk is full')) : tx.work.complete(id, owner),
          retry: (id, owner, how) =>
            broken ? Promise.reject(new Error('disk is full')) : tx.work.retry(id, owner, how),
        }
        return doing({ ...tx, work: jobs })
      })
    let runs = 0
    work({ ...store, transact }, [{ run: async () => void (runs += 1) }])
    await enqueue(store, 'bread')
    await eventually(() => expect(runs).toBe(1))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await stateOf(store, 'bread')).toBe('running')
    broken = false
    // What the end of the lease would do.
    await store.transact(({ work: jobs }) => jobs.releaseAll())
    await eventually(async () => expect(await stateOf(store, 'bread')).toBe('done'))
    expect(runs).toBe(2)
  })

  test('pauses double and stay under a minute', () => {
    expect([1, 2, 3, 4].map(backoffMs)).toEqual([500, 1000, 2000, 4000])
    expect(backoffMs(50)).toBe(60_000)
  })
})
