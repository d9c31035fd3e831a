import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A request as a receiver of webhooks got it. */
export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Receiver {
  readonly url: string
  readonly received: readonly Received[]
  /** What it got, once that is so much. */
  until(count: number): Promise<readonly Received[]>
  /** How it answers from now on; undefined is never. */
  answer(
    with_: { status: number; headers?: Record<string, string>; body?: string } | undefined,
  ): void
  stop(): Promise<void>
}

const PATIENCE_MS = 20_000

/** An HTTP server on loopback that keeps what it is sent. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = []
  let answer: Parameters<Receiver['answer']>[0] = { status: 200 }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      received.push({ path: request.url ?? '', headers: request.headers, body })
      if (answer !== undefined) response.writeHead(answer.status, answer.headers).end(answer.body)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    until: async (count) => {
      for (const deadline = performance.now() + PATIENCE_MS; received.length < count;) {
        if (performance.now() > deadline)
          throw new Error(`${received.length} of ${count} messages came`)
        await sleep(10)
      }
      return received
    },
    answer: (given) => {
      answer = given
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}
