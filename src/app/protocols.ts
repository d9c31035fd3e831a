import type { FastifyInstance } from 'fastify'
import { answerProblems } from '#protocols/api/errors'
import { apiProtocol } from '#protocols/api/index'
import type { Parts } from './features.ts'
import { VERSION } from './version.ts'
import { mountWeb } from './web.ts'

/** Every language we speak to the world: a new protocol is a folder and a line here. */
export async function mountProtocols(http: FastifyInstance, parts: Parts): Promise<void> {
  answerProblems(http)
  // Before all others, because it learns from their routes which paths are not the page's.
  await mountWeb(http)
  http.get('/health', async (_, reply) => reply.type('text/plain').send('OK'))
  http.get('/ready', async () => ({ ready: true, entries: await parts.store.read.ledger.size() }))
  await http.register(
    (app) => apiProtocol(app, { ...parts, version: VERSION, onGrowth: parts.store.onGrowth }),
    { prefix: '/api/v1' },
  )
}
