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
  const store =
    open === undefined
      ? await openSqlStore(join(folder, 'orrery.db'), { clock, ids: randomIds })
      : await open({ clock })
  const { step, dieAfter } = mortal()
  const parts = await partsOn({ store, folder, clock, step, trashDays })
  const { retention, tracking } = parts
  const following = startFollowers({
    followers: [keepTrash({ trashDays })],
    read: store.read.ledger,
    transact: store.transact,
    onGrowth: store.onGrowth,
    logger: pino({ level: 'silent' }),
  })
  return {
    ...parts,
    store,
    dieAfter,
    pass: (days) => {
      shiftMs += days * DAY_MS
    },
    catchUp: following.settled,
    sweep: async (signal = new AbortController().signal) => {
      await following.settled()
      await retention.handler.run(sweepJob(), signal)
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
    close: async () => {
      await following.stop()
      if (open === undefined) await store.close()
      if (home === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

type Step = <T>(work: () => Promise<T>) => Promise<T>

/** A process that can be told after how many steps it dies. */
function mortal(): { step: Step; dieAfter(steps: number): void } {
  let stepsLeft = Number.POSITIVE_INFINITY
  return {
    step: async (work) => {
      if (stepsLeft-- <= 0) throw new Died()
      const value = await work()
      // It may die after the step as well as before it.
      if (stepsLeft-- <= 0) throw new Died()
      return value
    },
    dieAfter: (steps) => {
      stepsLeft = steps
    },
  }
}

/** The features, of which only retention is mortal. */
async function partsOn({
  store,
  folder,
  clock,
  step,
  trashDays,
}: {
  store: SqlStore
  folder: string
  clock: Clock
  step: Step
  trashDays: number
}) {
  const { transact, read } = store
  const local = await openLocalObjects(join(folder, 'objects'))
  const shared = shareObjects({ ...local, remove: (digest) => step(() => local.remove(digest)) })
  const { objects } = shared
  const world = { transact, objects, clock, ids: randomIds }
  const tracking = createTracking({ ...world, read: read.tracking })
  await tracking.experiments.ensureDefault()
  const registry = createRegistry({
    ...world,
    read: read.registry,
    tracking,
    describe: describeMlModel,
    guard: { check: async () => undefined },
  })
  const retention = createRetention({
    ...world,
    read: read.retention,
    transact: (work) => step(() => transact(work)),
    tracking,
    registry,
    shared,
    others: [],
    placed: { list: async () => [], remove: async () => undefined },
    reclaim: store.reclaim,
    trashDays,
    graceMs: DAY_MS,
  })
  return { objects, tracking, registry, retention }
}

function sweepJob(): Job {
  return {
    id: randomIds.ulid(),
    kind: 'purge-trash',
    key: '',
    payload: { collect: 'always', collection: randomIds.ulid() },
    attempts: 1,
    cuts: 0,
    state: 'running',
    runAfterMs: 0,
    error: null,
    createdMs: 0,
  }
}
