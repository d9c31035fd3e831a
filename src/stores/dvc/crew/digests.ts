import { createHash, hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { MIB, unixLines } from '../legacy-hash.ts'
import { countMib } from './passing.ts'

/** Read at once; DVC 2 looks at each of these by itself. */
const room = Buffer.allocUnsafeSlow(MIB)

export interface Digesting {
  readonly legacy: boolean
  /** Sees the bytes as they pass. */
  readonly each?: (bytes: Buffer) => void
  /** How long the file is, if whoever asks makes sure afterwards that it still is: its end is not looked for then. */
  readonly sizeBytes?: number | undefined
  /** What the digest should be: bytes that have it are all of the file, and its end is not looked for. */
  readonly md5?: string | undefined
  /** So many of its bytes `readStart` has read already. */
  readonly started?: number
}

/** Reads what one call gives of an open file, to look at it before its digest is taken. */
export function readStart(file: number): number {
  return readSync(file, room, 0, MIB, null)
}

/** Passes on so many bytes of an open file, or all where it has less. */
export function passOpen(file: number, sizeBytes: number, each: (bytes: Buffer) => void): void {
  for (let left = sizeBytes; left > 0;) {
    const read = readSync(file, room, 0, Math.min(left, MIB), null)
    if (read === 0) return
    each(room.subarray(0, read))
    left -= read
  }
}

/** The MD5 of what an open file holds from here on. */
export function digestOpen(file: number, how: Digesting): string {
  const { legacy, each } = how
  const read = how.started ?? readStart(file)
  const small = wholeAt(read, how)
  if (small !== undefined) {
    each?.(room.subarray(0, read))
    return small
  }
  let bytes = filled(file, read)
  if (bytes.length < MIB) {
    each?.(bytes)
    return digested(bytes, legacy)
  }
  const digest = createHash('md5')
  for (; bytes.length > 0; bytes = filled(file, 0)) {
    each?.(bytes)
    digest.update(legacy ? unixLines(bytes) : bytes)
    countMib()
  }
  return digest.digest('hex')
}

/** The digest of what one call read, if that is known to be the whole file. */
function wholeAt(length: number, { legacy, sizeBytes, md5 }: Digesting): string | undefined {
  if (length === MIB) return undefined
  if (length === 0 || length === sizeBytes) return digested(room.subarray(0, length), legacy)
  if (md5 === undefined) return undefined
  const found = digested(room.subarray(0, length), legacy)
  return found === md5 ? found : undefined
}

function digested(bytes: Buffer, legacy: boolean): string {
  return hash('md5', legacy ? unixLines(bytes) : bytes)
}

/** The next MiB, of which some bytes are there already; less only where the file ends. */
function filled(file: number, there: number): Buffer {
  let length = there
  while (length < MIB) {
    const read = readSync(file, room, length, MIB - length, null)
    if (read === 0) break
    length += read
  }
  return room.subarray(0, length)
}
