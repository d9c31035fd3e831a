import type { FastifyReply } from 'fastify'
import { promisify } from 'node:util'
import { deflate, gunzip, gzip, inflate } from 'node:zlib'
import { messageOf, Problem } from '#base/problem'

/** Smaller answers gain nothing from being compressed. */
const COMPRESSED_BYTES_MIN = 4096

const INFLATERS = { gzip: gunzip, deflate: inflate } as const
const DEFLATERS = { gzip, deflate } as const

/** A body as it was before it was compressed, if that is no longer than `bytesMax`. */
export async function inflated(
  body: Buffer,
  encoding: string | undefined,
  bytesMax: number,
): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? 'identity'
  if (name === 'identity' || name === '') return body
  if (name !== 'gzip' && name !== 'deflate')
    throw new Problem('invalid', `the body is encoded as ${name}; send gzip, deflate or plain`)
  try {
    return await promisify<Buffer, { maxOutputLength: number }, Buffer>(INFLATERS[name])(body, {
      maxOutputLength: bytesMax,
    })
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE')
      throw new Problem(
        'limit',
        `the body inflates to more than ${bytesMax} bytes; send less at once`,
      )
    throw new Problem('invalid', `the body cannot be inflated: ${messageOf(error)}`)
  }
}

export async function compressed(
  body: Buffer,
  accepted: string | undefined,
  reply: FastifyReply,
): Promise<Buffer> {
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
  return promisify<Buffer, { level: number }, Buffer>(DEFLATERS[name])(body, { level: 1 })
}
