import { setTimeout as sleep } from 'node:timers/promises'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** A client that tries again as MLflow's does: when the connection is lost, and when a server says that it cannot now. */
export interface PersistentClient {
  /** Asks until there is an answer that is one; an error ends the test. */
  send(method: string, path: string, body?: unknown): Promise<unknown>
  /** Asks once. */
  once(method: string, path: string, body?: unknown): Promise<Answer>
}

const PATIENCE_MS = 30_000
const AGAIN = new Set([429, 500, 502, 503, 504])

export function persistentClient(url: string): PersistentClient {
  const once: PersistentClient['once'] = async (method, path, body) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : {
            body: typeof body === 'string' ? body : JSON.stringify(body),
            headers: { 'content-type': 'application/json' },
          }),
    })
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.includes('json') === true
    return { status: answer.status, body: isJson ? JSON.parse(text) : text }
  }
  const send: PersistentClient['send'] = async (method, path, body) => {
    for (const deadline = performance.now() + PATIENCE_MS; ; await sleep(50)) {
      const answer = await once(method, path, body).catch((error: unknown) => ({
        status: 503,
        body: String(error),
      }))
      if (answer.status < 300) return answer.body
      // A server that has an error of its own is wrong, however often one asks.
      if (!AGAIN.has(answer.status) || answer.status === 500 || performance.now() > deadline)
        throw new Error(
          `${method} ${path} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`,
        )
    }
  }
  return { send, once }
}

/** Does the same at several places at the same time. */
export function sameTime<T>(
  places: readonly number[],
  work: (index: number) => Promise<T>,
): Promise<T[]> {
  return Promise.all(places.map(work))
}
