import type { Column, Table } from './table.ts'

// Rows travel in the binary form of PostgreSQL's COPY: the number of fields in two bytes, then each field behind
// its length in four. It tells every value exactly, so it is also what digests are made of, on both databases.

/** Whole rows, one after the other. */
export interface Batch {
  readonly bytes: Buffer
  readonly rows: number
}

/** What stands before and after the rows of a copy. */
export const COPY_START = Buffer.concat([
  Buffer.from('PGCOPY\n\u00ff\r\n\0', 'latin1'),
  Buffer.alloc(8),
])
export const COPY_END = Buffer.from([0xff, 0xff])

export const BATCH_BYTES = 256 * 1024
const NULL = -1
/** PostgreSQL keeps no larger value, and no larger row. */
export const VALUE_BYTES_MAX = 1_000_000_000

export type Value = string | bigint | number | Buffer | null

/** Writes rows of a table until a batch is full. */
export function batchWriter(columns: readonly Column[]) {
  let bytes = Buffer.allocUnsafe(BATCH_BYTES)
  let end = 0
  let rows = 0
  return {
    isFull: () => end >= BATCH_BYTES / 2,
    add: (values: readonly Value[]) => {
      const room = roomFor(values)
      if (end + room > bytes.length)
        bytes = Buffer.concat([bytes.subarray(0, end)], Math.max(end + room, bytes.length * 2))
      end = bytes.writeInt16BE(values.length, end)
      for (const [at, { kind }] of columns.entries())
        end = writeField(bytes, end, kind, values[at] ?? null)
      rows += 1
    },
    take: (): Batch => {
      const batch = { bytes: bytes.subarray(0, end), rows }
      bytes = Buffer.allocUnsafe(BATCH_BYTES)
      end = 0
      rows = 0
      return batch
    },
  }
}

/** At most so many bytes; a character of a text is at most three of them. */
function roomFor(values: readonly Value[]): number {
  let room = 2
  for (const value of values)
    room +=
      12 +
      (typeof value === 'string' ? value.length * 3 : Buffer.isBuffer(value) ? value.length : 0)
  return room
}

function writeField(into: Buffer, at: number, kind: Column['kind'], value: Value): number {
  if (value === null) return into.writeInt32BE(NULL, at)
  if (kind === 'text') {
    const length = into.write(value as string, at + 4, 'utf8')
    into.writeInt32BE(length, at)
    return at + 4 + length
  }
  if (kind === 'big') return into.writeBigInt64BE(value as bigint, into.writeInt32BE(8, at))
  if (kind === 'small') return into.writeInt32BE(Number(value), into.writeInt32BE(4, at))
  if (kind === 'float') return into.writeDoubleBE(value as number, into.writeInt32BE(8, at))
  const start = into.writeInt32BE((value as Buffer).length, at)
  return start + (value as Buffer).copy(into, start)
}

/** The rows of a batch as values, field by field. */
export function* valuesIn({ bytes }: Batch, columns: readonly Column[]): Generator<Value[]> {
  for (let at = 0; at < bytes.length;) {
    at += 2
    const values: Value[] = []
    for (const { kind } of columns) {
      const length = bytes.readInt32BE(at)
      at += 4
      values.push(length === NULL ? null : readField(bytes, { at, length, kind }))
      at += Math.max(length, 0)
    }
    yield values
  }
}

function readField(
  bytes: Buffer,
  { at, length, kind }: { at: number; length: number; kind: Column['kind'] },
): Value {
  if (kind === 'text') return bytes.toString('utf8', at, at + length)
  if (kind === 'big') return bytes.readBigInt64BE(at)
  if (kind === 'small') return bytes.readInt32BE(at)
  if (kind === 'float') return bytes.readDoubleBE(at)
  return bytes.subarray(at, at + length)
}

/** Gathers the rows of a copy, whatever pieces it comes in, into batches of whole ones. */
export async function* batchesIn(
  copy: AsyncIterable<Buffer>,
  { columns }: Table,
): AsyncGenerator<Batch> {
  let pieces: Buffer[] = []
  let size = 0
  let wanted = BATCH_BYTES / 2
  let skipped = COPY_START.length
  const cut = (): Batch => {
    const all = Buffer.concat(pieces).subarray(skipped)
    const { end, rows } = wholeRows(all, columns)
    skipped = 0
    pieces = [all.subarray(end)]
    size = all.length - end
    // A row of many megabytes comes in many pieces, and must not be gone over at each.
    wanted = Math.max(BATCH_BYTES / 2, size * 2)
    return { bytes: all.subarray(0, end), rows }
  }
  for await (const piece of copy) {
    pieces.push(piece)
    size += piece.length
    if (size < wanted) continue
    const batch = cut()
    if (batch.rows > 0) yield batch
  }
  if (size < skipped) return
  const last = cut()
  if (last.rows > 0) yield last
}

function wholeRows(bytes: Buffer, columns: readonly Column[]): { end: number; rows: number } {
  let end = 0
  let rows = 0
  for (;;) {
    const next = rowEnd(bytes, end, columns)
    if (next === undefined) return { end, rows }
    end = next
    rows += 1
  }
}

/** Where the row that begins at `at` ends; undefined when not all of it is there, or none comes. */
function rowEnd(bytes: Buffer, at: number, columns: readonly Column[]): number | undefined {
  if (at + 2 > bytes.length || bytes.readInt16BE(at) === -1) return undefined
  let end = at + 2
  for (const { kind } of columns) {
    if (end + 4 > bytes.length) return undefined
    const length = bytes.readInt32BE(end)
    if (end + 4 + Math.max(length, 0) > bytes.length) return undefined
    if (kind === 'float' && length === 8) dropSignOfZero(bytes, end + 4)
    end += 4 + Math.max(length, 0)
  }
  return end
}

/** SQLite knows no zero with a sign, so neither does what is moved. */
function dropSignOfZero(bytes: Buffer, at: number): void {
  if (bytes[at] === 0x80 && Object.is(bytes.readDoubleBE(at), -0)) bytes[at] = 0
}
