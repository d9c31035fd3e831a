/** Asks a server's API by method, path below `/api/v1` and body. */
export type Ask = <T = unknown>(method: string, path: string, body?: unknown) => Promise<T>

/** Asks a server's API, and throws what it refuses. */
export function askingOf(url: () => string): Ask {
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${url()}/api/v1${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const json = (await answer.json()) as T
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${JSON.stringify(json)}`)
    return json
  }
}
