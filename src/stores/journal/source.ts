import { closeSync, fstatSync, mkdirSync, openSync, readSync, rmSync, statSync } from 'node:fs'
import type { JournalEntries, JournalPosition, JournalSource } from '#inference'
import { decoder, isBatch } from './codec.ts'
import { filesIn, pathOf } from './files.ts'
import { HEADER_BYTES, recordAt } from './records.ts'
import { checkTail, scan } from './scan.ts'
import { skimmer } from './skim.ts'

/** Bytes that are read at a time; a longer record is read whole. */
const PIECE_BYTES = 1 << 20

/** Reads a journal that another process writes at the same time. */
export function openSource(folder: string): JournalSource {
  const decode = decoder()
  const skim = skimmer()
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return {
    end: () => {
      const last = filesIn(folder).at(-1)
      return last === undefined
        ? { file: 0, offset: 0 }
        : { file: last, offset: statSync(pathOf(folder, last)).size }
    },
    read: (from) => {
      const files = filesIn(folder)
      const file = files.find((each) => each >= from.file)
      if (file === undefined) return { entries: [], next: from }
      const offset = file === from.file ? from.offset : 0
      const isLast = file === files.at(-1)
      const found = entriesIn(pathOf(folder, file), { file, offset }, { ...decode, skim })
      if (found.next.offset > offset) return found
      checkRest(pathOf(folder, file), offset)
      // Without a newer file its writer may be about to add to this one.
      if (isLast) return found
      return { entries: [], next: { file: file + 1, offset: 0 } }
    },
    batchIn: (record) => decode.batchIn(bufferOf(record)),
    outlineIn: (record) => skim.outline(bufferOf(record)),
    numbersIn: (record) => skim.numbers(bufferOf(record)),
    release: (before) => {
      const files = filesIn(folder)
      for (const file of files)
        if (file < before.file && file !== files.at(-1))
          rmSync(pathOf(folder, file), { force: true })
    },
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function entriesIn(
  path: string,
  from: JournalPosition,
  {
    eventIn,
    skim,
  }: Pick<ReturnType<typeof decoder>, 'eventIn'> & { skim: ReturnType<typeof skimmer> },
): JournalEntries {
  const piece = pieceAt(path, from.offset)
  const { records, end } = scan(piece, 0)
  const entries = records.flatMap(({ payload }): JournalEntries['entries'] => {
    if (isBatch(payload)) return [{ kind: 'batch', batch: skim.outline(payload), record: payload }]
    const event = eventIn(payload)
    return event.kind === 'synced' ? [] : [event]
  })
  return { entries, next: { file: from.file, offset: from.offset + end } }
}

/** Bytes from an offset on, with one whole record at least if there is one. */
function pieceAt(path: string, offset: number): Buffer {
  const opened = openSync(path, 'r')
  try {
    const piece = bytesAt(opened, offset, PIECE_BYTES)
    if (piece.length < PIECE_BYTES || recordAt(piece, 0).is !== 'short') return piece
    return bytesAt(opened, offset, HEADER_BYTES + piece.readUInt32LE(0))
  } finally {
    closeSync(opened)
  }
}

function bytesAt(opened: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, fstatSync(opened).size - offset)))
  let read = 0
  while (read < bytes.length) {
    const more = readSync(opened, bytes, read, bytes.length - read, offset + read)
    if (more === 0) break
    read += more
  }
  return bytes.subarray(0, read)
}

function checkRest(path: string, offset: number): void {
  const opened = openSync(path, 'r')
  try {
    const { size } = fstatSync(opened)
    if (size > offset) checkTail(path, bytesAt(opened, 0, size), offset)
  } finally {
    closeSync(opened)
  }
}
