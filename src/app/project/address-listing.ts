import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '#base/problem'
import { bucketOptions, placeOf } from './addresses.ts'

export interface Listed {
  readonly path: string
  readonly isFolder: boolean
  /** Undefined for a folder. */
  readonly sizeBytes: number | undefined
}

export interface AddressListingHow {
  /** So many folders deep: 1 is what lies in the folder itself, 0 the folder. Folders at the edge are told of, too. */
  readonly level: number
  /** With the folders on the way. */
  readonly folders: boolean
}

export interface AddressListing {
  /** What lies there, or the file itself; as dvc names it. */
  readonly top: Listed
  readonly below: readonly Listed[]
}

/** What lies at an address: a folder of this machine, or of a bucket. */
export async function listAddress(
  url: string,
  how: AddressListingHow & { settings: Readonly<Record<string, string>> },
  variables: Readonly<Record<string, string | undefined>>,
): Promise<AddressListing> {
  const place = placeOf(url, {
    root: process.cwd(),
    settings: { remotes: new Map(), remoteOptions: new Map() },
  })
  if (place.kind === 'web')
    throw new Problem('unsupported', `${url} is on a web server, which has no lists of files`)
  if (place.kind === 'disk') return onDisk(place.path, url, how)
  const { bucketFiles } = await import('#stores/dvc/remotes/s3-files')
  const { filesBelow } = await import('./bucket-addresses.ts')
  const bucket = await bucketFiles(place.url, bucketOptions(place.options, how.settings, variables))
  const file = place.url.endsWith('/') ? undefined : await bucket.look('')
  const path = place.url.replace(/^s3:\/\//i, '')
  if (file !== undefined)
    return { top: { path, isFolder: false, sizeBytes: file.sizeBytes }, below: [] }
  const files = await filesBelow(bucket, { url, versions: false })
  return { top: { path, isFolder: true, sizeBytes: undefined }, below: shown(files, how) }
}

function shown(
  files: readonly { path: string; sizeBytes: number }[],
  { level, folders }: AddressListingHow,
): Listed[] {
  const found = new Map<string, Listed>()
  for (const { path, sizeBytes } of files) {
    const parts = path.split('/')
    for (
      let depth = folders ? 1 : Math.max(1, level);
      depth <= level && depth < parts.length;
      depth += 1
    ) {
      const above = parts.slice(0, depth).join('/')
      found.set(above, { path: above, isFolder: true, sizeBytes: undefined })
    }
    if (parts.length <= level) found.set(path, { path, isFolder: false, sizeBytes })
  }
  return [...found.values()]
}

function onDisk(top: string, url: string, { level, folders }: AddressListingHow): AddressListing {
  const stats = statSync(top, { throwIfNoEntry: false })
  if (stats === undefined) throw new Problem('not-found', `there is nothing at ${url} to list`)
  if (!stats.isDirectory())
    return { top: { path: url, isFolder: false, sizeBytes: stats.size }, below: [] }
  const below: Listed[] = []
  const take = (folder: string, depth: number) => {
    for (const name of readdirSync(join(top, folder)).toSorted()) {
      const path = folder === '' ? name : `${folder}/${name}`
      const found = statSync(join(top, path), { throwIfNoEntry: false })
      const isFolder = found?.isDirectory() === true
      const isAtEdge = depth === level
      if (!isFolder) below.push({ path, isFolder, sizeBytes: found?.size })
      else if (folders || isAtEdge) below.push({ path, isFolder, sizeBytes: undefined })
      if (isFolder && !isAtEdge) take(path, depth + 1)
    }
  }
  if (level > 0) take('', 1)
  return { top: { path: url, isFolder: true, sizeBytes: undefined }, below }
}
