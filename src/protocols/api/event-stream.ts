import type { FastifyInstance, FastifyReply } from 'fastify'
import type { OutgoingHttpHeaders } from 'node:http'
import { once } from 'node:events'

const KEEP_ALIVE_MS = 15_000

/** Server-sent events to one reader. */
export interface EventStream {
  /** Resolves when there is room for more; a reader who has gone is sent nothing. */
  send(event: string, data: unknown, id?: string | number): Promise<void>
  /** Aborted when the reader has gone, or the server stops. */
  readonly closed: AbortSignal
  end(): void
}

/** Opens streams for readers, which end when the server stops: one that is followed for ever must not hold that up. */
export function eventStreams(app: FastifyInstance): (reply: FastifyReply) => EventStream {
  const open = new Set<EventStream>()
  app.addHook('preClose', async () => {
    for (const stream of open) stream.end()
  })
  return (reply) => {
    const { raw } = reply.hijack()
    raw.writeHead(200, {
      ...(reply.getHeaders() as OutgoingHttpHeaders),
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    raw.write(': following\n\n')
    const gone = new AbortController()
    const stream: EventStream = {
      closed: gone.signal,
      send: async (event, data, id) => {
        if (gone.signal.aborted) return
        const named = id === undefined ? '' : `id: ${id}\n`
        const hasRoom = raw.write(`${named}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
        if (!hasRoom) await once(raw, 'drain', { signal: gone.signal }).catch(() => undefined)
      },
      end: () => {
        gone.abort()
        raw.end()
      },
    }
    open.add(stream)
    const keepAlive = setInterval(() => raw.write(': still here\n\n'), KEEP_ALIVE_MS)
    raw.on('close', () => {
      clearInterval(keepAlive)
      open.delete(stream)
      gone.abort()
    })
    return stream
  }
}

/** Waits for the next of many wakings; those that come while nobody waits count for the next wait. */
export function waker(closed: AbortSignal): { wake(): void; next(): Promise<void> } {
  let woken = false
  let resume: (() => void) | undefined
  const wake = () => {
    woken = true
    resume?.()
  }
  closed.addEventListener('abort', wake)
  return {
    wake,
    next: async () => {
      if (!woken)
        await new Promise<void>((resolve) => {
          resume = resolve
        })
      woken = false
    },
  }
}
