import { createHash, hash as hashOf, type BinaryLike } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** SHA-256 of some bytes, 64 lower-case hex digits. */
export function sha256(bytes: BinaryLike): string {
  return hashOf('sha256', bytes, 'hex')
}

/** Digest of a file's bytes, read as a stream. Rejects with the file system's own error. */
export async function digestFile(path: string, algorithm: 'sha256' | 'md5'): Promise<string> {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
    hash.update(chunk as Buffer)
  return hash.digest('hex')
}
