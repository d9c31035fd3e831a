import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { Problem } from '#base/problem'

/** A file's bytes, read in windows: a model of gigabytes is looked through without being held. */
export interface Bytes {
  readonly size: number
  byteAt(offset: number): number
  /** A copy of a part. Throws when it is longer than `bytesMax`. */
  copy(span: Span, bytesMax: number): Buffer
  close(): void
}

export interface Span {
  readonly start: number
  readonly end: number
}

const WINDOW_BYTES = 256 * 1024

export function openBytes(path: string): Bytes {
  const file = openSync(path, 'r')
  const { size } = fstatSync(file)
  const window = Buffer.allocUnsafe(WINDOW_BYTES)
  let from = 0
  let to = 0
  const read = (into: Buffer, start: number, length: number): number => {
    let done = 0
    while (done < length) {
      const count = readSync(file, into, done, length - done, start + done)
      if (count === 0) break
      done += count
    }
    return done
  }
  return {
    size,
    byteAt: (offset) => {
      if (offset < from || offset >= to) {
        from = offset
        to = offset + read(window, offset, Math.min(WINDOW_BYTES, size - offset))
        if (offset >= to) throw damaged('it ends too early')
      }
      return window[offset - from] as number
    },
    copy: ({ start, end }, bytesMax) => {
      if (end - start > bytesMax)
        throw damaged(`a text or list of ${end - start} bytes stands where ${bytesMax} are allowed`)
      const part = Buffer.allocUnsafe(end - start)
      if (read(part, start, part.length) < part.length) throw damaged('it ends too early')
      return part
    },
    close: () => closeSync(file),
  }
}

/** Bytes that are held already. */
export function heldBytes(held: Buffer): Bytes {
  return {
    size: held.length,
    byteAt: (offset) => held[offset] as number,
    copy: ({ start, end }) => held.subarray(start, end),
    close: () => undefined,
  }
}

/** The fields of one message, one after the other; what it holds is that of the current field. */
export interface Fields {
  /** Moves to the next field; false when there is none. Throws when the bytes are no message. */
  next(): boolean
  readonly number: number
  /** Where the field begins, with its tag. */
  readonly from: number
  /** Where its content begins and ends. */
  readonly start: number
  readonly end: number
  /** Of a number: its value, exact to 2^53; NaN for all other fields. */
  readonly value: number
}

const VARINT = 0
const FIXED_64 = 1
const LENGTH = 2
const FIXED_32 = 5

/** Reads a message of the protocol buffers encoding. */
export function fieldsOf(bytes: Bytes, { start, end }: Span): Fields {
  let at = start
  const varint = (): number => {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw damaged(`a number at byte ${at} is cut off`)
      const byte = bytes.byteAt(at++)
      if (shift < 28) low += (byte & 0x7f) * 2 ** shift
      else high += (byte & 0x7f) * 2 ** (shift - 28)
      if (byte < 0x80) return signed(low, high)
    }
    throw damaged(`a number at byte ${at} has no end`)
  }
  const field = { number: 0, from: start, start, end: start, value: Number.NaN }
  const take = (length: number) => {
    if (!(length >= 0 && length <= end - at))
      throw damaged(`a field at byte ${field.from} runs past the end of what holds it`)
    field.start = at
    at += length
    field.end = at
  }
  const next = (): boolean => {
    if (at >= end) return false
    field.from = at
    const tag = varint()
    field.number = Math.floor(tag / 8)
    field.value = Number.NaN
    const wire = tag % 8
    if (field.number < 1) throw damaged(`there is no field at byte ${field.from}`)
    if (wire === VARINT) {
      field.start = at
      field.value = varint()
      field.end = at
    } else if (wire === LENGTH) take(varint())
    else if (wire === FIXED_32) take(4)
    else if (wire === FIXED_64) take(8)
    else throw damaged(`the field at byte ${field.from} is of an unknown kind`)
    return true
  }
  return Object.assign(field, { next })
}

/** A number from its lower 28 bits and the rest; negative ones are written as if they were 2^64 larger. */
function signed(low: number, rest: number): number {
  const high = rest % 2 ** 36
  return (high >= 2 ** 35 ? high - 2 ** 36 : high) * 2 ** 28 + low
}

/** The whole numbers of a packed list. Throws when they are more than `countMax`. */
export function packedNumbers(bytes: Bytes, { start, end }: Span, countMax: number): number[] {
  const numbers: number[] = []
  let [low, high, shift] = [0, 0, 0]
  for (let at = start; at < end; at++) {
    const byte = bytes.byteAt(at)
    if (shift < 28) low += (byte & 0x7f) * 2 ** shift
    else high += (byte & 0x7f) * 2 ** (shift - 28)
    shift += 7
    if (byte >= 0x80 && shift < 70) continue
    if (numbers.length >= countMax) throw damaged(`a list has more than ${countMax} numbers`)
    numbers.push(signed(low, high))
    low = high = shift = 0
  }
  return numbers
}

/** What is said of a file that is no model. */
export function damaged(why: string): Problem {
  return new Problem(
    'invalid',
    `the model's file is damaged or not ONNX: ${why}; export the model again and log it anew`,
  )
}
