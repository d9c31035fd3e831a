import { promisify } from 'node:util'
import { gunzip, inflate, inflateRaw, type ZlibOptions } from 'node:zlib'
import { messageOf, Problem } from './problem.ts'

type Decode = (packed: Buffer, options: ZlibOptions) => Promise<Buffer>

/** How each encoding is read: the ways are tried in their order. */
const DECODERS = new Map<string, readonly [Decode, ...Decode[]]>([
  ['gzip', [promisify(gunzip)]],
  // Some clients send the bare stream where its frame belongs.
  ['deflate', [promisify(inflate), promisify(inflateRaw)]],
])

/**
 * A body without its compression. Throws `limit` when it is more than `bytesMax` then: a small body can hold gigabytes.
 * Throws `invalid` when it cannot be inflated, and what `unread` says for an encoding that is not read.
 */
export async function inflated(
  bytes: Buffer,
  encoding: string | undefined,
  bytesMax: number,
  unread: 'unsupported' | 'invalid' = 'unsupported',
): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity') return bytes
  const ways = DECODERS.get(name)
  if (ways === undefined)
    throw new Problem(
      unread,
      `the content encoding ${name.slice(0, 40)} is not read; send gzip, deflate or none`,
    )
  let reason = ''
  for (const decode of ways)
    try {
      return await decode(bytes, { maxOutputLength: bytesMax })
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE')
        throw new Problem(
          'limit',
          `the body is inflated to more than ${bytesMax} bytes; send less at once`,
        )
      reason ||= messageOf(error)
    }
  throw new Problem('invalid', `the body cannot be inflated: ${reason}`)
}
