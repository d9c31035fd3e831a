/** Bytes that grow as they are written into. */
export interface Sink {
  /** How many are written. */
  at(): number
  /** Leaves off everything behind `at`. */
  cut(at: number): void
  byte(value: number): void
  count(value: number): void
  /** Puts a count where room was left for one. */
  countAt(at: number, value: number): void
  double(value: number): void
  doubles(values: ArrayLike<number>): void
  integer(value: bigint): void
  text(text: string): void
  bytes(bytes: Uint8Array): void
  /** Bytes whose number is known from what comes before. */
  raw(bytes: Uint8Array): void
  /** What was written from `start` on; it is the sink's own memory. */
  written(start: number): Buffer
}

/** A text whose length has this bit is kept in 16-bit units: UTF-8 has no bytes for half a pair. */
const WIDE = 0x8000_0000
const SHORT_TEXT = 48

export function sink(sizeBytes: number): Sink {
  let buffer = Buffer.allocUnsafeSlow(sizeBytes)
  let view = new DataView(buffer.buffer)
  let at = 0

  const room = (bytes: number) => {
    if (at + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * buffer.length, at + bytes))
    buffer.copy(larger, 0, 0, at)
    buffer = larger
    view = new DataView(buffer.buffer)
  }
  const counted = (bytes: number, count: number) => {
    view.setUint32(at, count, true)
    at += 4 + bytes
  }
  const raw = (bytes: Uint8Array) => {
    room(bytes.length)
    buffer.set(bytes, at)
    at += bytes.length
  }

  return {
    at: () => at,
    cut: (end) => void (at = end),
    byte: (value) => {
      room(1)
      buffer[at++] = value
    },
    count: (value) => {
      room(4)
      view.setUint32(at, value, true)
      at += 4
    },
    countAt: (place, value) => view.setUint32(place, value, true),
    double: (value) => {
      room(8)
      view.setFloat64(at, value, true)
      at += 8
    },
    doubles: (values) => {
      room(4 + 8 * values.length)
      view.setUint32(at, values.length, true)
      at += 4
      for (let index = 0; index < values.length; index++, at += 8)
        view.setFloat64(at, values[index] as number, true)
    },
    integer: (value) => {
      room(8)
      view.setBigInt64(at, value, true)
      at += 8
    },
    text: (text) => {
      room(4 + 3 * text.length)
      if (isAsciiWritten(buffer, at + 4, text)) counted(text.length, text.length)
      else if (text.isWellFormed()) {
        const bytes = buffer.write(text, at + 4, 'utf8')
        counted(bytes, bytes)
      } else {
        const bytes = buffer.write(text, at + 4, 'utf16le')
        counted(bytes, (bytes | WIDE) >>> 0)
      }
    },
    bytes: (bytes) => {
      room(4)
      counted(0, bytes.length)
      raw(bytes)
    },
    raw,
    written: (start) => buffer.subarray(start, at),
  }
}

/** Writes a short text of ASCII, which costs less than the call that can write any; false for another. */
function isAsciiWritten(buffer: Buffer, start: number, text: string): boolean {
  if (text.length > SHORT_TEXT) return false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code > 127) return false
    buffer[start + index] = code
  }
  return true
}

export interface Reader {
  byte(): number
  count(): number
  double(): number
  doubles(): number[]
  /** Puts so many numbers into every `stride`-th place from `at` on; gives how many there were, and reads none if not so many. */
  doublesInto(to: Float64Array, place: { at: number; stride: number; count: number }): number
  /** A copy of so many bytes, which begins where numbers may. */
  copied(bytes: number): ArrayBuffer
  skip(bytes: number): void
  integer(): bigint
  text(): string
  bytes(): Buffer
}

/** Reads what a sink was given. Throws a `RangeError` behind the end. */
export function reader(buffer: Buffer): Reader {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  let at = 0
  const count = () => {
    const value = view.getUint32(at, true)
    at += 4
    return value
  }
  const slice = (length: number) => {
    if (at + length > buffer.length) throw new RangeError('a text ends behind its record')
    at += length
    return buffer.subarray(at - length, at)
  }
  return {
    byte: () => view.getUint8(at++),
    count,
    double: () => {
      at += 8
      return view.getFloat64(at - 8, true)
    },
    doubles: () => {
      const length = count()
      if (at + 8 * length > buffer.length) throw new RangeError('a list ends behind its record')
      const values: number[] = []
      for (let index = 0; index < length; index++, at += 8) values.push(view.getFloat64(at, true))
      return values
    },
    doublesInto: (to, { at: first, stride, count: wanted }) => {
      const length = count()
      if (length !== wanted) return length
      if (at + 8 * length > buffer.length) throw new RangeError('a list ends behind its record')
      for (let index = 0, place = first; index < length; index++, place += stride, at += 8)
        to[place] = view.getFloat64(at, true)
      return length
    },
    copied: (bytes) => new Uint8Array(slice(bytes)).buffer,
    skip: (bytes) => {
      if (at + bytes > buffer.length) throw new RangeError('a value ends behind its record')
      at += bytes
    },
    integer: () => {
      at += 8
      return view.getBigInt64(at - 8, true)
    },
    text: () => {
      const length = count()
      const wide = (length & WIDE) !== 0
      const bytes = slice((length & ~WIDE) >>> 0)
      return wide ? bytes.toString('utf16le') : bytes.toString('utf8')
    },
    bytes: () => slice(count()),
  }
}
