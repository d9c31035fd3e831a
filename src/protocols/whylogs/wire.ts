import { Problem } from '#base/problem'

/** A field of a protobuf message: a number, or bytes. */
export interface Field {
  readonly number: number
  /** Of a varint or a fixed 64 bits. */
  readonly value: bigint
  readonly bytes: Buffer
}

const NOTHING = Buffer.alloc(0)

/** The fields of a message, in their order. Throws `invalid` for bytes that are none. */
export function fieldsOf(bytes: Buffer): Field[] {
  const found: Field[] = []
  const at = { place: 0 }
  while (at.place < bytes.length) {
    const tag = varint(bytes, at)
    const number = Number(tag >> 3n)
    const type = Number(tag & 7n)
    if (type === 0) found.push({ number, value: varint(bytes, at), bytes: NOTHING })
    else if (type === 1) found.push({ number, value: 0n, bytes: taken(bytes, at, 8) })
    else if (type === 5) found.push({ number, value: 0n, bytes: taken(bytes, at, 4) })
    else if (type === 2) {
      const length = Number(varint(bytes, at))
      found.push({ number, value: 0n, bytes: taken(bytes, at, length) })
    } else throw broken()
  }
  return found
}

/** A message behind its length. */
export function delimited(bytes: Buffer, at: { place: number }): Buffer {
  return taken(bytes, at, Number(varint(bytes, at)))
}

export function taken(bytes: Buffer, at: { place: number }, length: number): Buffer {
  const end = at.place + length
  if (!Number.isSafeInteger(length) || length < 0 || end > bytes.length) throw broken()
  const found = bytes.subarray(at.place, end)
  at.place = end
  return found
}

export function varint(bytes: Buffer, at: { place: number }): bigint {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[at.place++]
    if (byte === undefined) throw broken()
    value |= BigInt(byte & 127) << shift
    if (byte < 128) return BigInt.asUintN(64, value)
  }
  throw broken()
}

/** The pairs of a map: each a message of a key and a value. */
export function pairsOf(fields: readonly Field[], number: number): { key: Field; value: Field }[] {
  return fields
    .filter((field) => field.number === number)
    .map(({ bytes }) => {
      const pair = fieldsOf(bytes)
      const part = (wanted: number) =>
        pair.find((field) => field.number === wanted) ?? {
          number: wanted,
          value: 0n,
          bytes: NOTHING,
        }
      return { key: part(1), value: part(2) }
    })
}

export function broken(): Problem {
  return new Problem(
    'invalid',
    'the whylogs profile ends in its middle or is no profile; write it again with results.writer("local").write()',
  )
}
