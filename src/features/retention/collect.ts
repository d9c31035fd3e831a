import type { Clock } from '#base/clock'
import { platformActor, type Transact } from '#ledger'
import type { ListedObject } from '#objects'
import * as facts from './facts.ts'
import type { Referrer } from './referrers.ts'
import type { SharedObjects } from './sparing.ts'
import type { FileOf, RetentionReads, RetentionWrites } from './store.ts'

/** Model files that lie ready for serving processes, a folder each, by the digest of the model. */
export interface PlacedModels {
  list(): Promise<{ digest: string; modifiedMs: number }[]>
  remove(digest: string): Promise<void>
}

export interface Found {
  objects: number
  bytes: number
  youngObjects: number
  youngBytes: number
  keptObjects: number
  keptBytes: number
}

interface Dependencies {
  readonly read: RetentionReads
  readonly transact: Transact<{ retention: RetentionWrites }>
  readonly referrer: Referrer
  /** Those of them that keep digests outside the metadata store. */
  readonly others: Referrer
  readonly shared: SharedObjects
  readonly placed: PlacedModels
  readonly clock: Clock
  /** Younger objects are spared: somebody may be about to refer to them. */
  readonly graceMs: number
}

export interface Collect {
  /** Frees objects that nothing refers to; broken off anywhere, it is done again. */
  collect(collection: string, signal?: AbortSignal): Promise<Found>
  /** The same, without freeing anything. */
  look(): Promise<Found>
}

export function createCollect(dependencies: Dependencies): Collect {
  return {
    look: () => walk(dependencies, async (objects) => objects),
    collect: async (collection, signal) => {
      const free = freer(dependencies, collection)
      // Condemned by a collection that was broken off: what is gone is told, the rest is looked at again.
      const left = await dependencies.read.condemned()
      if (left.length > 0) await free.finish(left)
      const found = await walk(dependencies, async (objects, again) => {
        signal?.throwIfAborted()
        return free.free(objects, again)
      })
      await clearPlaced(dependencies)
      return found
    },
  }
}

/** Looks at every object, a page at a time; `free` is given those that may go and gives those that went. */
async function walk(
  { referrer, shared, clock, graceMs }: Dependencies,
  free: (
    objects: readonly ListedObject[],
    again: () => Promise<ListedObject[]>,
  ) => Promise<readonly FileOf[]>,
): Promise<Found> {
  const found: Found = {
    objects: 0,
    bytes: 0,
    youngObjects: 0,
    youngBytes: 0,
    keptObjects: 0,
    keptBytes: 0,
  }
  let after = ''
  for (;;) {
    const oldBeforeMs = clock.nowMs() - graceMs
    const from = after
    shared.forget()
    const page = await shared.objects.list(from, facts.FREED_MAX)
    const referred = await referrer.references(page.map(({ digest }) => digest))
    const unused = page.filter(({ digest }) => !referred.has(digest))
    const freed = await free(
      unused.filter(({ modifiedMs }) => modifiedMs < oldBeforeMs),
      () => shared.objects.list(from, facts.FREED_MAX),
    )
    const young = unused.filter(({ modifiedMs }) => modifiedMs >= oldBeforeMs)
    found.objects += freed.length
    found.bytes += sum(freed)
    found.youngObjects += young.length
    found.youngBytes += sum(young)
    found.keptObjects += page.length - freed.length
    found.keptBytes += sum(page) - sum(freed)
    if (page.length < facts.FREED_MAX) return found
    after = page.at(-1)?.digest ?? ''
  }
}

/**
 * Frees in three steps, so that the ledger tells of each object once although a crash may come anywhere: a
 * transaction condemns what no row refers to, then the bytes go, then a transaction tells which went.
 */
function freer({ transact, others, shared, read }: Dependencies, collection: string) {
  const tell = (freed: readonly FileOf[], condemned: readonly FileOf[]) =>
    transact(async ({ retention, ledger }) => {
      await retention.absolve(condemned.map(({ digest }) => digest))
      if (freed.length > 0)
        await ledger.append(platformActor('retention'), [facts.objectsFreed(freed, collection)])
    })
  return {
    free: async (
      objects: readonly ListedObject[],
      again: () => Promise<ListedObject[]>,
    ): Promise<readonly FileOf[]> => {
      if (objects.length === 0) return []
      const elsewhere = await others.references(objects.map(({ digest }) => digest))
      const condemned = await transact(async ({ retention }) => {
        const referred = await retention.references(objects.map(({ digest }) => digest))
        const unused = objects
          .filter(({ digest }) => !referred.has(digest) && !elsewhere.has(digest))
          .map(({ digest, sizeBytes }) => ({ digest, sizeBytes }))
        await retention.condemn(unused)
        return unused
      })
      // Another process may have put some of them since they were listed; of this one's puts `shared` knows.
      const now = new Map(
        condemned.length === 0
          ? []
          : (await again()).map(({ digest, modifiedMs }) => [digest, modifiedMs]),
      )
      const listed = new Map(objects.map(({ digest, modifiedMs }) => [digest, modifiedMs]))
      const freed: FileOf[] = []
      for (const object of condemned)
        if (now.get(object.digest) !== listed.get(object.digest)) continue
        else if (await shared.removeUntouched(object.digest)) freed.push(object)
      if (condemned.length > 0) await tell(freed, condemned)
      return freed
    },
    finish: async (left: readonly FileOf[]): Promise<void> => {
      for (let start = 0; start < left.length; start += facts.FREED_MAX) {
        const chunk = left.slice(start, start + facts.FREED_MAX)
        const referred = await read.references(chunk.map(({ digest }) => digest))
        const gone: FileOf[] = []
        for (const object of chunk)
          if (
            !referred.has(object.digest) &&
            (await shared.objects.find(object.digest)) === undefined
          )
            gone.push(object)
        await tell(gone, chunk)
      }
    },
  }
}

/** A serving process loads its model from a folder that is made ready right before; others are in nobody's way but the disk's. */
async function clearPlaced({ read, placed, clock, graceMs }: Dependencies): Promise<void> {
  const oldBeforeMs = clock.nowMs() - graceMs
  const old = (await placed.list()).filter(({ modifiedMs }) => modifiedMs < oldBeforeMs)
  if (old.length === 0) return
  const serving = new Set(await read.servedModels())
  for (const { digest } of old) if (!serving.has(digest)) await placed.remove(digest)
}

function sum(objects: readonly FileOf[]): number {
  return objects.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
}
