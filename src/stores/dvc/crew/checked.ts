import type { Stats } from 'node:fs'
import { TRUSTED } from './copying.ts'

/**
 * Objects whose bytes were read and had their name, with how each looked then: inode, time of the last writing and
 * size. The change time is none of it, since every link changes that. In the order of their names' first four bytes.
 */
export interface CheckedList {
  readonly count: number
  /** 16 bytes each. */
  readonly names: Uint8Array
  readonly looks: Float64Array
}

/** How many numbers are kept of how one looked. */
export const CHECKED_NUMBERS = 3

const NOTHING = { count: 0, names: new Uint8Array(), looks: new Float64Array() }

/** Looks first and names after them, as they are kept and as all threads read them. */
export function checkedIn(bytes: SharedArrayBuffer | undefined): CheckedList {
  if (bytes === undefined) return NOTHING
  const count = Math.floor((bytes.byteLength - HEAD_BYTES) / CHECKED_BYTES)
  const looks = new Float64Array(bytes, HEAD_BYTES, count * CHECKED_NUMBERS)
  const names = new Uint8Array(bytes, HEAD_BYTES + looks.byteLength, count * 16)
  return { count, looks, names }
}

/** Before all of them. */
export const HEAD_BYTES = 8
export const CHECKED_BYTES = CHECKED_NUMBERS * 8 + 16

/** Whether the object of that name was checked, and looks as if nobody had written to it since or were to. */
export function isAsChecked(list: CheckedList, md5: string, stats: Stats): boolean {
  if (list.count === 0 || (stats.mode & 0o777) !== TRUSTED) return false
  const first = Number.parseInt(md5.slice(0, 8), 16)
  for (let at = firstFrom(list, first); at < list.count; at++) {
    if (firstOf(list.names, at) !== first) return false
    if (looksSo(list.looks, at, stats) && nameAt(list.names, at) === md5) return true
  }
  return false
}

/** The place of the first whose name begins with these four bytes, or later ones. */
function firstFrom({ names, count }: CheckedList, first: number): number {
  let [from, until] = [0, count]
  while (from < until) {
    const middle = (from + until) >>> 1
    if (firstOf(names, middle) < first) from = middle + 1
    else until = middle
  }
  return from
}

/** The first four bytes of a name as a number. */
export function firstOf(names: Uint8Array, at: number): number {
  const from = at * 16
  const low =
    ((names[from + 1] ?? 0) << 16) | ((names[from + 2] ?? 0) << 8) | (names[from + 3] ?? 0)
  return (names[from] ?? 0) * 2 ** 24 + low
}

export function isSameName(names: Uint8Array, one: number | undefined, other: number): boolean {
  if (one === undefined || firstOf(names, one) !== firstOf(names, other)) return false
  return nameAt(names, one) === nameAt(names, other)
}

export function nameAt(names: Uint8Array, at: number): string {
  return Buffer.from(names.buffer, names.byteOffset + at * 16, 16).toString('hex')
}

function looksSo(looks: Float64Array, index: number, { ino, mtimeMs, size }: Stats): boolean {
  const at = index * CHECKED_NUMBERS
  return looks[at] === ino && looks[at + 1] === mtimeMs && looks[at + 2] === size
}
