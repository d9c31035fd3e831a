import { crc32 } from 'node:zlib'
import { Problem } from '#base/problem'
import type { DeletionVector } from './actions.ts'

/** Where a vector lies: within the log, or in a file. */
export type VectorPlace =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  /** Below the table's folder. */
  | { readonly kind: 'file'; readonly path: string; readonly offset: number }
  | { readonly kind: 'absolute'; readonly address: string; readonly offset: number }

export function placeOf(vector: DeletionVector): VectorPlace {
  const { storageType, pathOrInlineDv, offset = 0 } = vector
  if (storageType === 'i')
    return { kind: 'inline', bytes: z85(pathOrInlineDv).subarray(0, vector.sizeInBytes) }
  if (storageType === 'p') return { kind: 'absolute', address: pathOrInlineDv, offset }
  if (storageType !== 'u' || pathOrInlineDv.length < UUID_CHARS)
    throw new Problem('unsupported', `a deletion vector is kept in the unknown way ${storageType}`)
  const prefix = pathOrInlineDv.slice(0, -UUID_CHARS)
  const hex = Buffer.from(z85(pathOrInlineDv.slice(-UUID_CHARS))).toString('hex')
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  const name = `deletion_vector_${uuid}.bin`
  return { kind: 'file', path: prefix === '' ? name : `${prefix}/${name}`, offset }
}

const UUID_CHARS = 20

/** The vector at its place in a file: its length, itself, and a checksum. */
export function vectorIn(file: Uint8Array, at: { offset: number; name: string }): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  try {
    if (view.getUint8(0) !== 1)
      throw new Problem('unsupported', `${at.name} is of an unknown version of deletion vectors`)
    const length = view.getUint32(at.offset)
    const bytes = file.subarray(at.offset + 4, at.offset + 4 + length)
    if (bytes.length === length && crc32(bytes) === view.getUint32(at.offset + 4 + length))
      return bytes
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  throw new Problem('invalid', `${at.name} is cut short or damaged: its checksum does not match`)
}

const MAGIC = 1_681_511_377
const NO_RUNS = 12_346
const RUNS = 12_347
/** A container with more values than this is a bitmap. */
const ARRAY_MAX = 4096

/** The rows that a vector names, in order. */
export function deletedRows(bytes: Uint8Array, cardinality: number): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const rows: number[] = []
  try {
    if (view.getUint32(0, true) !== MAGIC)
      throw new Problem('unsupported', 'a deletion vector is written in an unknown way')
    const buckets = Number(view.getBigUint64(4, true))
    let at = 12
    for (let bucket = 0; bucket < buckets; bucket++) {
      if (view.getUint32(at, true) !== 0)
        throw new Problem('unsupported', 'a deletion vector names rows beyond 4294967295')
      at = takeBitmap(view, at + 4, rows)
    }
  } catch (error) {
    if (error instanceof RangeError) throw new Problem('invalid', 'a deletion vector is cut short')
    throw error
  }
  if (rows.length !== cardinality)
    throw new Problem(
      'invalid',
      `a deletion vector names ${rows.length} rows where its log says ${cardinality}`,
    )
  return Uint32Array.from(rows)
}

/** One bitmap in the portable format of Roaring; gives where it ends. */
function takeBitmap(view: DataView, start: number, rows: number[]): number {
  const word = view.getUint32(start, true)
  const cookie = word & 0xffff
  if (cookie !== RUNS && word !== NO_RUNS)
    throw new Problem('invalid', 'a deletion vector is no bitmap')
  const count = cookie === RUNS ? (word >>> 16) + 1 : view.getUint32(start + 4, true)
  let at = start + (cookie === RUNS ? 4 : 8)
  const runFlags = at
  if (cookie === RUNS) at += Math.ceil(count / 8)
  const heads = at
  at += count * 4
  // Offsets of the containers, which follow one another anyway.
  if (cookie !== RUNS || count >= 4) at += count * 4
  for (let index = 0; index < count; index++) {
    const base = view.getUint16(heads + index * 4, true) * 65_536
    const size = view.getUint16(heads + index * 4 + 2, true) + 1
    const isRuns =
      cookie === RUNS && (view.getUint8(runFlags + (index >> 3)) & (1 << (index & 7))) !== 0
    if (isRuns) at = takeRuns(view, { at, base }, rows)
    else if (size > ARRAY_MAX) at = takeBits(view, { at, base }, rows)
    else for (let each = 0; each < size; each++, at += 2) rows.push(base + view.getUint16(at, true))
  }
  return at
}

function takeRuns(view: DataView, from: { at: number; base: number }, rows: number[]): number {
  const runs = view.getUint16(from.at, true)
  let at = from.at + 2
  for (let run = 0; run < runs; run++, at += 4) {
    const first = from.base + view.getUint16(at, true)
    const more = view.getUint16(at + 2, true)
    for (let row = first; row <= first + more; row++) rows.push(row)
  }
  return at
}

function takeBits(view: DataView, from: { at: number; base: number }, rows: number[]): number {
  for (let byte = 0; byte < 8192; byte++) {
    const bits = view.getUint8(from.at + byte)
    for (let bit = 0; bit < 8; bit++)
      if ((bits & (1 << bit)) !== 0) rows.push(from.base + byte * 8 + bit)
  }
  return from.at + 8192
}

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'

function z85(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor(text.length / 5) * 4)
  const view = new DataView(bytes.buffer)
  for (let group = 0; group * 5 + 4 < text.length; group++) {
    let value = 0
    for (const char of text.slice(group * 5, group * 5 + 5)) {
      const digit = Z85.indexOf(char)
      if (digit === -1) throw new Problem('invalid', 'a deletion vector has a sign that is no Z85')
      value = value * 85 + digit
    }
    if (value > 0xffff_ffff) throw new Problem('invalid', 'a deletion vector is no Z85')
    view.setUint32(group * 4, value)
  }
  return bytes
}
