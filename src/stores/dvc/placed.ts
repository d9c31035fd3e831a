import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '#base/clock'
import { Problem } from '#base/problem'
import type { DataStep } from '#data'
import { temporaryBeside } from './atomic.ts'
import type { CheckedObjects } from './checked.ts'
import { LARGE_BYTES } from './crew/copying.ts'
import { inOrders } from './crew/crew.ts'
import { LOOK_NUMBERS, looksAt, sizeIn, TICK_MS } from './crew/looking.ts'
import type { LinkType, PlaceFault } from './crew/placing.ts'
import { putDamagedAside } from './damaged.ts'
import { openIncoming } from './incoming.ts'
import { statOf } from './measure.ts'
import { parentOf } from './measuring.ts'

/** An object, and where in the project it goes. */
export interface FileOfCache {
  /** In the project. */
  readonly path: string
  readonly object: string
  readonly target: string
  /** What its bytes have to be; undefined where that cannot be told. */
  readonly md5: string | undefined
}

const CREW_FROM_FILES = 300
/** So many bytes the process itself would write without doing anything else meanwhile. */
const CREW_FROM_BYTES = 64 << 20
/** To look at so many takes no time that anybody would see. */
const SIZED_FILES_MAX = 2000

/**
 * Puts objects to their places in the first of the ways that works, and gives how each looks there. The bytes of each
 * are checked, but for those of links that are remembered as checked. Throws a `Problem` that names what could not be
 * placed; everything else is in its place then.
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
    /** Folders in which nothing is, made for these files: they may be put there whole. */
    empty?: ReadonlySet<string>
    /** Which objects need not be read to be linked. */
    checked?: CheckedObjects | undefined
    onStep?: ((step: DataStep) => void) | undefined
  },
): Promise<Float64Array> {
  if (files.length === 0) return new Float64Array()
  const incoming = openIncoming(join(how.root, '.dvc', 'tmp'))
  try {
    const filling = emptied(files, how.empty, incoming.folder)
    return await placeFrom(files, { ...how, aside: asideIn(incoming.folder) }, filling)
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
    const place = parentOf(target)
    let near = isNear.get(place)
    if (near === undefined) isNear.set(place, (near = statSync(place).dev === dev))
    const part = Math.floor(index / FILES_AN_ORDER) % FOLDERS
    return near ? `${folder}/${part}/${index}` : temporaryBeside(target)
  }
}

const FOLDERS = 16
const FILES_AN_ORDER = 512

/** A folder that is filled out of sight. */
interface Filling {
  readonly home: string
  readonly hidden: string
  /** How many files it still waits for. */
  left: number
}

/**
 * Takes empty folders out of sight, to be filled there and put back whole: so their files need no renaming. They were
 * made at their places, and have the rights that folders get there.
 */
function emptied(
  files: readonly FileOfCache[],
  empty: ReadonlySet<string> | undefined,
  out: string,
): (Filling | undefined)[] {
  const fillings: (Filling | undefined)[] = []
  if (empty === undefined || empty.size === 0) return fillings
  const byHome = Map.groupBy(files.keys(), (index) => parentOf(files[index]?.target ?? ''))
  for (const [home, indexes] of byHome) {
    if (indexes.length < FILLED_FROM || !empty.has(home)) continue
    const hidden = `${out}/folder-${indexes[0]}`
    try {
      renameSync(home, hidden)
    } catch {
      // On another disk, for example: its files are put there one by one.
      continue
    }
    const filling = { home, hidden, left: indexes.length }
    for (const index of indexes) fillings[index] = filling
  }
  return fillings
}

/** To hide a folder costs as much as to rename a few files. */
const FILLED_FROM = 8

function putBack({ home, hidden }: Filling): void {
  try {
    renameSync(hidden, home)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
    // Somebody else has made it meanwhile, and put something into it.
    for (const name of readdirSync(hidden)) renameSync(`${hidden}/${name}`, `${home}/${name}`)
  }
}

async function placeFrom(
  files: readonly FileOfCache[],
  how: How,
  fillings: readonly (Filling | undefined)[],
): Promise<Float64Array> {
  const looks = new Float64Array(files.length * LOOK_NUMBERS)
  const faults: PlaceFault[] = []
  const read: number[] = []
  const { onStep } = how
  let { types } = how
  const sizes = files.length <= SIZED_FILES_MAX ? sizesOf(files) : undefined
  const ofBytes = sizes?.reduce((sum, each) => sum + each, 0)
  const step = { what: 'placed' as const, ofFiles: files.length, ofBytes }
  // A copy is written and then read to check it; a link is only read.
  const passes = types[0] !== undefined && isLink(types[0]) ? 1 : 2
  const checked = types.some(isLink) ? how.checked?.known() : undefined
  const targetsOf = (part: readonly FileOfCache[], first: number) =>
    part.map(({ target }, at) => hiddenOf(target, fillings[first + at]))
  const asidesOf = (part: readonly FileOfCache[], first: number) =>
    targetsOf(part, first).map((target, at) =>
      fillings[first + at] === undefined ? how.aside(target, first + at) : target,
    )
  await inOrders(files, {
    trade: 'place',
    perOrder: Math.max(1, Math.min(FILES_AN_ORDER, Math.ceil(files.length / 16))),
    crewFrom: (ofBytes ?? 0) >= CREW_FROM_BYTES ? 0 : CREW_FROM_FILES,
    passed: onStep && ((bytes) => onStep({ ...step, files: 0, sizeBytes: bytes / passes })),
    writes: (part, first) =>
      sizes === undefined
        ? []
        : asidesOf(part, first).filter((_, at) => (sizes[first + at] ?? 0) >= LARGE_BYTES),
    order: (part, first) => {
      const isHidden = part.every((_, at) => fillings[first + at] !== undefined)
      return {
        types,
        executable: how.executable,
        checked,
        settledMs: systemClock.nowMs() - TICK_MS,
        before: how.before?.slice(first * LOOK_NUMBERS, (first + part.length) * LOOK_NUMBERS),
        objects: part.map(({ object }) => object).join('\0'),
        targets: targetsOf(part, first).join('\0'),
        asides: isHidden ? undefined : asidesOf(part, first).join('\0'),
        md5s: part.map(({ md5 = '' }) => md5).join('\0'),
      }
    },
    done: (placed, part, first, toldBytes) => {
      looks.set(placed.looks, first * LOOK_NUMBERS)
      faults.push(...placed.faults.map((fault) => ({ ...fault, index: fault.index + first })))
      for (const at of placed.read) read.push(at + first)
      for (const at of part.keys()) {
        const filling = fillings[first + at]
        if (filling !== undefined && --filling.left === 0) putBack(filling)
      }
      // What failed once in one order is not tried again in the next.
      if (placed.types.length > 0 && placed.types.length < types.length) types = placed.types
      const sizeBytes = sizeIn(placed.looks) - toldBytes / passes
      onStep?.({ ...step, files: part.length, sizeBytes })
    },
  })
  how.checked?.learn(
    read.map((index) => files[index]?.md5 ?? ''),
    looksAt(looks, read),
  )
  const first = faults[0]
  if (first !== undefined) throw problemOf(files, faults, first)
  return looks
}

function isLink(type: LinkType): boolean {
  return type === 'hardlink' || type === 'symlink'
}

function sizesOf(files: readonly FileOfCache[]): number[] {
  return files.map(({ object }) => statOf(object)?.size ?? 0)
}

function hiddenOf(target: string, filling: Filling | undefined): string {
  return filling === undefined ? target : filling.hidden + target.slice(filling.home.length)
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
