import { messageOf, Problem } from '#base/problem'
import { garbagePlan, type Freed, type GarbagePlan, type GarbageRequest } from './garbage.ts'
import { keyOf, type Bag, type Lying, type Shelf } from './shelf.ts'
import { exclusively } from '../store.ts'
import type { UpkeepDependencies } from './dependencies.ts'

export interface Collecting {
  /** Only tells. */
  readonly dry?: boolean
  /** Asked with what would go; nothing is locked meanwhile. */
  readonly confirm?: (plan: GarbagePlan) => Promise<boolean>
  /** Goes ahead where it cannot be undone. */
  readonly forGood?: boolean
  /** Removes at once what lies aside, of this time and of earlier ones. */
  readonly purge?: boolean
  readonly onMoved?: () => void
}

export interface Collected {
  readonly plan: GarbagePlan
  /** Undefined where nothing was to be done: it was asked for a preview, or the answer was no. */
  readonly places: readonly CollectedPlace[] | undefined
}

export interface CollectedPlace {
  readonly name: string
  readonly objects: number
  readonly bytes: number
  readonly bag: string | undefined
  readonly failed: readonly { readonly md5: string; readonly reason: string }[]
  /** What had lain aside for long enough and is gone for good. */
  readonly purged: { readonly objects: number; readonly bytes: number }
}

/** What was put aside can be brought back for so long. */
export const ASIDE_MS = 7 * 24 * 3600 * 1000

export async function collected(
  dependencies: UpkeepDependencies,
  request: GarbageRequest,
  how: Collecting,
): Promise<Collected> {
  const { locks } = dependencies
  const plan = await exclusively(locks, () => garbagePlan(dependencies, request))
  if (how.dry === true) return { plan, places: undefined }
  checkUndoable(plan, how)
  if (how.confirm === undefined)
    return { plan, places: await exclusively(locks, () => applied(dependencies, plan, how)) }
  if (!(await how.confirm(plan))) return { plan, places: undefined }
  return exclusively(locks, async () => {
    // Somebody may have come to need some of it while the question stood.
    const now = await garbagePlan(dependencies, request)
    const agreed = onlyShown(now, plan)
    return { plan: agreed, places: await applied(dependencies, agreed, how) }
  })
}

function checkUndoable(plan: GarbagePlan, how: Collecting): void {
  const lasting = plan.places.find(({ undoable, free }) => !undoable && free.length > 0)
  if (lasting !== undefined && how.forGood !== true)
    throw new Problem(
      'unsupported',
      `${lasting.shelf.name} cannot put objects aside, so removing ${lasting.free.length} of them could not be undone; look with --dry, then say --force`,
    )
}

function onlyShown(now: GarbagePlan, shown: GarbagePlan): GarbagePlan {
  return {
    ...now,
    places: now.places.map((place, index) => {
      const known = new Set(shown.places[index]?.free.map(({ object }) => keyOf(object)))
      return { ...place, free: place.free.filter(({ object }) => known.has(keyOf(object))) }
    }),
  }
}

async function applied(
  { nowMs }: UpkeepDependencies,
  plan: GarbagePlan,
  how: Collecting,
): Promise<CollectedPlace[]> {
  const places: CollectedPlace[] = []
  for (const { shelf, free } of plan.places) {
    const purged = { objects: 0, bytes: 0 }
    const due = how.purge === true ? Number.POSITIVE_INFINITY : nowMs() - ASIDE_MS
    // Those of before go first, so that a full disk gets room.
    await purge(shelf, due, purged)
    const bag =
      free.length > 0 && how.purge !== true ? await shelf.trash?.open('trash', nowMs()) : undefined
    const moved = await takenAway(shelf, bag, { free, onMoved: how.onMoved })
    places.push({ name: shelf.name, bag, ...moved, purged })
  }
  return places
}

async function purge(
  { trash }: Shelf,
  dueMs: number,
  purged: { objects: number; bytes: number },
): Promise<void> {
  for (const bag of (await trash?.bags('trash')) ?? []) {
    if (bag.atMs > dueMs) continue
    await trash?.empty(bag.id)
    purged.objects += bag.objects
    purged.bytes += bag.bytes
  }
}

function isList({ md5 }: { md5: string }): boolean {
  return md5.endsWith('.dir')
}

type Taken = {
  objects: number
  bytes: number
  readonly failed: { readonly md5: string; readonly reason: string }[]
}

/**
 * A folder's list goes before its files: while it is there, everybody takes it for proof of them.
 * So where a list stays, the files stay as well.
 */
async function takenAway(
  shelf: Shelf,
  bag: string | undefined,
  { free, onMoved }: { free: readonly Freed[]; onMoved: (() => void) | undefined },
): Promise<Taken> {
  const objects = free.map(({ object }) => object)
  const taken: Taken = { objects: 0, bytes: 0, failed: [] }
  const take = async (object: Lying) => {
    try {
      if (bag === undefined) await shelf.remove(object)
      else await shelf.trash?.put(bag, object)
      taken.objects++
      taken.bytes += object.sizeBytes
    } catch (error) {
      taken.failed.push({ md5: object.md5, reason: messageOf(error) })
    }
    onMoved?.()
  }
  await severally(objects.filter(isList), shelf.atOnce ?? 1, take)
  const [stayed] = taken.failed
  const files = objects.filter((object) => !isList(object))
  if (stayed === undefined) await severally(files, shelf.atOnce ?? 1, take)
  else if (files.length > 0)
    taken.failed.push({
      md5: `${files.length} files`,
      reason: `the list ${stayed.md5} may name them, and it stayed; run the command again once it can go`,
    })
  return taken
}

/** What fails ends all of it, once what is under way has come to its end. */
async function severally<T>(
  things: readonly T[],
  atOnce: number,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < things.length) await work(things[next++] as T)
  }
  const workers = Array.from({ length: Math.min(atOnce, things.length) }, worker)
  for (const each of await Promise.allSettled(workers))
    if (each.status === 'rejected') throw each.reason
}

export interface Undone {
  readonly places: readonly {
    readonly name: string
    readonly bag: Bag
    readonly objects: number
    readonly bytes: number
  }[]
}

export async function undone(
  { locks, shelf, shelfOf }: UpkeepDependencies,
  from: { cloud?: boolean; remote?: string },
): Promise<Undone> {
  return exclusively(locks, async () => {
    const shelves = [shelf, ...(from.cloud === true ? [await shelfOf(from.remote)] : [])]
    const lasting = shelves.find(({ trash }) => trash === undefined)
    if (lasting !== undefined)
      throw new Problem(
        'unsupported',
        `${lasting.name} puts nothing aside, so there is nothing to bring back; without --cloud what lay in the cache comes back`,
      )
    const places: Undone['places'][number][] = []
    for (const each of shelves) {
      const newest = (await each.trash?.bags('trash'))?.toSorted((a, b) => b.atMs - a.atMs)[0]
      if (newest === undefined || each.trash === undefined) continue
      places.push({ name: each.name, bag: newest, ...(await each.trash.bringBack(newest.id)) })
    }
    if (places.length === 0)
      throw new Problem(
        'not-found',
        'nothing was put aside in the last seven days, so there is nothing to bring back',
      )
    return { places }
  })
}
