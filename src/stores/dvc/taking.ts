import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ObjectName } from '#data'
import type { CopyFault } from './crew/copying.ts'
import { inOrders } from './crew/crew.ts'
import { LOOK_NUMBERS } from './crew/looking.ts'
import { statOf } from './measure.ts'
import { openIncoming, syncEach, syncFileSystem, type Incoming } from './incoming.ts'

export interface FileToTake {
  readonly source: string
  readonly object: ObjectName
}

export interface Taking {
  /** How the sources looked when they were hashed; without it they are hashed as they pass. */
  readonly looks?: Float64Array
  /** Called as files arrive. */
  readonly onDone?: (files: number, sizeBytes: number) => void
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

async function takeBatch(
  files: readonly FileToTake[],
  how: Taking,
  objects: Objects & { incoming: Incoming },
): Promise<CopyFault[]> {
  const faults: CopyFault[] = []
  const places = files.map(({ object }) => objects.pathOf(object))
  const folders = new Set(places.map((place) => dirname(place)))
  for (const folder of folders) objects.makeFolderOf(`${folder}/x`)
  const aside = (index: number) => objects.incoming.besides(places[index] ?? '', index)
  const isFew = files.length < CREW_FROM_FILES
  await inOrders(files, {
    trade: 'copy',
    perOrder: Math.max(1, Math.min(128, Math.ceil(files.length / 16))),
    crewFrom: isFew && sizeOf(files) < CREW_FROM_BYTES ? CREW_FROM_FILES : 0,
    order: (part, first) => ({
      files: part.map(({ source, object }, at) => ({
        from: source,
        to: aside(first + at),
        md5: object.legacy ? undefined : object.md5.replace(/\.dir$/, ''),
      })),
      looks: how.looks?.slice(first * LOOK_NUMBERS, (first + part.length) * LOOK_NUMBERS),
      sync: isFew,
    }),
    done: (copied, part, first) => {
      faults.push(...copied.faults.map((fault) => ({ ...fault, index: fault.index + first })))
      how.onDone?.(part.length, copied.sizeBytes)
    },
  })
  const bad = new Set(faults.map(({ index }) => index))
  const pairs = places.flatMap((place, index) =>
    bad.has(index) ? [] : [[aside(index), place] as const],
  )
  const sync = async (paths: Iterable<string>) => {
    if (isFew || !(await syncFileSystem(objects.folder))) syncEach(paths)
  }
  if (!isFew) await sync(pairs.map(([from]) => from))
  await inOrders(pairs, {
    trade: 'move',
    perOrder: 512,
    crewFrom: 500,
    order: (part) => ({ pairs: part }),
    done: () => undefined,
  })
  await sync(folders)
  return faults
}

function sizeOf(files: readonly FileToTake[]): number {
  return files.reduce((sum, { source }) => sum + (statOf(source)?.size ?? 0), 0)
}
