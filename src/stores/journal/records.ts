import { crc32 } from 'node:zlib'
import type { Sink } from './bytes.ts'

/** A record is its length, the check sum of its payload, and the payload. */
export const HEADER_BYTES = 8
/** Longer than any request that is let in, so that damage is not taken for a long record. */
export const PAYLOAD_BYTES_MAX = 1 << 30

/** Appends a record whose payload `write` gives; gives the record's length. */
export function appendRecord(to: Sink, write: (to: Sink) => void): number {
  const start = to.at()
  to.count(0)
  to.count(0)
  try {
    write(to)
  } catch (error) {
    to.cut(start)
    throw error
  }
  const payload = to.written(start + HEADER_BYTES)
  to.countAt(start, payload.length)
  to.countAt(start + 4, crc32(payload))
  return HEADER_BYTES + payload.length
}

/** The record at `at`: whole, cut off by the end of the bytes, or not one. */
export type RecordAt =
  | { readonly is: 'whole'; readonly payload: Buffer; readonly end: number }
  | { readonly is: 'short' }
  | { readonly is: 'damaged' }

export function recordAt(bytes: Buffer, at: number): RecordAt {
  if (at + HEADER_BYTES > bytes.length) return { is: 'short' }
  const length = bytes.readUInt32LE(at)
  if (length === 0 || length > PAYLOAD_BYTES_MAX) return { is: 'damaged' }
  const end = at + HEADER_BYTES + length
  if (end > bytes.length) return { is: 'short' }
  const payload = bytes.subarray(at + HEADER_BYTES, end)
  return crc32(payload) === bytes.readUInt32LE(at + 4)
    ? { is: 'whole', payload, end }
    : { is: 'damaged' }
}

/** Where the next whole record begins behind `from`, if there is one. */
export function nextRecord(bytes: Buffer, from: number): number | undefined {
  for (let at = from; at + HEADER_BYTES < bytes.length; at++)
    if (recordAt(bytes, at).is === 'whole') return at
  return undefined
}
