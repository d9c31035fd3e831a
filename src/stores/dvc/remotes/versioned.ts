import { Readable } from 'node:stream'
import { Problem } from '#base/problem'
import type { Out, Remote, TreeEntry } from '#data'
import { openNetworkRemote, type NetworkRemoteOptions } from './network.ts'
import { bucketFiles, type BucketFiles } from './s3-files.ts'
import type { RemoteOptions } from './s3.ts'
import { eachOf, persistently, type Transport } from './transport.ts'

/** Where the bucket has an object: a path of the project, in one of its versions. */
interface Place {
  readonly path: string
  /** Undefined where the project's files say none: then it was not pushed. */
  readonly version: string | undefined
}

interface Known {
  readonly places: Map<string, Place>
  readonly folders: Map<string, readonly TreeEntry[]>
}

/**
 * A bucket that keeps versions by its own means, laid out as the project is. It is read: which version holds an
 * object is told by the project's files, so pushing would have to rewrite these.
 */
export async function openVersionedRemote(
  url: string,
  options: RemoteOptions,
  around: Omit<NetworkRemoteOptions, 'transport'>,
): Promise<Remote> {
  const known: Known = { places: new Map(), folders: new Map() }
  const files = await bucketFiles(url, options)
  const transport = transportOf(files, known, around)
  return {
    ...openNetworkRemote({ ...around, transport }),
    learn: (outs) => {
      for (const out of outs) learn(known, out, around.name)
    },
    upload: async (objects) => {
      if (objects.length > 0) throw readOnly(around.name)
      return []
    },
  }
}

function learn({ places, folders }: Known, out: Out, remote: string): void {
  const take = (
    md5: string,
    path: string,
    versions: ReadonlyMap<string, string> | undefined,
  ): void => {
    const version = versions?.get(remote)
    if (version !== undefined || !places.has(md5)) places.set(md5, { path, version })
  }
  if (out.content === undefined) return
  if (out.files === undefined) return take(out.content.md5, out.path, out.versions)
  folders.set(out.content.md5, out.files)
  for (const { path, md5, versions } of out.files) take(md5, `${out.path}/${path}`, versions)
}

function transportOf(
  files: BucketFiles,
  { places, folders }: Known,
  { name, trees }: Pick<NetworkRemoteOptions, 'name' | 'trees'>,
): Transport {
  const isThere = async (md5: string): Promise<boolean> => {
    const place = places.get(md5)
    if (place?.version === undefined) return false
    return (
      (await persistently(() => files.look(place.path, place.version || undefined))) !== undefined
    )
  }
  return {
    where: files.where,
    list: undefined,
    present: async (keys, jobs) => {
      const found = new Map<string, boolean>()
      const hashes = keys.map(hashIn)
      const single = hashes.flatMap((md5) => folders.get(md5)?.map((each) => each.md5) ?? [md5])
      await eachOf([...new Set(single)], jobs, async (md5) => {
        found.set(md5, await isThere(md5))
      })
      const isWhole = (md5: string) =>
        (folders.get(md5)?.map((each) => each.md5) ?? [md5]).every((each) => found.get(each))
      return new Set(keys.filter((key) => isWhole(hashIn(key))))
    },
    read: async (key, from) => {
      const md5 = hashIn(key)
      const folder = folders.get(md5)
      if (folder !== undefined) return textFrom(trees.print(folder), from)
      const place = places.get(md5)
      if (place === undefined) return undefined
      if (place.version === undefined) throw notPushed(place, name)
      const bytes = await files.read(place.path, place.version || undefined, from)
      if (bytes === undefined)
        throw new Problem(
          'not-found',
          `${place.path} is not at ${files.where} in its version ${place.version}; somebody removed it there`,
        )
      return { bytes, sizeBytes: undefined }
    },
    write: () => Promise.reject(readOnly(name)),
  }
}

function textFrom(text: string, from: number) {
  const bytes = Buffer.from(text).subarray(from)
  return { bytes: Readable.from([bytes]), sizeBytes: bytes.length }
}

/** Keys are laid out as the cache is. */
function hashIn(key: string): string {
  return key.replace(/^files\/md5\//, '').replace('/', '')
}

function notPushed({ path }: Place, name: string): Problem {
  return new Problem(
    'not-found',
    `no version of ${path} on the remote ${name} is written in the project's files; run \`dvc push\` where the data is, and commit what it writes`,
  )
}

function readOnly(name: string): Problem {
  return new Problem(
    'unsupported',
    `the remote ${name} keeps versions by the bucket's own means (version_aware or worktree), and is only read here; run \`dvc push\` to push there`,
  )
}
