import type { Content, TreeEntry } from '../content.ts'
import { isFolder } from '../content.ts'
import { isWithin, type Out } from '../out.ts'
import type { KeptHow, KeptPath } from '../history/revisions.ts'
import type { ObjectName } from '../store.ts'

/** Another repository at one commit, or as its folder stands: what data is taken from. */
export interface Source {
  readonly url: string
  /** Undefined for a folder as it stands. */
  readonly commit: string | undefined
  outs(): Promise<Out[]>
  /** What its version control, or its folder, keeps below a folder; undefined where there is no such folder. */
  kept(folder: string, how: KeptHow): Promise<KeptPath[] | undefined>
  /** The files of an out that is a folder, undefined where its list is not to be had. */
  tree(out: Out): Promise<TreeEntry[] | undefined>
  /** Brings files into the cache; throws a `Problem` that names those that cannot be had. */
  take(files: readonly SourceFile[]): Promise<Arrival[]>
  /** Where an object lies. */
  addressOf(object: ObjectName, out: Out): Promise<string>
  close(): void
}

export interface SourceRequest {
  readonly url: string
  /** A branch, a tag or a commit. */
  readonly rev?: string
  /** Without `rev`: the folder as it stands, where the address is a folder. */
  readonly asItStands?: boolean
  /** Name of the remote, or its settings, to fetch data from. */
  readonly remote?: string | Readonly<Record<string, string>>
  /** A file of settings to lay over those of the repository. */
  readonly config?: string
  /** Settings to lay over those of the remote. */
  readonly remoteConfig?: Readonly<Record<string, string>>
  /** Takes a commit that was fetched before as it is, without asking whether there is a newer one. */
  readonly known?: boolean
}

export type OpenSource = (request: SourceRequest) => Promise<Source>

/** A file to take: one that data tracking keeps, or one that version control keeps. */
export interface SourceFile {
  /** Below what was asked for; '' if that is the file itself. */
  readonly path: string
  readonly from:
    | { readonly kind: 'object'; readonly object: ObjectName; readonly out: Out }
    | { readonly kind: 'kept'; readonly path: string }
  readonly executable: boolean
}

/** A file that came into the cache. */
export interface Arrival {
  readonly path: string
  readonly md5: string
  readonly sizeBytes: number
}

/** What lies at a path of a source. */
export interface SourceItem {
  readonly kind: 'file' | 'folder'
  readonly files: readonly SourceFile[]
  /** Where the path is an out as a whole. */
  readonly content: Content | undefined
}

/** Undefined where there is nothing. */
export async function itemAt(source: Source, path: string): Promise<SourceItem | undefined> {
  const outs = (await source.outs()).filter(
    ({ cached, content }) => cached && content !== undefined,
  )
  const files = new Map<string, SourceFile>()
  let isFile = false
  let exists = path === ''
  for (const out of outs) {
    if (!isWithin(out.path, path) && !isWithin(path, out.path)) continue
    const below = (whole: string) =>
      whole === path ? '' : path === '' ? whole : whole.slice(path.length + 1)
    for (const { path: whole, md5 } of await filesOf(source, out)) {
      if (!isWithin(whole, path)) continue
      const object = { md5, legacy: out.content?.legacy ?? false }
      const executable = out.content?.executable ?? false
      files.set(below(whole), {
        path: below(whole),
        from: { kind: 'object', object, out },
        executable,
      })
      isFile ||= whole === path
      exists = true
    }
    exists ||= isWithin(out.path, path)
  }
  // In a folder as it stands, what lies there is newer than what is written of it.
  for (const kept of await keptFiles(source, path)) {
    if (kept.kind !== 'file' || namesData(kept.path)) continue
    const below =
      kept.path === path ? '' : path === '' ? kept.path : kept.path.slice(path.length + 1)
    files.set(below, {
      path: below,
      from: { kind: 'kept', path: kept.path },
      executable: kept.executable,
    })
    isFile ||= kept.path === path
    exists = true
  }
  if (!exists) return undefined
  const whole = outs.find((out) => out.path === path)
  return {
    kind: isFile ? 'file' : 'folder',
    files: [...files.values()].filter((file) => (file.path === '') === isFile),
    content: whole?.content,
  }
}

/** Files that say what data there is are no data. */
export function namesData(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name.endsWith('.dvc') || ['dvc.yaml', '.dvcignore'].includes(name)
}

/** Files of an out with their whole paths. */
async function filesOf(source: Source, out: Out): Promise<readonly TreeEntry[]> {
  const { content } = out
  if (content === undefined) return []
  if (!isFolder(content)) return [{ path: out.path, md5: content.md5 }]
  const entries = out.files ?? (await source.tree(out)) ?? []
  return entries.map(({ path, md5 }) => ({ path: `${out.path}/${path}`, md5 }))
}

async function keptFiles(source: Source, path: string): Promise<readonly KeptPath[]> {
  const inside = await source.kept(path, { deep: true })
  if (inside !== undefined) return inside
  const slash = path.lastIndexOf('/')
  const beside = await source.kept(slash < 0 ? '' : path.slice(0, slash), { deep: false })
  return (beside ?? []).filter((kept) => kept.path === path && kept.kind === 'file')
}
