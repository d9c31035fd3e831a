import type { FastifyInstance, FastifyRequest } from 'fastify'
import { inflated } from '#base/inflate'
import { messageOf, Problem } from '#base/problem'
import type { PredictionRequest } from '#inference'
import { BadRequest, UnsupportedType } from './errors.ts'
import { jsonScoring, type Scoring } from './forms.ts'
import { csvIn, parquetRows, type BinaryColumns } from './tables.ts'

/** Has the bodies of all requests read as bytes, inflated where they were compressed. */
export function takeBytes(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) =>
      plain(body, request.headers['content-encoding'], app.initialConfig.bodyLimit ?? body.length),
  )
}

async function plain(
  body: Buffer,
  encoding: string | undefined,
  bytesMax: number,
): Promise<Buffer> {
  try {
    return await inflated(body, encoding, bytesMax)
  } catch (error) {
    if (error instanceof Problem && error.code === 'unsupported')
      throw new UnsupportedType(error.message)
    throw new BadRequest(messageOf(error))
  }
}

/** Reads a body by its Content-Type. Throws `BadRequest` or `UnsupportedType`. */
export function scoringIn(
  contentType: string | undefined,
  body: unknown,
  binaryColumns: BinaryColumns,
): Scoring | Promise<Scoring> {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  switch (mediaTypeIn(contentType)) {
    case 'application/json':
      return jsonScoring(bytes)
    case 'text/csv':
      return { input: csvTable(bytes), answer: 'records' }
    case 'application/vnd.apache.parquet':
      return parquetRows(bytes, binaryColumns).then((input) => ({ input, answer: 'records' }))
    default:
      throw new UnsupportedType(
        `This predictor only supports the content types application/json, text/csv and application/vnd.apache.parquet. Got '${contentType ?? 'none'}'.`,
      )
  }
}

function mediaTypeIn(contentType: string | undefined): string {
  // What nearly all clients send needs no taking apart.
  if (contentType === 'application/json') return contentType
  const [type = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim())
  for (const parameter of parameters) {
    if (/^charset="?utf-?8"?$/i.test(parameter)) continue
    throw new UnsupportedType(
      /^charset=/i.test(parameter)
        ? 'The scoring server only supports UTF-8'
        : `Unrecognized content type parameters: ${parameter.slice(0, 100)}`,
    )
  }
  return type.toLowerCase()
}

function csvTable(bytes: Buffer): PredictionRequest['input'] {
  const [columns, ...rows] = csvIn(bytes)
  if (columns === undefined) throw new BadRequest('the input has no line of column names')
  return { form: 'texts', columns, rows }
}
