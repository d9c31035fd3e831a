import type { FastifyInstance } from 'fastify'
import { answerProblems } from '#protocols/api/errors'
import { apiProtocol } from '#protocols/api/index'
import type { Parts } from './features.ts'
import { VERSION } from './version.ts'

/** Every language we speak to the world: a new protocol is a folder and a line here. */
export async function mountProtocols(http: FastifyInstance, parts: Parts): Promise<void> {
  answerProblems(http)
  http.get('/health', async (_, reply) => reply.type('text/plain').send('OK'))
  http.get('/ready', async () => ({ ready: true, entries: await parts.store.read.ledger.size() }))
  await http.register(
    (app) => apiProtocol(app, { ...parts, version: VERSION, onGrowth: parts.store.onGrowth }),
    { prefix: '/api/v1' },
  )
}
