import type { FastifyInstance } from 'fastify'
import type { OutgoingHttpHeaders } from 'node:http'
import { Type } from 'typebox'
import type { Ledger } from '#ledger'
import { entryToWire } from './ledger.ts'

const PAGE = 200
const KEEP_ALIVE_MS = 15_000

/** New ledger entries as server-sent events; `Last-Event-ID` or `after` resumes where a reader stopped. */
export function eventRoutes(
  app: FastifyInstance,
  { ledger, onGrowth }: { ledger: Ledger; onGrowth(listener: () => void): () => void },
): void {
  const open = new Set<{ end(): unknown }>()
  // A page that follows for ever must not hold up a server that stops.
  app.addHook('preClose', async () => {
    for (const stream of open) stream.end()
  })
  app.get<{ Querystring: { after?: number } }>(
    '/events',
    {
      schema: {
        summary: 'Follow the ledger live (server-sent events)',
        querystring: Type.Object({ after: Type.Optional(Type.Integer({ minimum: -1 })) }),
      },
    },
    async (request, reply) => {
      const resumed = Number(request.headers['last-event-id'] ?? request.query.after ?? Number.NaN)
      let after = Number.isInteger(resumed) ? resumed : (await ledger.read.size()) - 1
      const { raw } = reply.hijack()
      raw.writeHead(200, {
        ...(reply.getHeaders() as OutgoingHttpHeaders),
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      raw.write(': following the ledger\n\n')
      open.add(raw)
      let sending: Promise<void> = Promise.resolve()
      const send = async () => {
        for (;;) {
          const entries = await ledger.read.list({ after, limit: PAGE })
          for (const entry of entries) {
            raw.write(
              `id: ${entry.position}\nevent: ${entry.type}\ndata: ${JSON.stringify(entryToWire(entry))}\n\n`,
            )
            after = entry.position
          }
          if (entries.length < PAGE) return
        }
      }
      const wake = () => {
        sending = sending.then(send).catch(() => {
          raw.destroy()
        })
      }
      const unsubscribe = onGrowth(wake)
      const keepAlive = setInterval(() => raw.write(': still here\n\n'), KEEP_ALIVE_MS)
      raw.on('close', () => {
        open.delete(raw)
        unsubscribe()
        clearInterval(keepAlive)
      })
      wake()
    },
  )
}
