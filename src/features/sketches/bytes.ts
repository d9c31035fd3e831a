export interface BytesWriter {
  byte(value: number): void
  /** A whole number from 0 up, in as many bytes as it needs. */
  count(value: number): void
  int32(value: number): void
  float(value: number): void
  double(value: number): void
  text(value: string): void
  blob(value: Uint8Array): void
  done(): Uint8Array
}

export interface BytesReader {
  byte(): number
  count(): number
  int32(): number
  float(): number
  double(): number
  text(): string
  blob(): Uint8Array
}

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder()

export function bytesWriter(): BytesWriter {
  let bytes = new Uint8Array(256)
  let view = new DataView(bytes.buffer)
  let at = 0
  const place = (length: number): number => {
    if (at + length > bytes.length) {
      const larger = new Uint8Array(Math.max(2 * bytes.length, at + length))
      larger.set(bytes)
      bytes = larger
      view = new DataView(bytes.buffer)
    }
    const start = at
    at += length
    return start
  }
  const byte = (value: number): void => {
    const start = place(1)
    bytes[start] = value
  }
  const count = (value: number): void => {
    let rest = value
    while (rest >= 128) {
      byte((rest % 128) | 128)
      rest = Math.floor(rest / 128)
    }
    byte(rest)
  }
  const blob = (value: Uint8Array): void => {
    count(value.length)
    const start = place(value.length)
    bytes.set(value, start)
  }
  return {
    byte,
    count,
    int32: (value) => {
      const start = place(4)
      view.setInt32(start, value, true)
    },
    float: (value) => {
      const start = place(4)
      view.setFloat32(start, value, true)
    },
    double: (value) => {
      const start = place(8)
      view.setFloat64(start, value, true)
    },
    text: (value) => blob(utf8.encode(value)),
    blob,
    done: () => bytes.slice(0, at),
  }
}

/** Throws a RangeError behind the end. */
export function bytesReader(bytes: Uint8Array): BytesReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const past = (length: number): number => {
    at += length
    return at - length
  }
  const count = (): number => {
    let [value, unit] = [0, 1]
    for (;;) {
      const next = view.getUint8(past(1))
      value += (next % 128) * unit
      if (next < 128) return value
      unit *= 128
    }
  }
  const blob = (): Uint8Array => {
    const length = count()
    const start = past(length)
    if (at > bytes.length) throw new RangeError('what is read ends too early')
    return bytes.subarray(start, at)
  }
  return {
    byte: () => view.getUint8(past(1)),
    count,
    int32: () => view.getInt32(past(4), true),
    float: () => view.getFloat32(past(4), true),
    double: () => view.getFloat64(past(8), true),
    text: () => fromUtf8.decode(blob()),
    blob,
  }
}
