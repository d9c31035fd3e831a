import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { invariant } from '#base/invariant'
import type { JournalSource, NewBatch } from '#inference'
import type { Connection } from './database.ts'

/** One row of the table of blocks. */
export interface Block {
  readonly first_seq: number
  readonly last_seq: number
  readonly endpoint: number
  readonly from_ms: number
  readonly to_ms: number
  readonly packed: Buffer | null
  readonly thin: Buffer | null
}

/** Ids of one block begin alike, so that the blocks that may hold an id are few: these characters of a ULID are half a minute. */
const ALIKE_CHARS = 7

export function alike(id: string): string {
  return id.slice(0, ALIKE_CHARS)
}

const LENGTH_BYTES = 4
/** Longer records are mostly numbers, which take more time to make smaller than all else that is done with them. */
const RAW_BYTES = 4096
/** How compressed bytes begin; no record is as long as this says. */
const ZSTD_MAGIC = 0xfd2fb528
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** Records one after the other, each behind its length, made smaller where that is worth it. */
export function packed(records: readonly Uint8Array[]): Buffer {
  const size = records.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0)
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const record of records) {
    bytes.writeUInt32LE(record.length, at)
    bytes.set(record, at + LENGTH_BYTES)
    at += LENGTH_BYTES + record.length
  }
  return size > RAW_BYTES * records.length ? bytes : zstdCompressSync(bytes, FAST)
}

/** The batches of a block, each with its number. */
export function batchesIn(
  block: Block,
  batchIn: JournalSource['batchIn'],
): { seq: number; batch: NewBatch }[] {
  return recordsIn(block).map((record, index) => ({
    seq: block.first_seq + index,
    batch: batchIn(record),
  }))
}

/** The records of a block, in the order of their numbers. */
export function recordsIn({ packed: body }: Block): Buffer[] {
  invariant(body !== null, 'a block is read while its rows are in no segment')
  const bytes = body.readUInt32LE(0) === ZSTD_MAGIC ? zstdDecompressSync(body) : body
  const records: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const start = at + LENGTH_BYTES
    at = start + bytes.readUInt32LE(at)
    records.push(bytes.subarray(start, at))
  }
  return records
}

/** What is kept for ever of a batch: enough to find its rows in their segment. */
export interface ThinBatch {
  readonly id: string
  readonly layout: number
  readonly revision: number
  readonly atMs: number
  readonly latencyMs: number
  readonly eventsMs: readonly number[]
}

export function thinned(batches: readonly ThinBatch[]): Buffer {
  return zstdCompressSync(Buffer.from(JSON.stringify(batches)), FAST)
}

export function thinIn({ thin }: Block): ThinBatch[] {
  invariant(thin !== null, 'a block that is swept says what its batches were')
  return JSON.parse(zstdDecompressSync(thin).toString()) as ThinBatch[]
}

/** Finds blocks that may hold a batch of this name: it lies between the names of others there. */
export function blockFinder(connection: Connection): (id: string) => Block[] {
  const find = connection.prepare(
    'select * from blocks where first_id >= ? and first_id <= ? and last_id >= ?',
  )
  return (id) => find.all(alike(id), id, id) as Block[]
}
