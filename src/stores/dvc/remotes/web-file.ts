import type { IncomingHttpHeaders } from 'node:http'
import { pipeline, Readable, type Duplex } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { messageOf, Problem } from '#base/problem'
import { asked, refusal, serverAt } from './http.ts'
import type { RemoteOptions } from './s3.ts'
import { Passing, persistently, type Incoming } from './transport.ts'

/** A file of a web server: what the server says of it, and its bytes. */
export interface WebFile {
  readonly headers: IncomingHttpHeaders
  read(): Promise<Incoming>
}

/** With the login and the certificates of a remote's options; throws a `Problem` where the server does not give it. */
export async function webFile(address: string, options: RemoteOptions): Promise<WebFile> {
  const url = new URL(address)
  const server = serverAt(address, options)
  url.username = ''
  url.password = ''
  const ask = async (method: 'HEAD' | 'GET') =>
    persistently(async () => {
      const headers = { 'accept-encoding': 'identity' }
      const answer = await asked(server, { method, url, headers })
      const status = answer.statusCode ?? 0
      if (status === 200) return answer
      // Some servers answer only who fetches.
      if (method === 'HEAD' && status !== 401 && status < 500) return answer.destroy()
      answer.destroy()
      if (status === 404 || status === 410)
        throw new Problem('not-found', `${url.href} answers ${status}; check the address`)
      throw refusal({ where: url.href }, answer, '')
    }).catch((error: unknown) => {
      throw error instanceof Passing ? new Problem('unavailable', messageOf(error)) : error
    })
  const head = await ask('HEAD')
  const told = head.statusCode === 200 ? head : await ask('GET')
  told.destroy()
  return {
    headers: told.headers,
    read: async () => {
      const bytes = await ask('GET')
      const { 'content-length': length, 'content-encoding': packed = '' } = bytes.headers
      const came = Readable.from(whole(bytes, url.href))
      // Some have only packed bytes of a file, whatever they are asked for.
      const unpack = UNPACKED[packed.toLowerCase()]?.()
      if (unpack !== undefined)
        return { bytes: pipeline(came, unpack, () => undefined), sizeBytes: undefined }
      return { bytes: came, sizeBytes: length === undefined ? undefined : Number(length) }
    },
  }
}

const UNPACKED: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

async function* whole(bytes: AsyncIterable<Uint8Array>, where: string): AsyncIterable<Uint8Array> {
  let sizeBytes = 0
  try {
    for await (const chunk of bytes) {
      sizeBytes += chunk.length
      yield chunk
    }
  } catch (error) {
    throw new Problem(
      'unavailable',
      `the transfer from ${where} broke off after ${sizeBytes} bytes (${messageOf(error)}); run it again`,
    )
  }
}
