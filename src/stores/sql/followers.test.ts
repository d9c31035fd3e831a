import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '#base/clock'
import { randomIds } from '#base/ids'
import { platformActor, startFollowers, type Entry, type Follower } from '#ledger'
import type { SqlStore, Writes } from './index.ts'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'

eachSqlStore((_name, open) => {
  const logger = pino({ level: 'silent' })
  const eventually = (check: () => Promise<void> | void) => vi.waitFor(check, 20_000)
  const undo: (() => Promise<void>)[] = []

  afterEach(async () => {
    for (const step of undo.splice(0).toReversed()) await step()
  })

  const opened = () => open({ clock: systemClock, ids: randomIds })

  const append = (store: SqlStore, ...types: string[]) =>
    store.transact(({ ledger }) =>
      ledger.append(
        platformActor('test'),
        types.map((type) => ({ type, data: {} })),
      ),
    )

  function following(store: SqlStore, ...followers: Follower<Writes>[]) {
    const { transact } = store
    const started = startFollowers({
      followers,
      read: store.read.ledger,
      transact,
      onGrowth: store.onGrowth,
      logger,
    })
    undo.push(started.stop)
    return started
  }

  /** A follower that makes a job of each entry, and tells what it was handed. */
  function enqueuer(types: readonly string[], handed: number[] = []) {
    const follow: Follower<Writes>['follow'] = async (entry, { work }) => {
      handed.push(entry.position)
      await work.enqueue([{ kind: 'k', key: `job-${entry.position}`, payload: null }])
    }
    return { name: 'enqueuer', types, follow, handed }
  }

  const jobsOf = async (store: SqlStore) => (await store.read.work.open()).map((job) => job.key)

  test('each entry of its types is handed over once and in order, what was there and what comes', async () => {
    const store = await opened()
    await append(store, 'a', 'x', 'a')
    const follower = enqueuer(['a', 'b'])
    const { settled } = following(store, follower)
    await settled()
    expect(follower.handed).toEqual([0, 2])
    await Promise.all([append(store, 'b'), append(store, 'x', 'a'), append(store, 'a')])
    await settled()
    expect(follower.handed).toEqual([0, 2, 3, 5, 6])
    expect(await store.read.ledger.cursor('enqueuer')).toBe(6)
  })

  test('growth alone wakes a follower', async () => {
    const store = await opened()
    const follower = enqueuer(['a'])
    await following(store, follower).settled()
    await append(store, 'a')
    await eventually(async () => expect(await jobsOf(store)).toEqual(['job-0']))
  })

  test('a history longer than many pages is followed without a gap', async () => {
    const store = await opened()
    const types = Array.from({ length: 1500 }, (_, n) => (n % 3 === 0 ? 'x' : 'a'))
    await append(store, ...types)
    const follower = enqueuer(['a'])
    await following(store, follower).settled()
    expect(follower.handed).toEqual(types.flatMap((type, n) => (type === 'a' ? [n] : [])))
  })

  test('a crash in the middle of a page loses nothing and does nothing twice', async () => {
    const store = await opened()
    await append(store, ...Array.from({ length: 10 }, () => 'a'))
    const crashing: Follower<Writes> = {
      name: 'enqueuer',
      types: ['a'],
      follow: async (entry, tx) => {
        if (entry.position === 6) throw new Error('crash')
        await tx.work.enqueue([{ kind: 'k', key: `job-${entry.position}`, payload: null }])
      },
    }
    const first = following(store, crashing)
    await first.settled()
    await first.stop()
    // The effects of the page went with its place.
    expect(await jobsOf(store)).toEqual([])
    expect(await store.read.ledger.cursor('enqueuer')).toBe(-1)

    const second = enqueuer(['a'])
    await following(store, second).settled()
    expect(second.handed).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await jobsOf(store)).toEqual(second.handed.map((position) => `job-${position}`))
  })

  test('a crash between pages resumes at the page that was not kept', async () => {
    const store = await opened()
    await append(store, ...Array.from({ length: 450 }, () => 'a'))
    const seen: number[] = []
    const crashing: Follower<Writes> = {
      ...enqueuer(['a'], seen),
      follow: async (entry: Entry) => {
        if (entry.position === 300) throw new Error('crash')
        seen.push(entry.position)
      },
    }
    const first = following(store, crashing)
    await first.settled()
    await first.stop()
    expect(await store.read.ledger.cursor('enqueuer')).toBe(199)
    const second = enqueuer(['a'])
    await following(store, second).settled()
    expect(second.handed).toEqual(Array.from({ length: 250 }, (_, n) => n + 200))
  })

  test('a follower that fails is tried again and holds nobody else up', async () => {
    const store = await opened()
    let failures = 2
    const handed: number[] = []
    const failing: Follower<Writes> = {
      name: 'failing',
      types: ['a'],
      follow: async (entry) => {
        if (failures-- > 0) throw new Error('not yet')
        handed.push(entry.position)
      },
    }
    const other = enqueuer(['a'])
    const { settled } = following(store, failing, other)
    await append(store, 'a')
    await settled()
    expect(other.handed).toEqual([0])
    await append(store, 'a')
    await settled()
    await eventually(() => expect(handed).toEqual([0, 1]))
    expect(other.handed).toEqual([0, 1])
  })

  test('facts that concern nobody cost no commit, and yet a restart does not read them all again', async () => {
    const store = await opened()
    const follower = enqueuer(['a'])
    let commits = 0
    const transact: SqlStore['transact'] = (doing) => {
      commits += 1
      return store.transact(doing)
    }
    const { settled } = following({ ...store, transact }, follower)
    for (let n = 0; n < 10; n++) {
      await append(store, 'x')
      await settled()
    }
    expect(commits).toBe(0)
    await append(store, ...Array.from({ length: 1000 }, () => 'x'))
    await settled()
    expect(commits).toBe(1)
    expect(await store.read.ledger.cursor('enqueuer')).toBe(1009)
  })

  test('after a stop nothing is handed over', async () => {
    const store = await opened()
    const follower = enqueuer(['a'])
    const { stop, settled } = following(store, follower)
    await settled()
    await stop()
    await append(store, 'a')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(follower.handed).toEqual([])
  })
})
