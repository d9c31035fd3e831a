import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '#base/problem'
import { isFolder, type Measured, type ObjectName } from '#data'
import { inOrders } from './crew/crew.ts'
import { LOOK_NUMBERS, lookAmong, looksAt, sizeIn, TICK_MS } from './crew/looking.ts'
import type { LinkType } from './crew/placing.ts'
import { syncEach, syncFileSystem } from './incoming.ts'
import { changedMeanwhile, keyOf, lookAt, parentOf, type Measuring, type Seen } from './measure.ts'
import type { ObjectFolder } from './objects.ts'
import { placeAll } from './placed.ts'
import { filesOf, looksIn, withLooks, type FileAt } from './sights.ts'

export interface Keeping extends Measuring {
  readonly cache: ObjectFolder
  readonly links: readonly LinkType[]
  /** How what was measured looked. */
  readonly sights: WeakMap<Measured, Seen>
}

/** Puts what was measured into the cache, and where the project wants links, makes links of the files. */
export async function keep(options: Keeping, path: string, measured: Measured): Promise<void> {
  const { cache } = options
  const legacy = measured.content.legacy ?? false
  const files = filesOf(path, measured)
  const seen = options.sights.get(measured) ?? (await lookAt(options, path, { legacy }))
  const sight = seen?.sight
  const looks = sight === undefined ? new Float64Array(files.length * LOOK_NUMBERS) : looksIn(sight)
  if (looks.length !== files.length * LOOK_NUMBERS) throw changedMeanwhile(path)
  const settledMs = (seen?.atMs ?? 0) - TICK_MS
  const kept: Kept = { files, looks, legacy, settledMs, newest: new Uint8Array(files.length) }
  const wanted = await missingFrom(cache, kept)
  const byLink = options.links[0] === 'hardlink'
  const left = byLink ? await linked(options, kept, wanted) : wanted
  await copied(options, kept, left)
  if (measured.entries !== undefined) await cache.keepTree(measured.entries, seen?.list)
  const isRelinked = await relinked(options, kept)
  if (sight === undefined || (!byLink && !isRelinked)) return
  // Whoever writes to these files from now on is seen by the clock.
  const isSeen = sleep(TICK_MS)
  options.hashes.save(keyOf(path, { legacy }), {
    folders: withLooks(sight, kept.looks),
    list: isFolder(measured.content) ? measured.content.md5 : undefined,
  })
  await isSeen
}

interface Kept {
  readonly files: readonly FileAt[]
  /** How each file looks; linking it changes that. */
  readonly looks: Float64Array
  readonly legacy: boolean
  /** What was written to last before this was hashed as it looks. */
  readonly settledMs: number
  /** 1 for a file that just became an object. */
  readonly newest: Uint8Array
}

/** The places, among the files, of one file for each object that is not in the cache. */
async function missingFrom(cache: ObjectFolder, { files, legacy }: Kept): Promise<number[]> {
  const places = new Map<string, number>()
  for (const [index, { md5 }] of files.entries()) if (!places.has(md5)) places.set(md5, index)
  const missing = await cache.missing([...places.keys()].map((md5) => ({ md5, legacy })))
  return missing.map(({ md5 }) => places.get(md5) ?? 0).toSorted((one, other) => one - other)
}

/** Makes objects of the files themselves; gives those of which the file system makes none. */
async function linked(options: Keeping, kept: Kept, some: readonly number[]): Promise<number[]> {
  if (some.length === 0) return []
  const { cache, root } = options
  // An object is trusted, so its bytes are on the disk before it has its name.
  const isSynced = some.length >= SYNCED_AT_ONCE_FROM && syncFileSystem(root)
  // Threads that work in folders of their own wait less for each other.
  const byFolder = Map.groupBy(some, (index) => kept.files[index]?.md5.slice(0, 2))
  const wanted = [...byFolder.values()].flat()
  const objectAt = (index: number) => cache.pathOf(fileAt(options, kept, index).object)
  for (const [index = 0] of byFolder.values())
    mkdirSync(parentOf(objectAt(index)), { recursive: true })
  const before = looksAt(kept.looks, wanted)
  const sourceAt = (index: number) => fileAt(options, kept, index).source
  if (!(await isSynced)) syncEach(wanted.map(sourceAt))
  const left: number[] = []
  await inOrders(wanted, {
    trade: 'link',
    perOrder: 512,
    crewFrom: 400,
    order: (part, first) => ({
      sources: part.map(sourceAt).join('\0'),
      objects: part.map(objectAt).join('\0'),
      looks: before.slice(first * LOOK_NUMBERS, (first + part.length) * LOOK_NUMBERS),
    }),
    done: (result, part) => {
      const faults = new Map(result.faults.map((fault) => [fault.index, fault]))
      for (const [at, index] of part.entries()) {
        if (faults.get(at)?.what === 'changed')
          throw changedMeanwhile(kept.files[index]?.path ?? '')
        kept.looks.set(lookAmong(result.looks, at), index * LOOK_NUMBERS)
        if (result.isLinked[at] === true) kept.newest[index] = 1
        else if (faults.has(at)) left.push(index)
      }
    },
  })
  const newest = [...wanted.keys()].filter((at) => kept.newest[wanted[at] ?? 0] === 1)
  const made = newest.map((at) => fileAt(options, kept, wanted[at] ?? 0).object)
  learn(cache, kept, { made, looks: looksAt(before, newest) })
  return left
}

/** Tells the cache of files that became objects, and how they looked when they were hashed. */
function learn(
  cache: ObjectFolder,
  { legacy, settledMs }: Kept,
  { made, looks }: { made: readonly ObjectName[]; looks: Float64Array },
): void {
  cache.learn(made)
  if (legacy) return
  const settled = [...made.keys()].filter(
    (at) => (looks[at * LOOK_NUMBERS + 1] ?? Infinity) < settledMs,
  )
  cache.checked?.learn(
    settled.map((at) => made[at]?.md5 ?? ''),
    looksAt(looks, settled),
  )
}

/** Fewer are synced one by one. */
const SYNCED_AT_ONCE_FROM = 64

async function copied(options: Keeping, kept: Kept, wanted: readonly number[]): Promise<void> {
  const { onStep } = options
  const looks = looksAt(kept.looks, wanted)
  const step = { what: 'copied' as const, ofFiles: wanted.length, ofBytes: sizeIn(looks) }
  const { faults } = await options.cache.takeAll(
    wanted.map((index) => fileAt(options, kept, index)),
    {
      looks,
      settledMs: kept.settledMs,
      onDone: onStep && ((files, sizeBytes) => onStep({ ...step, files, sizeBytes })),
    },
  )
  const [fault] = faults
  if (fault === undefined) return
  const path = kept.files[wanted[fault.index] ?? 0]?.path ?? ''
  if (fault.what === 'failed')
    throw new Problem('unavailable', `${path} could not be copied into the cache: ${fault.message}`)
  throw changedMeanwhile(path)
}

/** Where the project wants hard or symbolic links, what was added becomes links as well. */
async function relinked(options: Keeping, kept: Kept): Promise<boolean> {
  const [first] = options.links
  if (first !== 'hardlink' && first !== 'symlink') return false
  const places = [...kept.files.keys()].filter((index) => kept.newest[index] === 0)
  const placed = await placeAll(
    places.map((index) => {
      const { source, object } = fileAt(options, kept, index)
      const path = kept.files[index]?.path ?? ''
      return {
        path,
        object: options.cache.pathOf(object),
        target: source,
        md5: kept.legacy ? undefined : object.md5,
      }
    }),
    {
      root: options.root,
      onStep: options.onStep,
      types: options.links,
      executable: false,
      before: looksAt(kept.looks, places),
      checked: options.cache.checked,
    },
  )
  for (const [at, index] of places.entries())
    kept.looks.set(lookAmong(placed, at), index * LOOK_NUMBERS)
  return places.length > 0
}

function fileAt(
  { root }: Keeping,
  { files, legacy }: Kept,
  index: number,
): { source: string; object: ObjectName } {
  const { path = '', md5 = '' } = files[index] ?? {}
  return { source: `${root}/${path}`, object: { md5, legacy } }
}
