import type { FastifyInstance } from 'fastify'
import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import type { Logger } from '#base/logger'
import type { Ledger } from '#ledger'
import type { ObjectStore } from '#objects'
import { answerProblems } from '#protocols/api/errors'
import { apiProtocol } from '#protocols/api/index'
import type { SqlStore } from '#stores/sql/index'
import type { Config } from './config.ts'
import { VERSION } from './version.ts'

/** The parts of a running server that protocols are mounted on. */
export interface Parts {
  readonly config: Config
  readonly clock: Clock
  readonly ids: Ids
  readonly logger: Logger
  readonly store: SqlStore
  readonly objects: ObjectStore
  readonly ledger: Ledger
}

/** Every language we speak to the world: a new protocol is a folder and a line here. */
export async function mountProtocols(http: FastifyInstance, parts: Parts): Promise<void> {
  answerProblems(http)
  http.get('/health', async (_, reply) => reply.type('text/plain').send('OK'))
  http.get('/ready', async () => ({ ready: true, entries: await parts.store.read.ledger.size() }))
  await http.register(
    (app) =>
      apiProtocol(app, { version: VERSION, ledger: parts.ledger, onGrowth: parts.store.onCommit }),
    {
      prefix: '/api/v1',
    },
  )
}
