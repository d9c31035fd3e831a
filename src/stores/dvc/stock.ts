import { mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Clock } from '#base/clock'
import { replaceFile } from './atomic.ts'
import { inOrders } from './crew/crew.ts'
import { hexNames, NAME_BYTES, packedNames, UNLISTED, type Shelf } from './crew/stocking.ts'
import { TICK_MS } from './crew/looking.ts'

/**
 * Which objects a folder of them holds. Asked about many, it lists the 256 folders that they are in and
 * remembers what it found, so that next time only those are listed again whose times changed. So an object
 * that somebody wrote into, against its mode, is not seen here: that shows when it is copied or linked.
 */
export interface Stock {
  /** Of objects named by 32 digits: those that are not there, and those that have to be checked. */
  lookFor(md5s: readonly string[]): Promise<{ missing: string[]; doubtful: string[] }>
  /** Whether all are there and need no check; `members` are 16 bytes each, in order. */
  hasAll(members: Uint8Array): Promise<boolean>
  /** Objects that were checked as they were put there: when their folders are listed, they need not be looked at. */
  learn(md5s: readonly string[]): void
}

export interface StockOptions {
  /** Of objects: `files/md5` of a cache. */
  readonly folder: string
  /** Where to remember what was found; it may be lost. */
  readonly notes: string | undefined
  readonly clock: Clock
}

/** From so many objects on the crew is worth its start. */
const CREW_FROM_OBJECTS = 4000
/** A listing of fewer costs less than it costs to remember it. */
const NOTED_OBJECTS_MIN = 1000

export function openStock(options: StockOptions): Stock {
  let known: Map<string, Shelf> | undefined
  const shelvesAt = async (prefixes: readonly string[], objects: number) => {
    known ??= readNotes(options.notes)
    const before = known
    let isNew = false
    const isListed = [...before.values()].some(({ ino }) => ino !== UNLISTED)
    await inOrders(prefixes, {
      trade: 'stock',
      perOrder: 16,
      crewFrom: objects >= CREW_FROM_OBJECTS && !isListed ? 0 : prefixes.length + 1,
      order: (part) => ({
        folder: options.folder,
        shelves: part.map((prefix) => ({ prefix, known: before.get(prefix) })),
        nowMs: options.clock.nowMs(),
        tickMs: TICK_MS,
      }),
      done: (shelves, part) => {
        for (const [index, prefix] of part.entries()) {
          const shelf = shelves[index]
          if (shelf === undefined || shelf === before.get(prefix)) continue
          before.set(prefix, shelf)
          isNew = true
        }
      },
    })
    if (isNew) writeNotes(options.notes, before)
    return before
  }
  return {
    lookFor: async (md5s) => {
      const byPrefix = Map.groupBy(md5s, (md5) => md5.slice(0, 2))
      const shelves = await shelvesAt([...byPrefix.keys()], md5s.length)
      const found = { missing: [] as string[], doubtful: [] as string[] }
      for (const [prefix, wanted] of byPrefix) {
        const shelf = shelves.get(prefix)
        const names = new Set(hexNames(shelf?.names))
        for (const md5 of wanted)
          if (shelf?.doubtful.includes(md5.slice(2)) === true) found.doubtful.push(md5)
          else if (!names.has(md5.slice(2))) found.missing.push(md5)
      }
      return found
    },
    hasAll: async (members) => {
      const prefixes = prefixesIn(members)
      const shelves = await shelvesAt([...prefixes.keys()], members.length / 16)
      return [...prefixes].every(([prefix, range]) =>
        isWithin(members, range, shelves.get(prefix)?.names ?? new Uint8Array()),
      )
    },
    learn: (md5s) => {
      known ??= readNotes(options.notes)
      for (const [prefix, some] of Map.groupBy(md5s, (md5) => md5.slice(0, 2))) {
        const names = new Set(hexNames(known.get(prefix)?.names))
        for (const md5 of some) names.add(md5.slice(2))
        const looks = { ino: UNLISTED, mtimeMs: 0, ctimeMs: 0 }
        known.set(prefix, { ...looks, names: packedNames(names), doubtful: [] })
      }
      writeNotes(options.notes, known)
    },
  }
}

/** Where each first byte begins and ends among members in order. */
function prefixesIn(members: Uint8Array): Map<string, { from: number; until: number }> {
  const ranges = new Map<string, { from: number; until: number }>()
  let range: { from: number; until: number } | undefined
  let byte = -1
  for (let at = 0; at < members.length; at += 16) {
    const first = members[at] ?? 0
    if (range === undefined || first !== byte) {
      byte = first
      range = { from: at, until: at }
      ranges.set(first.toString(16).padStart(2, '0'), range)
    }
    range.until = at + 16
  }
  return ranges
}

/** Both are in order, so one walk along them tells. */
function isWithin(
  members: Uint8Array,
  { from, until }: { from: number; until: number },
  names: Uint8Array,
): boolean {
  let place = 0
  for (let at = from; at < until; at += 16) {
    let order = -1
    while (place < names.length) {
      order = compared(names, place, members, at + 1)
      if (order >= 0) break
      place += NAME_BYTES
    }
    if (order !== 0) return false
  }
  return true
}

function compared(one: Uint8Array, at: number, other: Uint8Array, otherAt: number): number {
  for (let index = 0; index < NAME_BYTES; index++) {
    const difference = (one[at + index] ?? 0) - (other[otherAt + index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

type NotedShelf = readonly [
  prefix: string,
  ino: number,
  mtimeMs: number,
  ctimeMs: number,
  bytes: number,
]

function writeNotes(file: string | undefined, shelves: ReadonlyMap<string, Shelf>): void {
  if (file === undefined) return
  const noted = [...shelves].filter(([, { doubtful }]) => doubtful.length === 0)
  const bytes = noted.reduce((sum, [, { names }]) => sum + names.length, 0)
  if (bytes < NOTED_OBJECTS_MIN * NAME_BYTES) return
  const table = noted.map(([prefix, { ino, mtimeMs, ctimeMs, names }]): NotedShelf => [
    prefix,
    ino,
    mtimeMs,
    ctimeMs,
    names.length,
  ])
  const body = Buffer.concat([
    Buffer.from(`${JSON.stringify(table)}\n`),
    ...noted.map(([, { names }]) => names),
  ])
  const check = Buffer.alloc(4)
  check.writeUInt32LE(crc32(body))
  mkdirSync(dirname(file), { recursive: true })
  replaceFile(file, Buffer.concat([check, body]))
}

/** Nothing where the notes are missing or torn: all is listed anew. */
function readNotes(file: string | undefined): Map<string, Shelf> {
  const shelves = new Map<string, Shelf>()
  if (file === undefined) return shelves
  try {
    const bytes = readFileSync(file)
    const body = bytes.subarray(4)
    if (bytes.readUInt32LE(0) !== crc32(body)) return shelves
    const head = body.indexOf('\n')
    let at = head + 1
    for (const [prefix, ino, mtimeMs, ctimeMs, length] of JSON.parse(
      body.toString('utf8', 0, head),
    ) as NotedShelf[]) {
      shelves.set(prefix, {
        ino,
        mtimeMs,
        ctimeMs,
        names: body.subarray(at, at + length),
        doubtful: [],
      })
      at += length
    }
  } catch {
    return new Map()
  }
  return shelves
}
