import { hash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Problem } from '#base/problem'
import {
  movingSteps,
  type Addresses,
  type Arrival,
  type Content,
  type DataStep,
  type Moving,
  type Offered,
} from '#data'
import { printTree } from '#protocols/dvc/tree'
import {
  readFileOnly,
  takeFile,
  takeStream,
  type ArrivalCache,
  type Arrived,
} from '#stores/dvc/arrivals'
import { withServer } from './remote.ts'
import type { ProjectSettings } from './settings.ts'

export interface AddressesGround {
  /** Relative paths count from here. */
  readonly root: string
  readonly cache: ArrivalCache
  readonly settings: Pick<ProjectSettings, 'remotes' | 'remoteOptions'>
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Told how far what is taken has come. */
  readonly onStep?: ((step: DataStep) => void) | undefined
}

/** Files and folders of this machine and of buckets, files of web servers, and what lies in remotes of these kinds. */
export function openAddresses(ground: AddressesGround): Addresses {
  return {
    keepsVersions: (url) => placeOf(url, ground).kind === 'bucket',
    look: async (url, { folder, settings, known }) => {
      const moving = movingSteps('fetched', ground.onStep)
      const place = placeOf(url, { ...ground, root: resolve(ground.root, folder) })
      if (place.kind === 'web') {
        const options = withGiven(place.options, settings)
        return onTheWeb({ url: place.url, options }, { cache: ground.cache, moving })
      }
      if (place.kind === 'bucket') {
        const { inBucket } = await import('./bucket-addresses.ts')
        const options = bucketOptions(place.options, settings, ground.variables)
        const versions = options.get('version_aware')?.toLowerCase() === 'true'
        return inBucket({ url: place.url, options, versions, known }, { ...ground, moving })
      }
      const hashing = movingSteps('hashed', ground.onStep)
      return onDisk(place.path, { url, cache: ground.cache, moving, hashing })
    },
  }
}

export type Place =
  | { kind: 'web'; url: string; options: ReadonlyMap<string, string> }
  | { kind: 'bucket'; url: string; options: ReadonlyMap<string, string> }
  | { kind: 'disk'; path: string }

/** Settings of the remote, those given with the address, and the server that the environment names. */
export function bucketOptions(
  options: ReadonlyMap<string, string>,
  given: Readonly<Record<string, string | boolean>>,
  variables: AddressesGround['variables'],
): ReadonlyMap<string, string> {
  return withServer(withGiven(options, given), variables)
}

function withGiven(
  options: ReadonlyMap<string, string>,
  given: Readonly<Record<string, string | boolean>>,
): ReadonlyMap<string, string> {
  const more = Object.entries(given).map(([name, value]) => [name, String(value)] as const)
  return new Map([...options, ...more])
}

export function placeOf(
  url: string,
  { root, settings }: Pick<AddressesGround, 'root' | 'settings'>,
): Place {
  if (/^s3:\/\//i.test(url)) return { kind: 'bucket', url, options: new Map() }
  if (/^https?:\/\//.test(url)) return { kind: 'web', url, options: new Map() }
  const [, name, path = ''] = /^remote:\/\/([^/]+)\/?(.*)$/.exec(url) ?? []
  if (name !== undefined) {
    const base = settings.remotes.get(name)
    if (base === undefined)
      throw new Problem(
        'not-found',
        `there is no remote ${name}; the project has ${[...settings.remotes.keys()].join(', ') || 'none'}`,
      )
    const options = settings.remoteOptions.get(name) ?? new Map()
    const whole = `${base.replace(/\/$/, '')}/${path}`
    if (/^https?:\/\//.test(base)) return { kind: 'web', url: whole, options }
    if (/^s3:\/\//i.test(base)) return { kind: 'bucket', url: whole, options }
    if (!base.includes('://')) return { kind: 'disk', path: resolve(base, path) }
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(url) && !url.startsWith('file://'))
    throw new Problem(
      'unsupported',
      `${url} cannot be imported from; paths, s3, http and https can, and remotes at such addresses`,
    )
  return { kind: 'disk', path: resolve(root, url.replace(/^file:\/\//, '')) }
}

interface OnDisk {
  readonly url: string
  readonly cache: AddressesGround['cache']
  readonly moving: Moving
  readonly hashing: Moving
}

/** What is on this machine is named by its bytes: who takes it knows them, and who does not has them read. */
async function onDisk(path: string, { url, cache, moving, hashing }: OnDisk): Promise<Offered> {
  const { kind, files } = lyingAt(path, url)
  const each = async (how: Moving, work: (file: string) => Promise<Arrived>) => {
    how.onMore?.(files.length)
    for (const { sizeBytes } of files) how.onSize?.(1, sizeBytes)
    const found: Arrival[] = []
    for (const file of files)
      found.push({ path: file.path, ...(await work(resolve(path, file.path))) })
    return found
  }
  let taken: Arrival[] | undefined
  return {
    kind,
    identity: async () => {
      const found = taken ?? (await each(hashing, (file) => readFileOnly(file, hashing)))
      return { content: contentOf(kind, found) }
    },
    take: async () => (taken = await each(moving, (file) => takeFile(cache, file, moving))),
  }
}

function lyingAt(
  path: string,
  url: string,
): { kind: Offered['kind']; files: { path: string; sizeBytes: number }[] } {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new Problem('not-found', `there is nothing at ${url} to import`)
  if (stats.isFile()) return { kind: 'file', files: [{ path: '', sizeBytes: stats.size }] }
  if (stats.isDirectory()) return { kind: 'folder', files: filesBelow(path, '') }
  throw new Problem('invalid', `${url} is neither a file nor a folder; only those can be imported`)
}

function contentOf(kind: Offered['kind'], found: readonly Arrival[]): Content {
  const [only] = found
  if (kind === 'file' && only !== undefined) return { md5: only.md5, sizeBytes: only.sizeBytes }
  const sizeBytes = found.reduce((sum, each) => sum + each.sizeBytes, 0)
  return { md5: `${hash('md5', printTree(found))}.dir`, sizeBytes, files: found.length }
}

function filesBelow(top: string, folder: string): { path: string; sizeBytes: number }[] {
  return readdirSync(resolve(top, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return filesBelow(top, path)
    const stats = statSync(resolve(top, path), { throwIfNoEntry: false })
    if (stats === undefined)
      throw new Problem('invalid', `${path} in ${top} is a link to nothing; remove it or mend it`)
    return stats.isFile() ? [{ path, sizeBytes: stats.size }] : []
  })
}

async function onTheWeb(
  { url, options }: { url: string; options: ReadonlyMap<string, string> },
  { cache, moving }: { cache: ArrivalCache; moving: Moving },
): Promise<Offered> {
  const { webFile } = await import('#stores/dvc/remotes/web-file')
  const file = await webFile(url, options)
  const { etag, 'content-md5': sum, 'content-length': length } = file.headers
  const checksum = etag ?? (Array.isArray(sum) ? sum[0] : sum)
  return {
    kind: 'file',
    identity: async () => ({
      ...(checksum === undefined ? {} : { checksum }),
      ...(length === undefined ? {} : { sizeBytes: Number(length) }),
    }),
    take: async () => {
      const { bytes, sizeBytes } = await file.read()
      moving.onMore?.(1)
      if (sizeBytes !== undefined) moving.onSize?.(1, sizeBytes)
      return [{ path: '', ...(await takeStream(cache, bytes, moving)) }]
    },
  }
}
