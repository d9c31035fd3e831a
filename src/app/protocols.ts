import type { FastifyInstance } from 'fastify'
import { Problem } from '#base/problem'
import { answerProblems } from '#protocols/api/errors'
import { apiProtocol, type ApiParts } from '#protocols/api/index'
import { mlflowProtocol } from '#protocols/mlflow/index'
import type { Parts } from './features.ts'
import { VERSION } from './version.ts'
import { mountWeb } from './web.ts'

/** On loopback without login everybody is the one local user. */
const LOCAL_USER = { kind: 'user', id: 'local' } as const

/** Every language we speak to the world: a new protocol is a folder and a line here. */
export async function mountProtocols(http: FastifyInstance, parts: Parts): Promise<void> {
  answerProblems(http)
  // Before all others, because it learns from their routes which paths are not the page's.
  await mountWeb(http)
  http.get('/health', async (_, reply) => reply.type('text/plain').send('OK'))
  http.get('/ready', async () => ({ ready: true, entries: await parts.store.read.ledger.size() }))
  await http.register((app) => apiProtocol(app, apiPartsOf(parts)), { prefix: '/api/v1' })
  await mlflowProtocol(http, { ...parts, actor: LOCAL_USER })
}

function apiPartsOf(parts: Parts): ApiParts {
  return {
    ...parts,
    version: VERSION,
    onGrowth: parts.store.onGrowth,
    policyRuns: parts.store.read.automation,
    tracedPrediction: async (id) => {
      throw new Problem('not-found', `there is no prediction ${id}`)
    },
  }
}
