import { sentenceIn } from './get.ts'

/** Sends JSON to our own server. Throws an error with the server's own sentence when it says no. */
export async function postJson<Wire>(path: string, body: unknown): Promise<Wire> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(await sentenceIn(response))
  return (await response.json()) as Wire
}
