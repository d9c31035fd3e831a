import type { FastifyReply } from 'fastify'
import { promisify } from 'node:util'
import { deflate, gzip } from 'node:zlib'

/** Smaller answers gain nothing from being compressed. */
const COMPRESSED_BYTES_MIN = 4096

const DEFLATERS = { gzip, deflate } as const

/** An answer as its caller accepts it; sets the headers that say so. */
export async function compressed(
  body: string | Buffer,
  accepted: string | undefined,
  reply: FastifyReply,
): Promise<string | Buffer> {
  if (accepted === undefined || body.length < COMPRESSED_BYTES_MIN) return body
  const wanted = new Set(
    accepted
      .toLowerCase()
      .split(',')
      .filter((each) => !/;\s*q=0(\.0*)?\s*$/.test(each))
      .map((each) => each.split(';', 1)[0]?.trim()),
  )
  const name = (['gzip', 'deflate'] as const).find((each) => wanted.has(each))
  if (name === undefined) return body
  void reply.header('content-encoding', name).header('vary', 'accept-encoding')
  return promisify<string | Buffer, { level: number }, Buffer>(DEFLATERS[name])(body, { level: 1 })
}
