import { openAsBlob } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, Problem } from '#base/problem'

/** Where an image is pushed to: `registry.example:5000/team/flights:3`. */
export interface Reference {
  /** `http://127.0.0.1:5000` */
  readonly registry: string
  readonly repository: string
  readonly tag: string
}

export interface Credentials {
  readonly user: string
  readonly password: string
}

const LOOPBACK = /^(localhost|127(?:\.\d+){3}|\[::1\])(:\d+)?$/

/** Reads a reference as `docker push` takes it. Registries on this machine are spoken to without TLS. */
export function referenceIn(text: string): Reference {
  const [, host, repository, tag] =
    /^([^/\s]+)\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*):([\w][\w.-]{0,127})$/.exec(text) ?? []
  if (host === undefined || repository === undefined || tag === undefined)
    throw new Problem(
      'invalid',
      `${text} does not name an image; give registry[:port]/name:tag with a name in small letters, as in registry.example/team/flights:3`,
    )
  return { registry: `${LOOPBACK.test(host) ? 'http' : 'https'}://${host}`, repository, tag }
}

interface Descriptor {
  readonly digest: string
  readonly size: number
  readonly mediaType: string
}

/**
 * Pushes an image layout (OCI distribution specification 1.1): blobs that the registry lacks, then the
 * manifest under its tag. `onBlob` is told how many bytes of how many are there.
 */
export async function pushLayout(
  layout: string,
  reference: Reference,
  options: {
    credentials?: Credentials
    onBlob?: (doneBytes: number, totalBytes: number) => void
  } = {},
): Promise<{ digest: string; pushedBytes: number }> {
  const ask = asker(reference, options.credentials)
  const index = await json<{ manifests: Descriptor[] }>(join(layout, 'index.json'))
  const [named] = index.manifests
  if (named === undefined) throw new Problem('invalid', `${layout} holds no image`)
  const manifest = await readFile(blobPath(layout, named.digest), 'utf8')
  const { config, layers } = JSON.parse(manifest) as { config: Descriptor; layers: Descriptor[] }
  const blobs = [config, ...layers]
  const totalBytes = blobs.reduce((sum, { size }) => sum + size, 0)
  let doneBytes = 0
  let pushedBytes = 0
  for (const blob of blobs) {
    if (await pushBlob(ask, layout, blob)) pushedBytes += blob.size
    doneBytes += blob.size
    options.onBlob?.(doneBytes, totalBytes)
  }
  await ask(`manifests/${reference.tag}`, {
    method: 'PUT',
    headers: { 'content-type': named.mediaType },
    body: manifest,
    expected: [201],
  })
  return { digest: named.digest, pushedBytes }
}

/** True when the registry did not have it. */
async function pushBlob(ask: Ask, layout: string, { digest }: Descriptor): Promise<boolean> {
  const found = await ask(`blobs/${digest}`, { method: 'HEAD', expected: [200, 404] })
  if (found.status === 200) return false
  const begun = await ask('blobs/uploads/', { method: 'POST', expected: [202] })
  const place = new URL(begun.headers.get('location') ?? '', begun.url)
  place.searchParams.set('digest', digest)
  await ask(place.href, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: await openAsBlob(blobPath(layout, digest)),
    expected: [201],
  })
  return true
}

interface Question {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Blob
  readonly expected: readonly number[]
}

type Ask = (path: string, question: Question) => Promise<Response>

/** Asks the registry, with whatever it wants to see first. */
function asker({ registry, repository }: Reference, credentials: Credentials | undefined): Ask {
  let authorization: string | undefined
  const once = (url: URL, { method, headers, body }: Question) =>
    fetch(url, {
      method,
      headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
      ...(body === undefined ? {} : { body }),
    })
  return async (path, question) => {
    const url = new URL(path, `${registry}/v2/${repository}/`)
    try {
      let answer = await once(url, question)
      if (answer.status === 401) {
        authorization = await authorizationFor(answer.headers.get('www-authenticate'), credentials)
        answer = await once(url, question)
      }
      if (question.expected.includes(answer.status)) return answer
      throw await refusal(registry, question.method, answer)
    } catch (error) {
      if (error instanceof Problem) throw error
      const { cause } = error as Error
      throw new Problem(
        'unavailable',
        `the registry ${registry} cannot be reached: ${messageOf(cause ?? error)}`,
      )
    }
  }
}

/** What a registry's challenge asks for: the credentials, or a token that they buy. */
async function authorizationFor(
  challenge: string | null,
  credentials: Credentials | undefined,
): Promise<string | undefined> {
  const basic =
    credentials === undefined
      ? undefined
      : `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`
  if (challenge === null || !/^bearer /i.test(challenge)) return basic
  const terms = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  )
  const realm = new URL(terms['realm'] ?? '')
  for (const name of ['service', 'scope'])
    if (terms[name] !== undefined) realm.searchParams.set(name, terms[name])
  const answer = await fetch(realm, {
    headers: basic === undefined ? {} : { authorization: basic },
  })
  if (!answer.ok) return undefined
  const { token, access_token: accessToken } = (await answer.json()) as Record<string, string>
  return `Bearer ${token ?? accessToken}`
}

async function refusal(registry: string, method: string, answer: Response): Promise<Problem> {
  const text = (await answer.text()).slice(0, 500)
  if (answer.status === 401 || answer.status === 403)
    return new Problem(
      'forbidden',
      `the registry ${registry} does not let you push; log in with docker or podman login, or set ORRERY_REGISTRY_USER and ORRERY_REGISTRY_PASSWORD`,
    )
  return new Problem(
    'unavailable',
    `the registry ${registry} answered ${method} with ${answer.status}: ${text}`,
  )
}

async function json<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, 'utf8')) as T
}

function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs', digest.replace(':', '/'))
}
