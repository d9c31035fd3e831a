import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { passedBytes } from '#base/young-memory'
import type { StoredObject } from '#objects'

/** Sockets give 64 KiB at once; written together they cost a fraction of the system calls. */
const WRITE_BYTES = 1 << 20

/** So much may wait for the disk before it is told to begin, while more comes in: a sync at the end alone would wait for all. */
const UNSYNCED_BYTES = 32 << 20

/**
 * Writes a new read-only file and syncs it: one pass, in which bytes are hashed while those before them are
 * written. Holds two pieces in memory, however long the file is.
 */
export async function writeFile(bytes: Readable | Buffer, path: string): Promise<StoredObject> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const passed = passedBytes()
  const file = await open(path, 'wx', 0o444)
  try {
    let writing = Promise.resolve()
    const syncing = syncsEarly(file)
    let batch: Buffer[] = []
    let batchBytes = 0
    const flush = async () => {
      const pieces = batch
      batch = []
      batchBytes = 0
      await writing
      writing = writeAll(file, pieces)
      // It is awaited with the next piece or at the end; until then nobody looks at it.
      writing.catch(() => undefined)
    }
    for await (const piece of Buffer.isBuffer(bytes) ? [bytes] : bytes) {
      const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(piece as string)
      hash.update(chunk)
      sizeBytes += chunk.length
      batch.push(chunk)
      batchBytes += chunk.length
      syncing.took(chunk.length)
      passed(chunk.length)
      if (batchBytes >= WRITE_BYTES) await flush()
    }
    await flush()
    await writing
    await syncing.settled()
    await file.sync()
  } finally {
    await file.close()
  }
  return { digest: hash.digest('hex'), sizeBytes }
}

/** Syncs what was written while more comes in, one sync at a time. */
function syncsEarly(file: FileHandle): { took(bytes: number): void; settled(): Promise<void> } {
  let unsyncedBytes = 0
  let isSyncing = false
  let synced = Promise.resolve()
  return {
    took: (bytes) => {
      unsyncedBytes += bytes
      if (unsyncedBytes < UNSYNCED_BYTES || isSyncing) return
      unsyncedBytes = 0
      isSyncing = true
      // The system tells of a failure once, so one that an early sync met must not be forgotten.
      synced = synced.then(() => file.datasync()).finally(() => (isSyncing = false))
      synced.catch(() => undefined)
    },
    settled: () => synced,
  }
}

/** A full disk takes a part of what it is given, and says so only at the next try. */
async function writeAll(file: FileHandle, pieces: readonly Buffer[]): Promise<void> {
  const expected = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (expected === 0) return
  const { bytesWritten } = await file.writev(pieces)
  if (bytesWritten === expected) return
  await file.writeFile(Buffer.concat(pieces).subarray(bytesWritten))
}
