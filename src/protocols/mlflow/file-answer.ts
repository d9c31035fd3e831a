import type { FastifyReply, FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import { isAmong, rangeIn } from '#base/byte-range'
import type { FolderFile } from '#tracking'
import { mediaTypeOf } from './media-type.ts'

/**
 * Answers with a file or the asked part of it, or that the caller's copy is still good. Uploaded bytes are only ever
 * handed out as attachments, so that no page of them runs here.
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: FolderFile,
): Promise<FastifyReply> {
  const etag = `"${file.version}"`
  const name = file.path.split('/').at(-1) ?? ''
  void reply
    .header('etag', etag)
    .header('accept-ranges', 'bytes')
    // The same path may hold other bytes tomorrow.
    .header('cache-control', 'private, no-cache')
    .header('content-disposition', `attachment; filename*=UTF-8''${encoded(name)}`)
    .header('x-content-type-options', 'nosniff')
  if (isAmong(request.headers['if-none-match'], etag)) return reply.code(304).send()
  void reply.type(mediaTypeOf(name))

  const condition = request.headers['if-range']
  const asked = condition === undefined || condition === etag ? request.headers.range : undefined
  const range = rangeIn(asked, file.sizeBytes)
  if (range === 'beyond')
    return reply
      .code(416)
      .type('application/json')
      .header('content-range', `bytes */${file.sizeBytes}`)
      .send({
        error_code: 'INVALID_PARAMETER_VALUE',
        message: `${file.path} has ${file.sizeBytes} bytes; ask for a range of these`,
      })
  const isWhole = range === 'whole'
  void reply.header('content-length', isWhole ? file.sizeBytes : range.end - range.start + 1)
  if (!isWhole)
    void reply
      .code(206)
      .header('content-range', `bytes ${range.start}-${range.end}/${file.sizeBytes}`)
  // Whoever asks for the head alone must not make the server read the file.
  if (request.method === 'HEAD') return reply.send(Readable.from([]))
  return reply.send(await file.open(isWhole ? undefined : range))
}

/** As headers want it: a name may hold a half of a pair, which cannot be encoded. */
function encoded(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replaceAll("'", '%27')
}
