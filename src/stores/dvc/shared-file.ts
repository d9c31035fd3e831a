import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** What a file holds, in memory that all threads read. Undefined where it is missing, or changes while it is read. */
export function readShared(file: string): SharedArrayBuffer | undefined {
  try {
    const open = openSync(file, 'r')
    try {
      const bytes = new SharedArrayBuffer(fstatSync(open).size)
      const all = new Uint8Array(bytes)
      for (let at = 0; at < all.length;) {
        const read = readSync(open, all, at, all.length - at, null)
        if (read === 0) return undefined
        at += read
      }
      return bytes
    } finally {
      closeSync(open)
    }
  } catch {
    return undefined
  }
}
