import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Transact } from '#ledger'
import type { Registry } from '#registry'
import type { Tracking } from '#tracking'
import type { Handler, WorkWrites } from '#work'
import { createBin, type Bin } from './bin.ts'
import { createCollect, type PlacedModels } from './collect.ts'
import { createHolds, type Holds } from './holds.ts'
import { PURGE, purgeJob } from './jobs.ts'
import { previewOf, subjectsOf, type Preview } from './preview.ts'
import { createPurge } from './purge.ts'
import { allReferrers, type Referrer } from './referrers.ts'
import type { SharedObjects } from './sparing.ts'
import type { Collection, RetentionReads, RetentionWrites, StorageFigures } from './store.ts'
import { checkedThing, type Kind, type Thing } from './thing.ts'
import { daysMs, purgeAtMs, type TrashItem } from './trash.ts'

export interface Retention extends Bin {
  readonly holds: Holds
  /** What a deletion takes along, frees, and what holds it. Throws `not-found`. */
  preview(things: readonly Thing[]): Promise<Preview>
  list(page: {
    before?: number
    limit: number
    kind?: Kind
    id?: string
  }): Promise<(TrashItem & { purgeAtMs: number })[]>
  /** Sweeps trash and objects in the background; gives the name of the sweep. */
  sweep(): Promise<string>
  /** What a sweep would do now. */
  look(): Promise<{ due: TrashItem[]; preview: Preview; collection: Omit<Collection, 'id'> }>
  /** Throws `not-found`. */
  getSweep(id: string): Promise<Collection>
  storage(): Promise<{ figures: StorageFigures; swept: Collection | undefined }>
  /** When and by whom a thing of the lineage graph was purged, if it was. */
  purgeOf(thing: { kind: string; id: string }): Promise<{ atMs: number; by: string } | undefined>
  /** Has the trash purged, once for each of these occasions; a whole sweep looks at all objects, whatever was purged. */
  sweepFor(sweep: { occasion: string; whole?: boolean }): Promise<void>
  readonly handler: Handler
}

export interface RetentionDependencies {
  readonly read: RetentionReads
  readonly transact: Transact<{ retention: RetentionWrites; work: WorkWrites }>
  readonly tracking: Tracking
  readonly registry: Registry
  readonly shared: SharedObjects
  /** Whoever refers to objects outside the metadata store. */
  readonly others: readonly Referrer[]
  readonly placed: PlacedModels
  /** Gives space of removed rows back to the disk, as far as the database can. */
  readonly reclaim: () => Promise<void>
  readonly clock: Clock
  readonly ids: Ids
  readonly trashDays: number
  readonly graceMs: number
}

const DUE_SHOWN = 1000

export function createRetention(dependencies: RetentionDependencies): Retention {
  const { read, transact, others, clock, ids, trashDays } = dependencies
  const referrer = allReferrers(read, others)
  const collect = createCollect({
    ...dependencies,
    referrer,
    others: allReferrers({ references: async () => new Map() }, others),
  })
  const preview = async (things: readonly Thing[]) =>
    previewOf(
      { read, referrer, nowMs: clock.nowMs() },
      await subjectsOf(read, things.map(checkedThing)),
    )

  return {
    ...createBin(dependencies),
    holds: createHolds(dependencies),
    preview,
    list: async (page) =>
      (await read.trash(page)).map((item) =>
        Object.assign({ purgeAtMs: purgeAtMs(item, trashDays) }, item),
      ),
    sweep: async () => {
      const collection = ids.ulid()
      await transact(async ({ retention, work }) => {
        await retention.saveCollection(newCollection(collection, clock.nowMs()))
        await work.enqueue([purgeJob(collection, collection)])
      })
      return collection
    },
    look: async () => {
      const deletedUntilMs = clock.nowMs() - daysMs(trashDays)
      const due = await read.due({ deletedUntilMs, after: -1, limit: DUE_SHOWN })
      const standing = due.filter(({ state }) => state === 'trashed')
      const { id: _, ...empty } = newCollection('', clock.nowMs())
      const collection = { ...empty, ...(await collect.look()) }
      return { due, preview: await preview(standing), collection }
    },
    getSweep: async (id) => {
      const found = await read.findCollection(id)
      if (found === undefined) throw new Problem('not-found', `there is no sweep ${id}`)
      return found
    },
    storage: async () => ({
      figures: await read.figures(),
      swept: await read.newestCollection(),
    }),
    purgeOf: async (thing) => {
      const item = await read.purgeOf(thing)
      return item?.purgedMs == null
        ? undefined
        : { atMs: item.purgedMs, by: item.purgedBy ?? 'retention' }
    },
    sweepFor: ({ occasion, whole = false }) =>
      transact(({ work }) =>
        work.enqueue([whole ? purgeJob(occasion, occasion) : purgeJob(occasion)]),
      ),
    handler: sweeper(dependencies, collect),
  }
}

/** Purges what is due, then collects objects: after a purge, or when somebody asked for it. */
function sweeper(
  dependencies: RetentionDependencies,
  collect: ReturnType<typeof createCollect>,
): Handler {
  const { read, transact, clock, reclaim } = dependencies
  const { purgeDue } = createPurge(dependencies)
  return {
    kind: PURGE,
    concurrency: 1,
    attemptsMax: 20,
    run: async (job, signal) => {
      const asked = job.payload as { collect: 'always' | 'if-purged'; collection?: string }
      const id = asked.collection ?? job.id
      const began = (await read.findCollection(id)) ?? newCollection(id, clock.nowMs())
      const { items, held } = await purgeDue(signal)
      if (items > 0) await reclaim()
      if (items === 0 && asked.collect === 'if-purged') return
      const found = await collect.collect(id, signal)
      await transact(({ retention }) =>
        retention.saveCollection({ ...began, ...found, items, held, endedMs: clock.nowMs() }),
      )
    },
  }
}

function newCollection(id: string, startedMs: number): Collection {
  return {
    id,
    startedMs,
    endedMs: null,
    items: 0,
    held: 0,
    objects: 0,
    bytes: 0,
    youngObjects: 0,
    youngBytes: 0,
    keptObjects: 0,
    keptBytes: 0,
  }
}
