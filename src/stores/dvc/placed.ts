import { mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '#base/clock'
import { Problem } from '#base/problem'
import type { DataStep } from '#data'
import { temporaryBeside } from './atomic.ts'
import { inOrders } from './crew/crew.ts'
import { LOOK_NUMBERS } from './crew/looking.ts'
import type { LinkType, PlaceFault } from './crew/placing.ts'
import { putDamagedAside } from './damaged.ts'
import { openIncoming } from './incoming.ts'

/** An object, and where in the project it goes. */
export interface FileOfCache {
  /** In the project. */
  readonly path: string
  readonly object: string
  readonly target: string
  /** What its bytes have to be; undefined where that cannot be told. */
  readonly md5: string | undefined
}

export interface PlacedAll {
  /** How the file of that index looks now; undefined for one that was not placed. */
  lookAt(index: number): Float64Array | undefined
}

const CREW_FROM_FILES = 300

/**
 * Puts objects to their places in the first of the ways that works, and checks the bytes of each. Throws a
 * `Problem` that names what could not be placed; everything else is in its place then.
 */
export async function placeAll(
  files: readonly FileOfCache[],
  how: {
    /** Of the project. */
    root: string
    types: readonly LinkType[]
    executable: boolean
    /** How the targets have to look still. */
    before?: Float64Array
    onStep?: ((step: DataStep) => void) | undefined
  },
): Promise<PlacedAll> {
  if (files.length === 0) return { lookAt: () => undefined }
  const incoming = openIncoming(join(how.root, '.dvc', 'tmp'))
  try {
    return await placeFrom(files, { ...how, aside: asideIn(incoming.folder) })
  } finally {
    incoming.remove()
  }
}

type How = Parameters<typeof placeAll>[1] & { aside: (target: string, index: number) => string }

/**
 * Files are written where a killed process leaves nothing in the midst of the data, in some folders, so that
 * threads wait less for each other; beside their places only where those are on another disk.
 */
function asideIn(folder: string): How['aside'] {
  const { dev } = statSync(folder)
  const isNear = new Map<string, boolean>()
  for (let part = 0; part < FOLDERS; part++) mkdirSync(join(folder, String(part)))
  return (target, index) => {
    const place = dirname(target)
    let near = isNear.get(place)
    if (near === undefined) isNear.set(place, (near = statSync(place).dev === dev))
    const part = Math.floor(index / FILES_AN_ORDER) % FOLDERS
    return near ? `${folder}/${part}/${index}` : temporaryBeside(target)
  }
}

const FOLDERS = 16
const FILES_AN_ORDER = 128

async function placeFrom(files: readonly FileOfCache[], how: How): Promise<PlacedAll> {
  const looks = new Float64Array(files.length * LOOK_NUMBERS)
  const faults: PlaceFault[] = []
  let { types } = how
  await inOrders(files, {
    trade: 'place',
    perOrder: Math.max(1, Math.min(FILES_AN_ORDER, Math.ceil(files.length / 16))),
    crewFrom: CREW_FROM_FILES,
    order: (part, first) => ({
      types,
      executable: how.executable,
      before: how.before?.slice(first * LOOK_NUMBERS, (first + part.length) * LOOK_NUMBERS),
      files: part.map(({ object, target, md5 }, at) => ({
        object,
        target,
        md5,
        aside: how.aside(target, first + at),
      })),
    }),
    done: (placed, part, first) => {
      looks.set(placed.looks, first * LOOK_NUMBERS)
      faults.push(...placed.faults.map((fault) => ({ ...fault, index: fault.index + first })))
      // What failed once in one order is not tried again in the next.
      if (placed.types.length > 0 && placed.types.length < types.length) types = placed.types
      how.onStep?.({
        what: 'placed',
        files: part.length,
        sizeBytes: sizeIn(placed.looks),
        ofFiles: files.length,
      })
    },
  })
  const first = faults[0]
  if (first !== undefined) throw problemOf(files, faults, first)
  return {
    lookAt: (index) => looks.subarray(index * LOOK_NUMBERS, (index + 1) * LOOK_NUMBERS),
  }
}

function sizeIn(looks: Float64Array): number {
  let sizeBytes = 0
  for (let at = 3; at < looks.length; at += LOOK_NUMBERS) sizeBytes += looks[at] ?? 0
  return sizeBytes
}

function problemOf(
  files: readonly FileOfCache[],
  faults: readonly PlaceFault[],
  first: PlaceFault,
): Problem | Error {
  const damaged = faults
    .filter(({ what }) => what === 'damaged')
    .flatMap(({ index }) => files[index] ?? [])
  // DVC trusts what is in the cache: it would hand these out again.
  for (const { object } of damaged) putDamagedAside(object, systemClock.nowMs())
  const [one] = damaged
  if (one !== undefined) {
    const others = damaged.length === 1 ? '' : ` and ${damaged.length - 1} more`
    return new Problem(
      'conflict',
      `${one.path}${others}: the cache's object ${one.md5 ?? ''} is damaged and was put aside; run \`orrery pull\`, or make the data again`,
      { paths: damaged.map(({ path }) => path) },
    )
  }
  const path = files[first.index]?.path ?? ''
  if (first.what === 'changed')
    return new Problem(
      'conflict',
      `${path} changed while it was read; try again when nothing writes to it`,
    )
  return new Problem('unavailable', `${path} could not be written: ${first.message}`)
}
