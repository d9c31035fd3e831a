import { setTimeout as sleep } from 'node:timers/promises'

/** What became of a request: answered, or lost so that nobody knows whether it was done. */
export type Outcome<T> =
  | { readonly answered: true; readonly value: T }
  | { readonly answered: false }

export interface Client {
  readonly url: string
  get<T>(path: string): Promise<Outcome<T>>
  post<T>(
    path: string,
    body: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Outcome<T>>
  patch<T>(path: string, body: unknown): Promise<Outcome<T>>
  put(path: string, bytes: Buffer): Promise<Outcome<string>>
  bytes(path: string): Promise<Outcome<Buffer>>
}

const PATIENCE_MS = 30_000

/** A real client over HTTP. An answer that is an error ends the test: nothing that is sent here is wrong. */
export function clientOf(url: string): Client {
  const send = async (
    path: string,
    options: RequestInit,
    deadline = performance.now() + PATIENCE_MS,
  ): Promise<Outcome<Buffer>> => {
    let status: number
    let bytes: Buffer
    try {
      const answer = await fetch(`${url}${path}`, {
        ...options,
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
      status = answer.status
      bytes = Buffer.from(await answer.arrayBuffer())
    } catch (error) {
      if ((error as Error).name === 'TimeoutError')
        throw new Error(`${path} was not answered in ${PATIENCE_MS} ms`, { cause: error })
      return { answered: false }
    }
    if (status === 503 && performance.now() < deadline) {
      // What it serves is being loaded again; the answer says to try later.
      await sleep(20)
      return send(path, options, deadline)
    }
    if (status >= 300)
      throw new Error(
        `${options.method ?? 'GET'} ${path} was answered with ${status}: ${bytes.toString()}`,
      )
    return { answered: true, value: bytes }
  }
  const json = async <T>(path: string, options: RequestInit): Promise<Outcome<T>> => {
    const outcome = await send(path, options)
    if (!outcome.answered) return outcome
    const text = outcome.value.toString()
    return { answered: true, value: JSON.parse(text === '' ? 'null' : text) as T }
  }
  return {
    url,
    get: (path) => json(path, {}),
    post: (path, body, headers = {}) =>
      json(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    patch: (path, body) =>
      json(path, {
        method: 'PATCH',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    put: (path, bytes) => json(path, { method: 'PUT', body: new Uint8Array(bytes) }),
    bytes: (path) => send(path, {}),
  }
}

/** The value of an answer that must come, because nobody ends the server now. */
export function sure<T>(outcome: Outcome<T>): T {
  if (!outcome.answered) throw new Error('the server was lost although nobody had ended it')
  return outcome.value
}

/** Asks again until `isSo`; the last answer is in the error when that never comes. */
export async function eventually<T>(
  ask: () => Promise<T>,
  isSo: (answer: T) => boolean,
  { what, withinMs }: { what: string; withinMs: number },
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (isSo(answer)) return answer
    if (performance.now() > deadline)
      throw new Error(`${what}: not within ${withinMs} ms; last: ${JSON.stringify(answer)}`)
    await sleep(50)
  }
}
