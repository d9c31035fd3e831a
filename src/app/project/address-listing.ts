import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Problem } from '#base/problem'
import { bucketOptions, placeOf } from './addresses.ts'

export interface Listed {
  readonly path: string
  readonly isFolder: boolean
  /** Undefined for a folder. */
  readonly sizeBytes: number | undefined
}

/** What lies at an address: a folder of this machine, or of a bucket. */
export async function listAddress(
  url: string,
  how: { deep: boolean; settings: Readonly<Record<string, string>> },
  variables: Readonly<Record<string, string | undefined>>,
): Promise<Listed[]> {
  const place = placeOf(url, {
    root: process.cwd(),
    settings: { remotes: new Map(), remoteOptions: new Map() },
  })
  if (place.kind === 'web')
    throw new Problem('unsupported', `${url} is on a web server, which has no lists of files`)
  if (place.kind === 'disk') return onDisk(place.path, url, how.deep)
  const { bucketFiles } = await import('#stores/dvc/remotes/s3-files')
  const { filesBelow } = await import('./bucket-addresses.ts')
  const bucket = await bucketFiles(place.url, bucketOptions(place.options, how.settings, variables))
  const file = place.url.endsWith('/') ? undefined : await bucket.look('')
  if (file !== undefined)
    return [{ path: basename(place.url), isFolder: false, sizeBytes: file.sizeBytes }]
  const files = await filesBelow(bucket, { url, versions: false })
  return how.deep
    ? files.map(({ path, sizeBytes }) => ({ path, isFolder: false, sizeBytes }))
    : firstLevel(files)
}

function firstLevel(files: readonly { path: string; sizeBytes: number }[]): Listed[] {
  const found = new Map<string, Listed>()
  for (const { path, sizeBytes } of files) {
    const [name = ''] = path.split('/')
    const isFolder = name !== path
    found.set(name, { path: name, isFolder, sizeBytes: isFolder ? undefined : sizeBytes })
  }
  return [...found.values()]
}

function onDisk(top: string, url: string, deep: boolean): Listed[] {
  const stats = statSync(top, { throwIfNoEntry: false })
  if (stats === undefined) throw new Problem('not-found', `there is nothing at ${url} to list`)
  if (!stats.isDirectory()) return [{ path: basename(top), isFolder: false, sizeBytes: stats.size }]
  const below = (folder: string): Listed[] =>
    readdirSync(join(top, folder))
      .toSorted()
      .flatMap((name) => {
        const path = folder === '' ? name : `${folder}/${name}`
        const found = statSync(join(top, path), { throwIfNoEntry: false })
        if (found?.isDirectory() !== true)
          return [{ path, isFolder: false, sizeBytes: found?.size }]
        return deep ? below(path) : [{ path, isFolder: true, sizeBytes: undefined }]
      })
  return below('')
}
