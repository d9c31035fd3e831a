import { createHash, hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { MIB, unixLines } from '../legacy-hash.ts'

/** Read at once; DVC 2 looks at each of these by itself. */
const room = Buffer.allocUnsafeSlow(MIB)

/** The MD5 of what an open file holds from here on; `each` sees the bytes as they pass. */
export function digestOpen(
  file: number,
  { legacy, each }: { legacy: boolean; each?: (bytes: Buffer) => void },
): string {
  let bytes = next(file)
  if (bytes.length < MIB) {
    each?.(bytes)
    return hash('md5', legacy ? unixLines(bytes) : bytes)
  }
  const digest = createHash('md5')
  for (; bytes.length > 0; bytes = next(file)) {
    each?.(bytes)
    digest.update(legacy ? unixLines(bytes) : bytes)
  }
  return digest.digest('hex')
}

/** The next MiB, less only where the file ends. */
function next(file: number): Buffer {
  let length = 0
  while (length < MIB) {
    const read = readSync(file, room, length, MIB - length, null)
    if (read === 0) break
    length += read
  }
  return room.subarray(0, length)
}
