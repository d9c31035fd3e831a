import { connect, constants, type ClientHttp2Session } from 'node:http2'
import type { Asked } from './asked.ts'

const HEADERS = {
  [constants.HTTP2_HEADER_METHOD]: 'POST',
  [constants.HTTP2_HEADER_PATH]: '/inference.GRPCInferenceService/ModelInfer',
  [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
  [constants.HTTP2_HEADER_TE]: 'trailers',
}

/** Asks over one connection with so many calls open at a time, as clients of gRPC do. */
export async function askOverGrpc(
  { url, bodies, callers }: Asked,
  { isOver, note }: { isOver: () => boolean; note: (tookMs: number) => void },
): Promise<void> {
  const session = connect(url)
  // Each open call fails with it, and says so.
  session.on('error', () => undefined)
  try {
    await Promise.all(
      Array.from({ length: callers }, async (_, caller) => {
        for (let asked = caller; !isOver(); asked += 1) {
          const sentMs = performance.now()
          await call(session, bodies[asked % bodies.length] as Buffer)
          note(performance.now() - sentMs)
        }
      }),
    )
  } finally {
    session.destroy()
  }
}

function call(session: ClientHttp2Session, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request(HEADERS)
    let bytes = 0
    let status: unknown
    stream.on('response', (headers) => (status = headers['grpc-status']))
    stream.on('trailers', (headers) => (status = headers['grpc-status']))
    stream.on('data', (chunk: Buffer) => (bytes += chunk.length))
    stream.on('error', reject)
    stream.on('close', () => {
      if (bytes > 0 && String(status) === '0') resolve()
      else reject(new Error(`gRPC was answered with ${String(status)}`))
    })
    stream.end(body)
  })
}
