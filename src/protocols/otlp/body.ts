import { promisify } from 'node:util'
import { gunzip, inflate, inflateRaw, type ZlibOptions } from 'node:zlib'
import { Problem } from '#base/problem'

type Unpack = (packed: Buffer, options: ZlibOptions) => Promise<Buffer>

const WAYS: Readonly<Record<string, readonly Unpack[]>> = {
  gzip: [promisify(gunzip)],
  // Some clients send the bare stream where its frame belongs.
  deflate: [promisify(inflate), promisify(inflateRaw)],
}

/** The body as it was before the client packed it. Throws `limit` when it would be larger than `bytesMax`: a small body can hold gigabytes. */
export async function unpacked(
  body: Buffer,
  encoding: string | undefined,
  bytesMax: number,
): Promise<Buffer> {
  if (encoding === undefined || encoding === '' || encoding === 'identity') return body
  const ways = WAYS[encoding]
  if (ways === undefined)
    throw new Problem('invalid', `Unsupported Content-Encoding: ${encoding}; send gzip or deflate`)
  for (const unpack of ways)
    try {
      return await unpack(body, { maxOutputLength: bytesMax })
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE')
        throw new Problem(
          'limit',
          `the body holds more than ${bytesMax} bytes once it is unpacked; send fewer spans at a time`,
        )
    }
  throw new Problem('invalid', `Failed to decompress ${encoding} payload`)
}
