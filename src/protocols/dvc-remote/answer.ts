import type { FastifyReply, FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import { isAmong, rangeIn } from '#base/byte-range'
import type { DataStores, KeptObject } from '#datastores'

/** Answers with an object or the asked part of it, or that the caller's copy is still good. */
export async function sendObject(
  request: FastifyRequest,
  reply: FastifyReply,
  { object, datastores }: { object: KeptObject; datastores: Pick<DataStores, 'openObject'> },
): Promise<FastifyReply> {
  const { digest, sizeBytes, key } = object
  const etag = `"${digest}"`
  void reply
    .header('etag', etag)
    .header('accept-ranges', 'bytes')
    // Under its name there are never other bytes; whoever may read them is asked each time.
    .header('cache-control', 'private, no-cache')
    .header('last-modified', new Date(object.atMs).toUTCString())
    .header('content-disposition', 'attachment')
  if (isAmong(request.headers['if-none-match'], etag)) return reply.code(304).send()
  const condition = request.headers['if-range']
  const asked = condition === undefined || condition === etag ? request.headers.range : undefined
  const range = rangeIn(asked, sizeBytes)
  if (range === 'beyond')
    return reply
      .code(416)
      .header('content-range', `bytes */${sizeBytes}`)
      .send({ detail: `${key} has ${sizeBytes} bytes; ask for a range of these` })
  const isWhole = range === 'whole'
  void reply
    .type('application/octet-stream')
    .header('content-length', isWhole ? sizeBytes : range.end - range.start + 1)
  if (!isWhole)
    void reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${sizeBytes}`)
  // Whoever asks for the head alone must not make the server read the object.
  if (request.method === 'HEAD') return reply.send(Readable.from([]))
  return reply.send(await datastores.openObject(digest, isWhole ? undefined : range))
}
