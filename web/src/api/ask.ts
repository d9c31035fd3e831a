import { sentenceIn } from './get.ts'

/** Sends JSON to our own server and gives its answer. Throws an error with the server's own sentence when it says no. */
export async function askJson<Wire>(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  { body, signal }: { body?: unknown; signal?: AbortSignal } = {},
): Promise<Wire> {
  const response = await fetch(path, {
    method,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  })
  if (!response.ok) throw new Error(await sentenceIn(response))
  return (await response.json()) as Wire
}
