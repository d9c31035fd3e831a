import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { messageOf, Problem } from '#base/problem'
import type { Revision, RevisionSelection } from '#data'
import { openGitObjects, type GitObject } from './git-objects.ts'

const run = promisify(execFile)

export interface GitEntry {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'link' | 'module'
  readonly executable: boolean
  readonly id: string
}

/** The folders of one commit, all in memory; what files hold is read by their ids. */
export interface GitTree {
  /** What lies in a folder; undefined where there is no such folder. */
  list(folder: string): readonly GitEntry[] | undefined
  at(path: string): GitEntry | undefined
}

/** By name. */
type FolderEntries = ReadonlyMap<string, GitEntry>

/** What a Git repository keeps, read without a checkout by one process. */
export interface GitHistory {
  /** Undefined for a name that names no commit. */
  resolve(name: string): Promise<string | undefined>
  all(selection: RevisionSelection): Promise<Revision[]>
  /** The folders of a commit at and below `prefix`; undefined where it has no such folder. */
  tree(commit: string, prefix: string): Promise<GitTree | undefined>
  /** Throws where there is no such file, as in a clone that is not whole. */
  blobs(ids: readonly string[]): Promise<Map<string, Buffer>>
  close(): void
}

export function openGitHistory(folder: string): GitHistory {
  const objects = openGitObjects(folder)
  const trees = new Map<string, Promise<FolderEntries>>()
  const entriesOf = (id: string) => {
    const known = trees.get(id) ?? objects.read(id).then((object) => treeEntries(id, object))
    trees.set(id, known)
    return known
  }
  const resolve = async (name: string) => {
    for (const candidate of [name, `refs/remotes/origin/${name}`]) {
      const object = await objects.read(`${candidate}^{commit}`)
      if (object?.type === 'commit') return object.id
    }
    return resolveExperiment(folder, name)
  }
  return {
    resolve,
    all: (selection) => allCommits(folder, selection, resolve),
    tree: async (commit, prefix) => {
      const top = await objects.read(prefix === '' ? `${commit}^{tree}` : `${commit}:${prefix}`)
      return top?.type === 'tree' ? loadedTree(top.id, entriesOf) : undefined
    },
    blobs: async (ids) => {
      const found = await Promise.all([...new Set(ids)].map((id) => blobOf(id, objects.read(id))))
      return new Map(found)
    },
    close: () => objects.close(),
  }
}

async function blobOf(
  id: string,
  reading: Promise<GitObject | undefined>,
): Promise<[string, Buffer]> {
  const object = await reading
  if (object === undefined)
    throw new Problem(
      'not-found',
      `the object ${id} is not in this Git repository; run \`git fsck\`, or fetch all of its history`,
    )
  return [id, object.bytes]
}

/** All folders from one down, each read once however many commits have it. */
async function loadedTree(
  top: string,
  entriesOf: (id: string) => Promise<FolderEntries>,
): Promise<GitTree> {
  const loaded = new Map<string, FolderEntries>()
  const load = async (id: string): Promise<void> => {
    if (loaded.has(id)) return
    loaded.set(id, new Map())
    const entries = await entriesOf(id)
    loaded.set(id, entries)
    for (const entry of entries.values()) if (entry.kind === 'folder') await load(entry.id)
  }
  await load(top)
  const folderAt = (folder: string): FolderEntries | undefined => {
    const id = folder === '' ? top : folderIdOf(at(folder))
    return id === undefined ? undefined : loaded.get(id)
  }
  const at = (path: string): GitEntry | undefined => {
    const slash = path.lastIndexOf('/')
    return folderAt(slash < 0 ? '' : path.slice(0, slash))?.get(path.slice(slash + 1))
  }
  return {
    at,
    list: (folder) => {
      const entries = folderAt(folder)
      return entries === undefined ? undefined : [...entries.values()]
    },
  }
}

function folderIdOf(entry: GitEntry | undefined): string | undefined {
  return entry?.kind === 'folder' ? entry.id : undefined
}

const KINDS: Readonly<Record<string, GitEntry['kind']>> = {
  '40000': 'folder',
  '120000': 'link',
  '160000': 'module',
}

/** A folder as Git writes it: mode, blank, name, zero byte, id in bytes. */
function treeEntries(id: string, object: GitObject | undefined): FolderEntries {
  if (object?.type !== 'tree')
    throw new Problem(
      'not-found',
      `the folder ${id} is not in this Git repository; run \`git fsck\``,
    )
  const { bytes } = object
  const idBytes = object.id.length / 2
  const entries = new Map<string, GitEntry>()
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(0x20, at)
    const end = bytes.indexOf(0, blank)
    const mode = bytes.toString('latin1', at, blank)
    const name = bytes.toString('utf8', blank + 1, end)
    // Git refuses to write such names, but objects can be made by hand.
    if (name === '' || name === '.' || name === '..' || name.includes('/'))
      throw new Problem('invalid', `the folder ${id} of this Git repository has a wrong name in it`)
    entries.set(name, {
      name,
      kind: KINDS[mode] ?? 'file',
      executable: mode === '100755',
      id: bytes.toString('hex', end + 1, end + 1 + idBytes),
    })
    at = end + 1 + idBytes
  }
  return entries
}

async function allCommits(
  folder: string,
  selection: RevisionSelection,
  resolve: (name: string) => Promise<string | undefined>,
): Promise<Revision[]> {
  const { revs = [], last = 1 } = selection
  const found = new Map<string, string[]>()
  const take = (commit: string, name: string) => {
    const names = found.get(commit) ?? []
    if (!names.includes(name)) names.push(name)
    found.set(commit, names)
  }
  const takeBack = async (name: string) => {
    for (let back = 0; back < last; back++) {
      const commit = await resolve(back === 0 ? name : `${name}~${back}`)
      if (commit === undefined && back > 0) return
      if (commit === undefined) throw unknownRevision(name)
      take(commit, back === 0 ? name : `${name}~${back}`)
    }
  }
  for (const name of revs) await takeBack(name)
  if (selection.branches === true && selection.commits !== true)
    for (const { name } of await refs(folder, 'refs/heads/')) await takeBack(name)
  if (selection.tags === true && selection.commits !== true)
    for (const { name, commit } of await refs(folder, 'refs/tags/')) take(commit, name)
  if (selection.commits === true || selection.sinceMs !== undefined)
    for (const { commit, atMs } of await everyCommit(folder))
      if (selection.commits === true || atMs >= (selection.sinceMs ?? 0)) take(commit, commit)
  if (selection.experiments === true)
    for (const { name, commit } of await refs(folder, 'refs/exps/'))
      if (!name.startsWith('refs/exps/exec/')) take(commit, name)
  return [...found].map(([commit, names]) => ({ commit, names }))
}

export function unknownRevision(name: string): Problem {
  return new Problem(
    'not-found',
    `${JSON.stringify(name)} is no revision of this Git repository; \`git log --all --oneline\` lists its commits`,
  )
}

/** Names that lead to commits, by their short form where that is not ambiguous. */
async function refs(folder: string, below: string): Promise<{ name: string; commit: string }[]> {
  const format =
    '%(refname:short)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)'
  const lines = await gitLines(folder, ['for-each-ref', `--format=${format}`, below])
  return lines.flatMap((line) => {
    const [name = '', type, id = '', innerType, innerId = ''] = line.split('\0')
    if (type === 'commit') return [{ name, commit: id }]
    return innerType === 'commit' ? [{ name, commit: innerId }] : []
  })
}

async function everyCommit(folder: string): Promise<{ commit: string; atMs: number }[]> {
  const from = ['--branches', '--tags', '--remotes']
  const lines = await gitLines(folder, [
    'log',
    '--format=%H %ct',
    ...from,
    '--ignore-missing',
    'HEAD',
  ])
  return lines.map((line) => {
    const [commit = '', seconds = '0'] = line.split(' ')
    return { commit, atMs: Number(seconds) * 1000 }
  })
}

/** The sizes of all files of a commit by their paths in the repository. */
export async function sizesAt(folder: string, commit: string): Promise<Map<string, number>> {
  const text = await gitText(folder, ['ls-tree', '-r', '-l', '-z', '--full-tree', commit])
  return new Map(
    text.split('\0').flatMap((line): [string, number][] => {
      const [, size = '', path = ''] = /^\S+ blob \S+ +(\d+)\t(.*)$/s.exec(line) ?? []
      return size === '' ? [] : [[path, Number(size)]]
    }),
  )
}

/** Paths below a folder that Git neither keeps nor is told to ignore. */
export async function untrackedIn(folder: string): Promise<string[]> {
  const text = await gitText(folder, [
    'ls-files',
    '--others',
    '--exclude-standard',
    '-z',
    '--',
    '.',
  ])
  return text.split('\0').filter((path) => path !== '')
}

/** dvc keeps experiments by name below the commit that they are based on. */
async function resolveExperiment(folder: string, name: string): Promise<string | undefined> {
  if (!/^[\w.-]+$/.test(name)) return undefined
  const found = (await refs(folder, 'refs/exps/')).filter(
    (ref) => ref.name.endsWith(`/${name}`) && !ref.name.includes('/exec/'),
  )
  return found.length === 1 ? found[0]?.commit : undefined
}

async function gitLines(folder: string, args: readonly string[]): Promise<string[]> {
  const text = await gitText(folder, args)
  return text.split('\n').filter((line) => line !== '')
}

async function gitText(folder: string, args: readonly string[]): Promise<string> {
  try {
    return (await run('git', [...args], { cwd: folder, maxBuffer: 1 << 30 })).stdout
  } catch (error) {
    const words = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1)
    throw new Problem('unavailable', `git ${args[0] ?? ''} failed: ${words ?? messageOf(error)}`)
  }
}
