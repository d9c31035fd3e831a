import { promisify } from 'node:util'
import { deflate, gzip } from 'node:zlib'

/** Smaller answers gain nothing from being compressed. */
const COMPRESSED_BYTES_MIN = 4096

const DEFLATERS = { gzip, deflate } as const

export function isCompressible(body: string | Buffer): boolean {
  return body.length >= COMPRESSED_BYTES_MIN
}

/** An answer as its caller accepts it, and how it is compressed. */
export async function compressed(
  body: string | Buffer,
  accepted: string,
): Promise<{ body: string | Buffer; encoding?: keyof typeof DEFLATERS }> {
  const wanted = new Set(
    accepted
      .toLowerCase()
      .split(',')
      .filter((each) => !/;\s*q=0(\.0*)?\s*$/.test(each))
      .map((each) => each.split(';', 1)[0]?.trim()),
  )
  const name = (['gzip', 'deflate'] as const).find((each) => wanted.has(each))
  if (name === undefined) return { body }
  const deflated = promisify<string | Buffer, { level: number }, Buffer>(DEFLATERS[name])
  return { body: await deflated(body, { level: 1 }), encoding: name }
}
