import { createHash } from 'node:crypto'
import { startTestServer } from '../support/server.ts'

export const md5Of = (bytes: Buffer | string) => createHash('md5').update(bytes).digest('hex')
export const keyOf = (md5: string, suffix = '') =>
  `files/md5/${md5.slice(0, 2)}/${md5.slice(2)}${suffix}`

export interface Made {
  readonly url: string
  readonly read: string
  readonly write: string
}

/** Our API of a server, for what these tests ask of it. */
export function apiOf(url: string) {
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return JSON.parse(text === '' ? 'null' : text) as T
  }
}

/** A data store with a token of each kind. */
export async function madeStore(
  url: string,
  name: string,
  more: { quotaBytes?: number; access?: string } = {},
): Promise<Made> {
  const api = apiOf(url)
  await api('POST', '/data-stores', { name, ...more })
  const token = async (access: string) => {
    const made = { name: `for ${access}`, access }
    return (await api<{ secret: string }>('POST', `/data-stores/${name}/tokens`, made)).secret
  }
  return { url: `${url}/dvc/${name}`, read: await token('read'), write: await token('write') }
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

/** A server, and what stops it. */
export const newServer = () => startTestServer({ drainMs: 1000 })
