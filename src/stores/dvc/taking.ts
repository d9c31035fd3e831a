import { existsSync, mkdirSync, renameSync, rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ObjectName } from '#data'
import { LARGE_BYTES, type CopyFault, type Load } from './crew/copying.ts'
import { inOrders } from './crew/crew.ts'
import { LOOK_NUMBERS, looksAt } from './crew/looking.ts'
import { statOf } from './measure.ts'
import { openIncoming, syncEach, syncFileSystem, type Incoming } from './incoming.ts'

export interface FileToTake {
  readonly source: string
  readonly object: ObjectName
}

export interface Taking {
  /** How the sources looked when they were hashed; without it they are hashed as they pass. */
  readonly looks?: Float64Array
  /** Sources that were last written to before this need not be hashed again, as long as they look so. */
  readonly settledMs?: number
  /** Called as bytes pass and files arrive. */
  readonly onDone?: ((files: number, sizeBytes: number) => void) | undefined
}

export interface Taken {
  readonly faults: readonly CopyFault[]
}

interface Objects {
  readonly folder: string
  pathOf(object: ObjectName): string
  makeFolderOf(path: string): void
}

/** From so many files on the crew is worth its start, and one sync for all cheaper than one for each. */
const CREW_FROM_FILES = 64
const CREW_FROM_BYTES = 16 << 20
/** Names are given so fast that fewer wait longer for the crew. */
const MOVED_BY_CREW_FROM = 500
/** An interruption costs at most so much work. */
const FILES_AT_ONCE = 100_000
const BYTES_AT_ONCE = 16 * 2 ** 30

/**
 * Puts files into a folder of objects. They are copied aside, the copies are synced, and only then do they get
 * their names: an object whose mode says that it can be trusted must not be empty after a power failure.
 */
export async function takeAll(
  files: readonly FileToTake[],
  how: Taking,
  objects: Objects,
): Promise<Taken> {
  if (files.length === 0) return { faults: [] }
  mkdirSync(objects.folder, { recursive: true })
  const incoming = openIncoming(objects.folder)
  const faults: CopyFault[] = []
  try {
    for (let from = 0; from < files.length;) {
      const until = endOfBatch(files, how.looks, from)
      const batch = files.slice(from, until)
      const looks = how.looks?.slice(from * LOOK_NUMBERS, until * LOOK_NUMBERS)
      const bad = await takeBatch(
        batch,
        { ...how, ...(looks === undefined ? {} : { looks }) },
        { ...objects, incoming },
      )
      for (const fault of bad) faults.push({ ...fault, index: fault.index + from })
      from = until
    }
  } finally {
    incoming.remove()
  }
  return { faults }
}

function endOfBatch(
  files: readonly FileToTake[],
  looks: Float64Array | undefined,
  from: number,
): number {
  let sizeBytes = 0
  let until = from
  while (until < files.length && until - from < FILES_AT_ONCE && sizeBytes < BYTES_AT_ONCE) {
    sizeBytes += looks?.[until * LOOK_NUMBERS + 3] ?? 0
    until++
  }
  return until
}

/** What becomes objects of one folder: a load, and what is known of it here. */
interface Lot extends Load {
  /** Where its objects belong. */
  readonly home: string
  /** Which of the batch's files they are. */
  readonly indexes: readonly number[]
  /** Numbers of those of its own that could not be copied. */
  readonly without: number[]
}

async function takeBatch(
  files: readonly FileToTake[],
  how: Taking,
  objects: Objects & { incoming: Incoming },
): Promise<CopyFault[]> {
  const isFew = files.length < CREW_FROM_FILES
  const lots = lotsOf(files, objects, isFew)
  for (const { folder } of lots) objects.makeFolderOf(`${folder}/x`)
  const faults = await copyAll(lots, files, { ...how, isFew })
  const sync = async (paths: () => Iterable<string>) => {
    if (isFew || !(await syncFileSystem(objects.folder))) syncEach(paths())
  }
  if (!isFew) await sync(() => lots.flatMap(copiesIn))
  const single = lots.filter((lot) => !isNamedWhole(lot))
  await inOrders(single, {
    trade: 'move',
    perOrder: Math.ceil(512 / averageOf(single)),
    crewFrom: files.length < MOVED_BY_CREW_FROM ? Number.POSITIVE_INFINITY : 0,
    order: (part) => ({
      loads: part.map(({ rests, folder, aside, home, without }) => {
        return { rests, folder, aside, home, without }
      }),
    }),
    done: () => undefined,
  })
  for (const { folder, home } of single) if (folder !== home) rmdirSync(folder)
  if (single.length > 0) await sync(() => single.map(({ home }) => home))
  if (single.length < lots.length) syncEach(new Set(lots.map(({ home }) => dirname(home))))
  return faults
}

/**
 * The files by the folder that their objects are kept in. Of many files those of a folder that is not there yet are
 * put into one of another name, and get their names all at once when that gets its own.
 */
function lotsOf(
  files: readonly FileToTake[],
  { incoming: { mark }, pathOf }: Objects & { incoming: Incoming },
  isFew: boolean,
): Lot[] {
  const byHome = Map.groupBy(files.keys(), (index) => {
    const { md5 = '', legacy = false } = files[index]?.object ?? {}
    return md5.slice(0, 2) + (legacy ? ' legacy' : '')
  })
  return [...byHome.values()].map((indexes) => {
    const some = indexes.flatMap((index) => files[index] ?? [])
    const { legacy = false, md5 = '' } = some[0]?.object ?? {}
    const home = dirname(pathOf({ md5, legacy }))
    const prefix = md5.slice(0, 2)
    const isNew = !isFew && !existsSync(home)
    return {
      prefix,
      legacy,
      home,
      indexes,
      without: [],
      rests: some.map(({ object }) => object.md5.slice(2)).join('\0'),
      sources: some.map(({ source }) => source).join('\0'),
      folder: isNew ? join(dirname(home), `${mark}${prefix}`) : home,
      aside: isNew ? undefined : mark,
    }
  })
}

async function copyAll(
  lots: readonly Lot[],
  files: readonly FileToTake[],
  how: Taking & { isFew: boolean },
): Promise<CopyFault[]> {
  const faults: CopyFault[] = []
  const { looks, settledMs } = how
  await inOrders(lots, {
    trade: 'copy',
    perOrder: Math.ceil(64 / averageOf(lots)),
    crewFrom: how.isFew && sizeOf(files) < CREW_FROM_BYTES ? Number.POSITIVE_INFINITY : 0,
    order: (part) => ({
      loads: part.map(({ prefix, rests, sources, folder, aside, legacy }) => {
        return { prefix, rests, sources, folder, aside, legacy }
      }),
      looks: looks && looksOf(part, looks),
      settledMs,
      sync: how.isFew,
    }),
    passed: how.onDone && ((sizeBytes) => how.onDone?.(0, sizeBytes)),
    // With their looks the large ones are copied by the system, and else hashed as they pass.
    writes: (part) => (looks === undefined ? [] : part.flatMap((lot) => largeIn(lot, looks))),
    done: (copied, part, _, toldBytes) => {
      const places = part.flatMap((lot) => lot.indexes.map((index, at) => ({ lot, index, at })))
      for (const fault of copied.faults) {
        const place = places[fault.index]
        if (place === undefined) continue
        place.lot.without.push(place.at)
        faults.push({ ...fault, index: place.index })
      }
      how.onDone?.(places.length, copied.sizeBytes - toldBytes)
    },
  })
  return faults
}

/** Gives a new folder its name with all that is in it; false where somebody else has made it meanwhile. */
function isNamedWhole({ folder, home, aside, without, indexes }: Lot): boolean {
  if (aside !== undefined) return false
  if (without.length === indexes.length) return rmdirSync(folder) === undefined
  try {
    renameSync(folder, home)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false
    throw error
  }
}

function largeIn(lot: Lot, looks: Float64Array): string[] {
  return copiesIn({ ...lot, without: [] }).filter(
    (_, at) => (looks[(lot.indexes[at] ?? 0) * LOOK_NUMBERS + 3] ?? 0) >= LARGE_BYTES,
  )
}

function copiesIn({ rests, folder, aside, without }: Lot): string[] {
  return rests
    .split('\0')
    .flatMap((rest, at) =>
      without.includes(at) ? [] : [`${folder}/${aside === undefined ? rest : `${aside}${at}`}`],
    )
}

function averageOf(lots: readonly Lot[]): number {
  return Math.max(1, lots.reduce((sum, { indexes }) => sum + indexes.length, 0) / lots.length)
}

function looksOf(lots: readonly Lot[], looks: Float64Array): Float64Array {
  return looksAt(
    looks,
    lots.flatMap((lot) => lot.indexes),
  )
}

function sizeOf(files: readonly FileToTake[]): number {
  return files.reduce((sum, { source }) => sum + (statOf(source)?.size ?? 0), 0)
}
