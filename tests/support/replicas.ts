import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, spawnServer, type ServerProcess } from './process.ts'

/** Real servers on one database, each with a home and a port that it keeps, and what stands before them. */
export interface Fleet {
  /** Where clients go: each request to the next server. */
  readonly url: string
  readonly servers: readonly Replica[]
  stop(): Promise<void>
}

export interface Replica {
  readonly url: string
  readonly home: string
  /** Ends it at once, or asks it to stop. */
  end(how: 'kill' | 'stop'): Promise<void>
  /** Starts it again on its home and its port. */
  start(environment?: Readonly<Record<string, string>>): Promise<void>
  readonly process: ServerProcess
}

export async function startFleet(
  size: number,
  environment: Readonly<Record<string, string>>,
): Promise<Fleet> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-fleet-'))
  const shared = { ORRERY_KEYS: join(folder, 'keys'), ORRERY_LOG_LEVEL: 'error', ...environment }
  const servers = await Promise.all(
    Array.from({ length: size }, (_, index) => startReplica(join(folder, `home-${index}`), shared)),
  )
  const balancer = await startBalancer(servers.map(({ url }) => url))
  return {
    url: balancer.url,
    servers,
    stop: async () => {
      await balancer.stop()
      for (const server of servers) await server.process.family.end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function startReplica(
  home: string,
  shared: Readonly<Record<string, string>>,
): Promise<Replica> {
  const port = await freePort()
  let running = await spawnServer({ home, port, environment: shared })
  return {
    home,
    url: running.url,
    get process() {
      return running
    },
    end: async (how) => {
      await (how === 'kill' ? running.kill() : running.stop())
    },
    start: async (environment = {}) => {
      running = await spawnServer({ home, port, environment: { ...shared, ...environment } })
    },
  }
}

/** Sends each request to the next of the servers, and on to the one after it when nobody listens there, as nginx does. */
async function startBalancer(
  servers: readonly string[],
): Promise<{ url: string; stop(): Promise<void> }> {
  let turn = 0
  const balancer = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const first = turn++
      const order = servers.map((_, index) => servers[(first + index) % servers.length] as string)
      void pass(request, response, { body: Buffer.concat(chunks), order })
    })
  })
  await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`,
    stop: async () => {
      balancer.closeAllConnections()
      await new Promise((resolve) => balancer.close(resolve))
    },
  }
}

async function pass(
  request: IncomingMessage,
  response: ServerResponse,
  { body, order }: { body: Buffer; order: readonly string[] },
): Promise<void> {
  for (const server of order) {
    try {
      const answer = await answerOf(new URL(request.url ?? '/', server), request, body)
      response.writeHead(answer.status, answer.headers).end(answer.body)
      return
    } catch (error) {
      if ((error as { code?: string }).code === 'ECONNREFUSED') continue
      break
    }
  }
  response.writeHead(502).end('the server was lost')
}

function answerOf(
  target: URL,
  { method = 'GET', headers }: IncomingMessage,
  body: Buffer,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = ask(target, { method, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.once('error', reject)
      answer.once('end', () => {
        const { 'transfer-encoding': _, ...rest } = answer.headers
        resolve({ status: answer.statusCode ?? 502, headers: rest, body: Buffer.concat(chunks) })
      })
    })
    asked.once('error', reject)
    asked.end(body)
  })
}
