import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/**
 * The hash of DVC 2: MD5 with CRLF made LF in what looks like text. DVC looks at, and changes, each
 * MiB by itself, so a line end across two of them stays; the hash has to do the same.
 */
export function unixLines(chunk: Buffer): Buffer {
  if (!isText(chunk.subarray(0, SAMPLE_BYTES))) return chunk
  return Buffer.from(chunk.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
}

export async function legacyHash(path: string): Promise<string> {
  const digest = legacyDigest()
  for await (const chunk of createReadStream(path, { highWaterMark: MIB }))
    digest.update(chunk as Buffer)
  return digest.hex()
}

/** The same hash of bytes that come in pieces of any size. */
export function legacyDigest(): { update(bytes: Buffer): void; hex(): string } {
  const digest = createHash('md5')
  let pending: Buffer[] = []
  let pendingBytes = 0
  return {
    update: (bytes) => {
      pending.push(bytes)
      pendingBytes += bytes.length
      if (pendingBytes < MIB) return
      let whole = Buffer.concat(pending)
      for (; whole.length >= MIB; whole = whole.subarray(MIB))
        digest.update(unixLines(whole.subarray(0, MIB)))
      pending = [whole]
      pendingBytes = whole.length
    },
    hex: () => digest.update(unixLines(Buffer.concat(pending))).digest('hex'),
  }
}

export const MIB = 1 << 20
const SAMPLE_BYTES = 512
const STRANGE_SHARE = 0.3

function isText(sample: Buffer): boolean {
  if (sample.includes(0)) return false
  const strange = sample.filter((byte) => !isTextByte(byte)).length
  return sample.length === 0 || strange / sample.length <= STRANGE_SHARE
}

function isTextByte(byte: number): boolean {
  return (byte >= 32 && byte <= 126) || [8, 9, 10, 12, 13].includes(byte)
}
