import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { replaceFile } from './atomic.ts'
import {
  CHECKED_BYTES,
  CHECKED_NUMBERS,
  checkedIn,
  firstOf,
  HEAD_BYTES,
  isSameName,
  nameAt,
  type CheckedList,
} from './crew/checked.ts'
import { LOOK_NUMBERS } from './crew/looking.ts'
import { readShared } from './shared-file.ts'

/**
 * Remembers objects that were read and had the bytes of their names, so that those that are read-only and look as
 * they did then are linked without being read again. DVC asks for the mode alone. What rots on the disk is not seen
 * by either: `fsck` reads all.
 */
export interface CheckedObjects {
  /** For threads to look in; undefined where none is known. */
  known(): SharedArrayBuffer | undefined
  /** `looks` are those of files that nobody can have written to since they were read without looking otherwise now. */
  learn(md5s: readonly string[], looks: Float64Array): void
  names(): string[]
  forget(md5s: ReadonlySet<string>): void
}

/** So small a part of all is read again sooner than all are written down anew. */
const LEARNT_SHARE = 1 / 400
/** A place and the first four bytes of a name fit into one number together; what is beyond is forgotten. */
const OBJECTS_MAX = 2 ** 21

/** `file` may be lost, and the last writer wins. */
export function openChecked(file: string): CheckedObjects {
  let kept: { readonly bytes: SharedArrayBuffer | undefined } | undefined
  const known = () => (kept ??= { bytes: readNotes(file) }).bytes
  const keep = (bytes: SharedArrayBuffer) => {
    kept = { bytes }
    mkdirSync(dirname(file), { recursive: true })
    replaceFile(file, Buffer.from(bytes))
  }
  return {
    known,
    names: () => namesOf(checkedIn(known())),
    forget: (md5s) => {
      if (md5s.size > 0) keep(packed(NONE, without(checkedIn(known()), md5s)))
    },
    learn: (md5s, looks) => {
      const before = checkedIn(known())
      if (md5s.length === 0 || md5s.length < before.count * LEARNT_SHARE) return
      keep(packed(listOf(md5s, looks), before))
    },
  }
}

const NONE: CheckedList = { count: 0, names: new Uint8Array(), looks: new Float64Array() }

function namesOf({ names, count }: CheckedList): string[] {
  return Array.from({ length: count }, (_, at) => nameAt(names, at))
}

/** The others, which are in order as they were. */
function without(list: CheckedList, md5s: ReadonlySet<string>): CheckedList {
  const left = namesOf(list).flatMap((md5, at) => (md5s.has(md5) ? [] : [at]))
  const names = new Uint8Array(left.length * 16)
  const looks = new Float64Array(left.length * CHECKED_NUMBERS)
  for (const [to, at] of left.entries()) {
    names.set(list.names.subarray(at * 16, at * 16 + 16), to * 16)
    const look = at * CHECKED_NUMBERS
    looks.set(list.looks.subarray(look, look + CHECKED_NUMBERS), to * CHECKED_NUMBERS)
  }
  return { count: left.length, names, looks }
}

function listOf(md5s: readonly string[], looks: Float64Array): CheckedList {
  const some = new Float64Array(md5s.length * CHECKED_NUMBERS)
  for (let at = 0; at < md5s.length; at++) {
    const look = at * LOOK_NUMBERS
    some[at * CHECKED_NUMBERS] = looks[look] ?? 0
    some[at * CHECKED_NUMBERS + 1] = looks[look + 1] ?? 0
    some[at * CHECKED_NUMBERS + 2] = looks[look + 3] ?? 0
  }
  return { count: md5s.length, names: Buffer.from(md5s.join(''), 'hex'), looks: some }
}

/** Both in one, in order; of two of one name the newer. */
function packed(newer: CheckedList, older: CheckedList): SharedArrayBuffer {
  const names = Buffer.concat([newer.names, older.names])
  const looks = new Float64Array(newer.looks.length + older.looks.length)
  looks.set(newer.looks)
  looks.set(older.looks, newer.looks.length)
  const places = placesInOrder(names, Math.min(OBJECTS_MAX, newer.count + older.count))
  const bytes = new SharedArrayBuffer(HEAD_BYTES + places.length * CHECKED_BYTES)
  const all = checkedIn(bytes)
  for (const [at, place] of places.entries()) {
    all.names.set(names.subarray(place * 16, place * 16 + 16), at * 16)
    const look = place * CHECKED_NUMBERS
    all.looks.set(looks.subarray(look, look + CHECKED_NUMBERS), at * CHECKED_NUMBERS)
  }
  new DataView(bytes).setUint32(CHECK_AT, crc32(Buffer.from(bytes, HEAD_BYTES)), true)
  return bytes
}

/** By the first four bytes of the names: numbers are sorted in a tenth of the time that texts take. */
function placesInOrder(names: Uint8Array, count: number): number[] {
  const keys = new Float64Array(count)
  for (let place = 0; place < count; place++)
    keys[place] = firstOf(names, place) * OBJECTS_MAX + place
  const places: number[] = []
  for (const key of keys.toSorted()) {
    const place = key % OBJECTS_MAX
    if (!isSameName(names, places.at(-1), place)) places.push(place)
  }
  return places
}

/** Undefined where the notes are missing or torn: all is read once more. */
function readNotes(file: string): SharedArrayBuffer | undefined {
  const bytes = readShared(file)
  if (bytes === undefined || bytes.byteLength < HEAD_BYTES) return undefined
  const check = new DataView(bytes).getUint32(CHECK_AT, true)
  return check === crc32(Buffer.from(bytes, HEAD_BYTES)) ? bytes : undefined
}

const CHECK_AT = 4
