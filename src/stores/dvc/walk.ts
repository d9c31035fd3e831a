import { resolve } from 'node:path'
import { Problem } from '#base/problem'
import { inOrders } from './crew/crew.ts'
import { LOOK_NUMBERS, type ListedFolder, type NameFault } from './crew/looking.ts'
import { namesIn, type FolderSight, type KeptSight } from './hash-cache.ts'
import {
  parentOf,
  type Ignores,
  type Measuring,
  type SeenFolder,
  type UnknownFile,
} from './measuring.ts'

/** A folder as it is now, with the hashes of those files that look as they did. */
export interface Walked {
  readonly folders: readonly SeenFolder[]
  readonly unknown: readonly UnknownFile[]
  /** Whether exactly the same files are there, in the same order. */
  readonly isSame: boolean
  readonly count: number
  readonly sizeBytes: number
}

/** From so many files on the crew is worth its start. */
const CREW_FROM_FILES = 5000

export async function walked(
  measuring: Measuring,
  top: string,
  known: KeptSight | undefined,
): Promise<Walked> {
  const ignores = measuring.rulesIn(parentOf(top))
  const walk: Walk = { top, ignores, known, found: [], unknown: [], count: 0, sizeBytes: 0 }
  const from = resolve(measuring.root, top)
  for (let level = ['']; level.length > 0;) {
    const deeper: string[] = []
    const list = (paths: readonly string[], isLarge: boolean) =>
      inOrders(paths, {
        trade: 'list',
        perOrder: Math.max(1, Math.min(64, Math.ceil(paths.length / 24))),
        crewFrom: isLarge ? 0 : Number.POSITIVE_INFINITY,
        order: (part) => ({
          plain: ignores.plain === true,
          known: known?.bytes,
          folders: part.map((path) => ({
            path: path === '' ? from : `${from}/${path}`,
            known: placeOf(walk, path),
          })),
        }),
        done: (listed, part) => {
          for (const [index, path] of part.entries()) {
            const each = listed[index]
            if (each !== undefined)
              for (const folder of taken(walk, path, each)) deeper.push(folder)
          }
        },
      })
    // What the first folder of a level holds tells about how much the others do.
    const before = walk.count
    const isLarge = (files: number) => files + (known?.count ?? 0) >= CREW_FROM_FILES
    const isKnownLarge = isLarge(before) || level.length > 200
    const alone = isKnownLarge ? 0 : 1
    await list(level.slice(0, alone), false)
    await list(
      level.slice(alone),
      isKnownLarge || isLarge(before + (walk.count - before) * level.length),
    )
    level = deeper
  }
  const { found, unknown, count, sizeBytes } = walk
  const isSame =
    found.length === (known?.folders.length ?? 0) &&
    found.every(({ path, names }) => known?.byPath.get(path)?.names === names)
  return { folders: found, unknown, count, sizeBytes, isSame }
}

interface Walk {
  readonly top: string
  readonly ignores: Ignores
  readonly known: KeptSight | undefined
  readonly found: SeenFolder[]
  readonly unknown: UnknownFile[]
  count: number
  sizeBytes: number
}

/** Where rules of the project hold, all files are told by name, to be asked about. */
function placeOf({ known, ignores }: Walk, path: string) {
  const before = ignores.plain === true ? known?.byPath.get(path) : undefined
  return {
    namesAt: before?.names.byteOffset ?? 0,
    namesBytes: before?.names.length ?? 0,
    looksAt: before?.looks.byteOffset ?? 0,
    count: before?.count ?? 0,
  }
}

/** Takes in what a folder holds; gives the folders below it that are to be walked. */
function taken(walk: Walk, path: string, whole: ListedFolder): string[] {
  const listed = walk.ignores.plain === true ? whole : withoutIgnored(walk, path, whole)
  const fault = listed.faults[0]
  if (fault !== undefined) throw faultAt(walk.top, inside(path, fault.name), fault)
  walk.count += listed.count
  walk.sizeBytes += listed.sizeBytes
  const before = walk.known?.byPath.get(path)
  if (listed.count > 0) {
    const folder = sightOf(walk, { path, listed, before })
    walk.found.push(folder)
  }
  return listed.folders.map((name) => inside(path, name))
}

function sightOf(
  walk: Walk,
  { path, listed, before }: { path: string; listed: ListedFolder; before: FolderSight | undefined },
): SeenFolder {
  const { names, looks, changed, count } = listed
  if (names === undefined && before !== undefined) {
    if (looks === undefined) return before
    const folder = { ...before, looks, digests: Uint8Array.from(before.digests) }
    noteUnknown(walk, folder, changed)
    return folder
  }
  const folder: SeenFolder = {
    path,
    count,
    names: names ?? new Uint8Array(),
    looks: looks ?? new Float64Array(),
    digests: new Uint8Array(count * 16),
  }
  noteUnknown(walk, folder, before === undefined ? allOf(count) : matched(folder, before))
  return folder
}

function noteUnknown(walk: Walk, folder: SeenFolder, indexes: readonly number[]): void {
  if (indexes.length === 0) return
  const names = namesIn(folder)
  for (const index of indexes) walk.unknown.push({ folder, index, name: names[index] ?? '' })
}

/** Takes over the hashes of files that look as before; gives the others. */
function matched(folder: SeenFolder, before: FolderSight): number[] {
  const places = new Map(namesIn(before).map((name, index) => [name, index]))
  const unknown: number[] = []
  for (const [index, name] of namesIn(folder).entries()) {
    const old = places.get(name)
    if (old !== undefined && looksAlike(folder, index, before, old))
      folder.digests.set(before.digests.subarray(old * 16, old * 16 + 16), index * 16)
    else unknown.push(index)
  }
  return unknown
}

function looksAlike(one: FolderSight, at: number, other: FolderSight, otherAt: number): boolean {
  for (let number = 0; number < LOOK_NUMBERS; number++)
    if (one.looks[at * LOOK_NUMBERS + number] !== other.looks[otherAt * LOOK_NUMBERS + number])
      return false
  return true
}

function withoutIgnored(walk: Walk, path: string, listed: ListedFolder): ListedFolder {
  const ignored = (name: string, kind: 'file' | 'folder') =>
    walk.ignores(`${walk.top}/${inside(path, name)}`, kind)
  const all = {
    path,
    count: listed.count,
    names: listed.names ?? new Uint8Array(),
    looks: listed.looks ?? new Float64Array(),
    digests: new Uint8Array(),
  }
  const names = namesIn(all)
  const kept = allOf(listed.count).filter((index) => !ignored(names[index] ?? '', 'file'))
  const looks = new Float64Array(kept.length * LOOK_NUMBERS)
  for (const [at, index] of kept.entries())
    looks.set(
      all.looks.subarray(index * LOOK_NUMBERS, (index + 1) * LOOK_NUMBERS),
      at * LOOK_NUMBERS,
    )
  return {
    folders: listed.folders.filter((name) => !ignored(name, 'folder')),
    faults: listed.faults.filter(({ name }) => !ignored(name, 'file')),
    names: new Uint8Array(Buffer.from(kept.map((index) => names[index] ?? '').join('\0'))),
    looks,
    changed: [],
    count: kept.length,
    sizeBytes: kept.reduce((sum, _, at) => sum + (looks[at * LOOK_NUMBERS + 3] ?? 0), 0),
  }
}

function faultAt(top: string, path: string, { what }: NameFault): Problem {
  const whole = `${top}/${path}`
  if (what === 'rules')
    return new Problem(
      'invalid',
      `${whole}: a .dvcignore cannot lie inside data; move its rules to a folder above ${top}`,
    )
  if (what === 'not UTF-8')
    return new Problem('unsupported', `${whole}: the name is not UTF-8; rename the file`)
  if (what === 'link to nothing')
    return new Problem('invalid', `${whole} is a link to nothing; remove it or mend it`)
  return new Problem('invalid', `${whole} is neither a file nor a folder; move it out of the data`)
}

function allOf(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

function inside(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}
