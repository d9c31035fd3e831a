import { readFileSync } from 'node:fs'
import { closeSync, openSync, readSync } from 'node:fs'
import type { JournalPosition, Logged, NewBatch, RecordedBatch, Value } from '#inference'
import { decoder, namedBatchIn } from './codec.ts'
import { filesIn, pathOf } from './files.ts'
import { checkTail, scan, type Scanned } from './scan.ts'

interface Place extends JournalPosition {
  /** Bytes of the payload, which begins at `offset`. */
  readonly length: number
}

/** From this many ids on it is looked which of them are elsewhere by now. */
const PRUNE_AT = 10_000

/** Where the batches that their callers named lie in the journal, until they are ingested. */
export function pendingBatches(folder: string, ingestedUpTo: () => JournalPosition) {
  // In the order of the journal, so that what is ingested is always at the front.
  const places = new Map<string, Place>()
  const { batchIn } = decoder()
  let pruneAt = PRUNE_AT

  const prune = () => {
    const { file, offset } = ingestedUpTo()
    for (const [id, place] of places) {
      if (place.file > file || (place.file === file && place.offset >= offset)) break
      places.delete(id)
    }
    pruneAt = Math.max(PRUNE_AT, 2 * places.size)
  }

  return {
    has: (id: string): boolean => places.has(id),
    add: (id: string, place: Place): void => {
      places.set(id, place)
      if (places.size >= pruneAt) prune()
    },
    forget: (id: string): void => {
      places.delete(id)
    },
    note: (file: number, { payload, end }: Scanned): void => {
      const id = namedBatchIn(payload)
      if (id !== undefined)
        places.set(id, { file, offset: end - payload.length, length: payload.length })
    },
    find: (id: string): RecordedBatch | undefined => {
      const place = places.get(id)
      const payload = place && payloadAt(pathOf(folder, place.file), place)
      // Its file was ingested and removed.
      if (payload === undefined) return undefined
      return recordedOf(batchIn(payload))
    },
  }
}

export type PendingBatches = ReturnType<typeof pendingBatches>

/** Reads what of the journal is not ingested; gives where the whole records of its newest file end. */
export function rebuild(
  folder: string,
  from: JournalPosition,
  note: PendingBatches['note'],
): JournalPosition | undefined {
  let last: JournalPosition | undefined
  for (const file of filesIn(folder)) {
    if (file < from.file) continue
    const path = pathOf(folder, file)
    const bytes = bytesOf(path)
    if (bytes === undefined) continue
    const { records, end } = scan(bytes, 0)
    if (end < bytes.length) checkTail(path, bytes, end)
    for (const record of records)
      if (file > from.file || record.at >= from.offset) note(file, record)
    last = { file, offset: end }
  }
  return last
}

/** Undefined for a file that has been taken over wholly since it was listed. */
function bytesOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function payloadAt(path: string, { offset, length }: Place): Buffer | undefined {
  let opened: number
  try {
    opened = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const payload = Buffer.allocUnsafe(length)
    return readSync(opened, payload, 0, length, offset) === length ? payload : undefined
  } finally {
    closeSync(opened)
  }
}

function recordedOf(batch: NewBatch): RecordedBatch | undefined {
  const { id, endpoint, digest, atMs, form, rows, answers } = batch
  const [live] = answers
  if (live === undefined) return undefined
  const { revision } = live
  const outputs = live.outputs.map((output) => output.map(loggedOf))
  const recorded = { id, endpoint, digest, atMs, revision, rows: rows.length, outputs }
  return form === undefined ? recorded : { ...recorded, form }
}

function loggedOf(value: Value): Logged {
  if (typeof value === 'bigint') return String(value)
  return Array.isArray(value) ? (value as readonly Value[]).map(loggedOf) : (value as Logged)
}
