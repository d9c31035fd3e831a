import { readdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Problem } from '#base/problem'
import type { Addresses, Arrival, Offered } from '#data'
import { takeFile, takeStream, type ArrivalCache } from '#stores/dvc/arrivals'
import type { ProjectSettings } from './project-settings.ts'

export interface AddressesGround {
  /** Relative paths count from here. */
  readonly root: string
  readonly cache: ArrivalCache & { keepTree(entries: readonly Arrival[]): Promise<string> }
  readonly settings: Pick<ProjectSettings, 'remotes'>
}

/** Files and folders of this machine, files of web servers, and what lies in remotes that are folders. */
export function openAddresses(ground: AddressesGround): Addresses {
  return {
    look: async (url, { folder }) => {
      const place = placeOf(url, { ...ground, root: resolve(ground.root, folder) })
      if (place.kind === 'web') return onTheWeb(place.url, ground.cache)
      return onDisk(place.path, { url, cache: ground.cache })
    },
  }
}

type Place = { kind: 'web'; url: string } | { kind: 'disk'; path: string }

function placeOf(url: string, { root, settings }: AddressesGround): Place {
  if (/^https?:\/\//.test(url)) return { kind: 'web', url }
  const [, name, path = ''] = /^remote:\/\/([^/]+)\/?(.*)$/.exec(url) ?? []
  if (name !== undefined) {
    const base = settings.remotes.get(name)
    if (base === undefined)
      throw new Problem(
        'not-found',
        `there is no remote ${name}; the project has ${[...settings.remotes.keys()].join(', ') || 'none'}`,
      )
    if (/^https?:\/\//.test(base)) return { kind: 'web', url: `${base.replace(/\/$/, '')}/${path}` }
    if (!base.includes('://')) return { kind: 'disk', path: resolve(base, path) }
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(url) && !url.startsWith('file://'))
    throw new Problem(
      'unsupported',
      `${url} cannot be imported from yet; paths, http, https and remotes that are folders can`,
    )
  return { kind: 'disk', path: resolve(root, url.replace(/^file:\/\//, '')) }
}

/** What is on this machine is named by its bytes, so looking at it is taking it. */
async function onDisk(
  path: string,
  { url, cache }: { url: string; cache: AddressesGround['cache'] },
): Promise<Offered> {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new Problem('not-found', `there is nothing at ${url} to import`)
  if (stats.isFile()) {
    const arrived = await takeFile(cache, path)
    return {
      kind: 'file',
      identity: { content: arrived },
      take: async () => [{ path: '', ...arrived }],
    }
  }
  if (!stats.isDirectory())
    throw new Problem(
      'invalid',
      `${url} is neither a file nor a folder; only those can be imported`,
    )
  const arrivals: Arrival[] = []
  for (const file of filesBelow(path, ''))
    arrivals.push({ path: file, ...(await takeFile(cache, resolve(path, file))) })
  const md5 = await cache.keepTree(arrivals)
  const sizeBytes = arrivals.reduce((sum, each) => sum + each.sizeBytes, 0)
  return {
    kind: 'folder',
    identity: { content: { md5, sizeBytes, files: arrivals.length } },
    take: async () => arrivals,
  }
}

function filesBelow(top: string, folder: string): string[] {
  return readdirSync(resolve(top, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return filesBelow(top, path)
    const stats = statSync(resolve(top, path), { throwIfNoEntry: false })
    if (stats === undefined)
      throw new Problem('invalid', `${path} in ${top} is a link to nothing; remove it or mend it`)
    return stats.isFile() ? [path] : []
  })
}

async function onTheWeb(url: string, cache: ArrivalCache): Promise<Offered> {
  const head = await asked(url, 'HEAD')
  // Some servers answer only who fetches.
  const headers = head.ok ? head.headers : (await asked(url, 'GET')).headers
  const checksum = headers.get('etag') ?? headers.get('content-md5') ?? undefined
  const length = headers.get('content-length')
  return {
    kind: 'file',
    identity: {
      ...(checksum === undefined ? {} : { checksum }),
      ...(length === null ? {} : { sizeBytes: Number(length) }),
    },
    take: async () => {
      const response = await asked(url, 'GET')
      if (!response.ok || response.body === null)
        throw new Problem('not-found', `${url} answers ${response.status} ${response.statusText}`)
      return [{ path: '', ...(await takeStream(cache, response.body)) }]
    },
  }
}

async function asked(url: string, method: 'HEAD' | 'GET'): Promise<Response> {
  try {
    const response = await fetch(url, { method })
    if (method === 'GET' && !response.ok)
      throw new Problem('not-found', `${url} answers ${response.status} ${response.statusText}`)
    return response
  } catch (error) {
    if (error instanceof Problem) throw error
    const cause = (error as { cause?: { message?: string } }).cause?.message
    throw new Problem(
      'unavailable',
      `${url} cannot be reached: ${cause ?? (error as Error).message}`,
    )
  }
}
