import { isFolder, type Content, type TreeEntry } from '../content.ts'
import type { DataDependencies } from '../dependencies.ts'
import { isWithin, type Out, type Selection } from '../out.ts'
import type { ObjectName } from '../store.ts'

/** One path of a version of the data: a file, or a folder that an out is. */
export interface DataEntry {
  readonly path: string
  readonly isFolder: boolean
  readonly object: ObjectName
  readonly out: Out
}

/** What the project's outs hold at one moment, by path. */
export interface DataVersion {
  readonly entries: ReadonlyMap<string, DataEntry>
  /** Folders of which no list is to be had, so that nothing can be said of what they hold. */
  readonly unlisted: readonly string[]
}

/** Whether folders are looked into. */
export interface Depth {
  readonly deep: boolean
}

type Reads = Pick<DataDependencies, 'cache' | 'remote'>

/** What is written of the outs, at any revision. Lists that are not in the cache are asked for at the remote. */
export async function recordedVersion(
  reads: Reads,
  selection: readonly Selection[],
  how: Depth,
): Promise<DataVersion> {
  return version(selection, how, async ({ content, files, remote }) => {
    if (content === undefined) return undefined
    return { content, entries: files ?? (await listOf(reads, content, how, remote)) }
  })
}

/** What the workspace holds now. */
export async function presentVersion(
  { workspace }: Pick<DataDependencies, 'workspace'>,
  selection: readonly Selection[],
  how: Depth,
): Promise<DataVersion> {
  return version(selection, how, async ({ path, content }) => {
    return workspace.measure(path, { legacy: content?.legacy ?? false })
  })
}

async function version(
  selection: readonly Selection[],
  how: Depth,
  read: (
    out: Out,
  ) => Promise<{ content: Content; entries?: readonly TreeEntry[] | undefined } | undefined>,
): Promise<DataVersion> {
  const entries = new Map<string, DataEntry>()
  const unlisted: string[] = []
  for (const { out, part } of selection) {
    const found = out.cached ? await read(out) : undefined
    if (found === undefined) continue
    const { content } = found
    const legacy = content.legacy ?? false
    const wanted = part === undefined || part === '' ? out.path : `${out.path}/${part}`
    const take = (path: string, md5: string) => {
      if (isWithin(path, wanted))
        entries.set(path, { path, out, isFolder: md5.endsWith('.dir'), object: { md5, legacy } })
    }
    take(out.path, content.md5)
    if (!isFolder(content) || !how.deep) continue
    if (found.entries === undefined) unlisted.push(out.path)
    for (const { path, md5 } of found.entries ?? []) take(`${out.path}/${path}`, md5)
  }
  return { entries, unlisted }
}

async function listOf(
  { cache, remote }: Reads,
  content: Content,
  how: Depth,
  name: string | undefined,
): Promise<readonly TreeEntry[] | undefined> {
  if (!how.deep || !isFolder(content)) return undefined
  const here = await cache.tree(content)
  if (here !== undefined) return here
  try {
    return await (await remote(name)).tree(content)
  } catch {
    // No remote, or none that answers: then the list is not known, which is said of the folder.
    return undefined
  }
}
