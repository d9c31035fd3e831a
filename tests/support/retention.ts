import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Clock } from '#base/clock'
import { randomIds } from '#base/ids'
import { startFollowers } from '#ledger'
import type { ObjectStore } from '#objects'
import { describeMlModel } from '#protocols/mlflow/mlmodel'
import { createRegistry, type Registry } from '#registry'
import { createRetention, keepTrash, shareObjects, type Retention } from '#retention'
import { openLocalObjects } from '#stores/objects/local'
import { openSqlStore, type SqlStore } from '#stores/sql/index'
import { createTracking, type Tracking } from '#tracking'
import type { Job } from '#work'

export const USER = { kind: 'user', id: 'ann' } as const
const DAY_MS = 86_400_000

export interface RetentionWorld {
  readonly store: SqlStore
  readonly objects: ObjectStore
  readonly tracking: Tracking
  readonly registry: Registry
  readonly retention: Retention
  /** Lets days go by. */
  pass(days: number): void
  /** Waits until the list of the trash knows of everything. */
  catchUp(): Promise<void>
  /** Purges what is due and collects objects, as the job does. */
  sweep(signal?: AbortSignal): Promise<void>
  /** Logs a run with these files and a metric; gives its id. */
  run(files: Readonly<Record<string, string>>, experimentId?: string): Promise<string>
  /** After so many more steps of retention the process dies: every step from then on fails until this is told anew. */
  dieAfter(steps: number): void
  close(): Promise<void>
}

/** What a step throws when the process is dead. */
export class Died extends Error {}

/** Tracking, the registry and retention over real stores, and a clock that goes with the file system's and jumps days. */
export async function openRetention({
  open,
  trashDays = 30,
  home,
}: {
  open?: (world: { clock: Clock }) => Promise<SqlStore>
  trashDays?: number
  home?: string
} = {}): Promise<RetentionWorld> {
  const folder = home ?? (await mkdtemp(join(tmpdir(), 'orrery-retention-')))
  let shiftMs = 0
  const clock = { nowMs: () => Date.now() + shiftMs }
  const ids = randomIds
  const store =
    open === undefined
      ? await openSqlStore(join(folder, 'orrery.db'), { clock, ids })
      : await open({ clock })
  let stepsLeft = Number.POSITIVE_INFINITY
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (stepsLeft-- <= 0) throw new Died()
    const value = await work()
    // It may die after the step as well as before it.
    if (stepsLeft-- <= 0) throw new Died()
    return value
  }
  const local = await openLocalObjects(join(folder, 'objects'))
  const shared = shareObjects({ ...local, remove: (digest) => step(() => local.remove(digest)) })
  const { objects } = shared
  const { transact, read } = store
  const tracking = createTracking({ read: read.tracking, transact, objects, clock, ids })
  await tracking.experiments.ensureDefault()
  const registry = createRegistry({
    read: read.registry,
    transact,
    tracking,
    objects,
    clock,
    describe: describeMlModel,
    guard: { check: async () => undefined },
  })
  const retention = createRetention({
    read: read.retention,
    transact: (work) => step(() => transact(work)),
    tracking,
    registry,
    shared,
    others: [],
    placed: { list: async () => [], remove: async () => undefined },
    reclaim: store.reclaim,
    clock,
    ids,
    trashDays,
    graceMs: DAY_MS,
  })
  const following = startFollowers({
    followers: [keepTrash({ trashDays })],
    read: read.ledger,
    transact,
    onGrowth: store.onGrowth,
    logger: pino({ level: 'silent' }),
  })
  return {
    store,
    objects,
    tracking,
    registry,
    retention,
    pass: (days) => {
      shiftMs += days * DAY_MS
    },
    catchUp: following.settled,
    sweep: async (signal = new AbortController().signal) => {
      await following.settled()
      const payload = { collect: 'always', collection: ids.ulid() }
      const job: Job = {
        id: ids.ulid(),
        kind: 'purge-trash',
        key: '',
        payload,
        attempts: 1,
        cuts: 0,
        state: 'running',
        runAfterMs: 0,
        error: null,
        createdMs: 0,
      }
      await retention.handler.run(job, signal)
    },
    run: async (files, experimentId = '0') => {
      const { runId } = await tracking.startRun(USER, { experimentId })
      await tracking.logMetrics(runId, [{ key: 'auc', value: 0.7, step: 0, atMs: 1 }])
      const root = await tracking.artifacts.rootOf({ run: runId })
      for (const [path, text] of Object.entries(files))
        await tracking.artifacts.put(`${root}/${path}`, Buffer.from(text))
      await tracking.endRun(USER, runId, 'finished')
      return runId
    },
    dieAfter: (steps) => {
      stepsLeft = steps
    },
    close: async () => {
      await following.stop()
      if (open === undefined) await store.close()
      if (home === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}
