import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { textOf, type Entry, type Ledger } from '#ledger'
import type { EntryWire } from './ledger-wire.ts'

const EXPORT_PAGE = 500

const ListQuery = Type.Object({
  before: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'Entries before this position; absent starts at the newest.',
    }),
  ),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
  type: Type.Optional(
    Type.Array(Type.String(), {
      description: 'Only these facts; repeat the parameter for several.',
    }),
  ),
})

export function entryToWire(entry: Entry): EntryWire {
  return {
    position: entry.position,
    at: new Date(entry.atMs).toISOString(),
    event: entry.eventMs === undefined ? null : new Date(entry.eventMs).toISOString(),
    actor: entry.actor,
    type: entry.type,
    data: entry.data,
    edges: [...entry.edges],
  }
}

/** The ledger over HTTP: entries newest first, the signed head, and proofs. */
export function ledgerRoutes(app: FastifyInstance, ledger: Ledger): void {
  app.get<{ Querystring: { before?: number; limit: number; type?: string[] } }>(
    '/ledger/entries',
    { schema: { summary: 'List ledger entries, newest first', querystring: ListQuery } },
    async ({ query }) => {
      const entries = await ledger.read.newest({
        limit: query.limit,
        ...(query.before === undefined ? {} : { before: query.before }),
        ...(query.type === undefined ? {} : { types: query.type }),
      })
      const last = entries.at(-1)?.position
      return {
        entries: entries.map(entryToWire),
        next: entries.length === query.limit && last !== undefined && last > 0 ? last : null,
      }
    },
  )
  app.get(
    '/ledger/checkpoint',
    { schema: { summary: 'The signed head of the ledger (C2SP checkpoint)' } },
    async (_, reply) => reply.type('text/plain; charset=utf-8').send(await ledger.checkpoint()),
  )
  app.get<{ Querystring: { after: number } }>(
    '/ledger/export',
    {
      schema: {
        summary:
          'Export entries, oldest first: each line is the exact text that its leaf hash covers',
        querystring: Type.Object({ after: Type.Integer({ minimum: -1, default: -1 }) }),
      },
    },
    async ({ query }, reply) =>
      reply.type('application/jsonl').send(Readable.from(lines(ledger, query.after))),
  )
  app.get<{ Params: { position: number } }>(
    '/ledger/entries/:position/proof',
    {
      schema: {
        summary: 'Prove that an entry is in the ledger (RFC 6962 inclusion proof)',
        params: Type.Object({ position: Type.Integer({ minimum: 0 }) }),
      },
    },
    async ({ params }) => {
      const { entry, ...receipt } = await ledger.prove(params.position)
      return { ...receipt, entry: entryToWire(entry) }
    },
  )
}

/** The entries there are now; those that come meanwhile are for the next export. */
async function* lines(ledger: Ledger, after: number): AsyncGenerator<string> {
  const last = (await ledger.read.size()) - 1
  for (let place = after; place < last;) {
    const page = await ledger.read.list({ after: place, limit: EXPORT_PAGE })
    const entries = page.filter((entry) => entry.position <= last)
    yield entries.map((entry) => `${textOf(entry)}\n`).join('')
    place = entries.at(-1)?.position ?? last
  }
}
