import type { FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'
import { messageOf, Problem } from '#base/problem'
import type { Arriving } from '#datastores'

/** Nobody rests so long in the midst of an upload. */
const SILENCE_MS_MAX = 60_000
/** So much of a refused upload is still read, that its sender comes to read the answer. */
const REST_BYTES_MAX = 64 << 20

/** Gives the bytes of an upload to `work`. What broke off or rests is told as that, and of what is refused the rest is let go. */
export async function received<T>(
  request: FastifyRequest,
  silenceMs: number | undefined,
  work: (arriving: Arriving) => Promise<T>,
): Promise<T> {
  const { raw } = request
  const length = Number(raw.headers['content-length'] ?? Number.NaN)
  const limitMs = silenceMs ?? SILENCE_MS_MAX
  raw.setTimeout(limitMs, () => {
    raw.destroy(new Problem('timeout', `nothing came for ${limitMs} ms; push again`))
  })
  try {
    return await work({
      bytes: raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>,
      sizeBytes: Number.isSafeInteger(length) ? length : undefined,
    })
  } catch (error) {
    if (error instanceof Problem || raw.complete) throw error
    throw new Problem('invalid', `the upload broke off (${messageOf(error)}); push again`)
  } finally {
    raw.setTimeout(0)
    if (!raw.complete) letGo(raw)
  }
}

function letGo(raw: IncomingMessage): void {
  let sizeBytes = 0
  raw.on('error', () => undefined)
  raw.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length
    if (sizeBytes > REST_BYTES_MAX) raw.destroy()
  })
}
