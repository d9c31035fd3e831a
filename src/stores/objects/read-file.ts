import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { passedBytes } from '#base/young-memory'

/** Smaller pieces cost a system call and a buffer each; larger ones win nothing more. */
const READ_BYTES = 1 << 20

interface Range {
  readonly start: number
  /** Inclusive. */
  readonly end?: number
}

/** Reads a file, or a part of it, as a stream of large pieces. */
export function readFile(path: string, range: Range = { start: 0 }): Readable {
  return Readable.from(pieces(path, range), { objectMode: false, highWaterMark: READ_BYTES })
}

/** Opens the file with the first piece, for a stream that is given up before never ends what it began. */
async function* pieces(
  path: string,
  { start, end = Number.MAX_SAFE_INTEGER }: Range,
): AsyncGenerator<Buffer> {
  const file = await open(path)
  const passed = passedBytes()
  try {
    for (let at = start; at <= end;) {
      const piece = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end - at + 1))
      const { bytesRead } = await file.read(piece, 0, piece.length, at)
      if (bytesRead === 0) return
      at += bytesRead
      passed(bytesRead)
      yield piece.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
