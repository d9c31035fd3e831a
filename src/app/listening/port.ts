import type { FastifyInstance } from 'fastify'
import { createServer } from 'node:net'
import { messageOf, Problem } from '#base/problem'
import type { Config } from '../settings/config.ts'

/** Throws `conflict` for a port that is taken, before anything else has been begun. */
export async function assertPortIsFree(config: Config): Promise<void> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error) => reject(cannotListen(config, error)))
    probe.listen({ host: config.host, port: config.port }, resolve)
  })
  await new Promise((resolve) => probe.close(resolve))
}

export async function listen(http: FastifyInstance, config: Config): Promise<void> {
  const { host, port } = config
  try {
    await http.listen({ host, port })
  } catch (error) {
    throw cannotListen(config, error)
  }
}

function cannotListen({ host, port }: Config, error: unknown): Problem {
  return new Problem(
    'conflict',
    `cannot listen on ${host} port ${port} (${messageOf(error)}); choose another --port, or 0 for a free one`,
  )
}

export async function drain(http: FastifyInstance, drainMs: number): Promise<void> {
  const late = setTimeout(() => http.server.closeAllConnections(), drainMs)
  await http.close()
  clearTimeout(late)
}

export function addressOf(http: FastifyInstance, host: string): string {
  const address = http.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
