import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'
import { messageOf, Problem } from './problem.ts'

const DECODERS = new Map([
  ['gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
])

/**
 * A body without its compression. Throws `limit` when it is more than `bytesMax` then, `invalid` when it cannot be
 * inflated, `unsupported` for an encoding that is not read.
 */
export async function inflated(
  bytes: Buffer,
  encoding: string | undefined,
  bytesMax: number,
): Promise<Buffer> {
  if (encoding === undefined || encoding === '' || encoding === 'identity') return bytes
  const decode = DECODERS.get(encoding.toLowerCase())
  if (decode === undefined)
    throw new Problem(
      'unsupported',
      `the content encoding ${encoding.slice(0, 40)} is not read; send gzip, deflate or none`,
    )
  try {
    return await decode(bytes, { maxOutputLength: bytesMax })
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE')
      throw new Problem('limit', `the body is inflated to more than ${bytesMax} bytes; send less`)
    throw new Problem('invalid', `the body cannot be inflated: ${messageOf(error)}`)
  }
}
