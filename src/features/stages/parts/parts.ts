import { posix } from 'node:path'
import { sha256 } from '#base/digest'
import type { TreeEntry } from '#data'
import { plainParam, type ParamMap, type PlainValue } from '../param.ts'

/** How a stage's work is divided: files of one input, each with what it gives in one output. Paths are the project's. */
export interface StageParts {
  readonly input: string
  readonly output: string
  /** Below the input, which files are parts; with a slash at its end, which folders. Undefined is each file. */
  readonly glob: string | undefined
  /** How many at once; undefined is as many as the stage has processors. */
  readonly jobs: number | undefined
  /** How often one is tried before it counts as failed. */
  readonly tries: number
  /** For one part; undefined takes that of the stage. */
  readonly timeoutMs: number | undefined
  /** Parts come to one long-lived process line by line, rather than one process to each. */
  readonly worker: boolean
  /** So many parts in one process. */
  readonly batch: number
  /** What a part writes, by its name: `{name}` or `{stem}.json`. Needed where several are in one process. */
  readonly writes: string | undefined
}

export interface Part {
  /** Its path below the input. */
  readonly name: string
  /** Of a file its MD5, of a folder a digest of all its files. */
  readonly digest: string
  /** Below the input. */
  readonly files: readonly TreeEntry[]
}

/** What became of a stage's parts. */
export interface PartsTold {
  readonly all: number
  readonly processed: number
  /** Taken from before. */
  readonly kept: number
  /** Those that are gone since the stage last finished, with all that they gave. */
  readonly removed: number
  readonly failed: readonly string[]
}

export interface Divided {
  /** By name. */
  readonly parts: readonly Part[]
  /** What is no part: every part may read it, so that a change of it changes all. */
  readonly shared: readonly TreeEntry[]
}

/** Divides the files of a folder into parts. */
export function divided(entries: readonly TreeEntry[], glob: string | undefined): Divided {
  const shared: TreeEntry[] = []
  const groups = new Map<string, TreeEntry[]>()
  const nameOf = partNamer(glob)
  for (const entry of entries) {
    const name = nameOf(entry.path)
    const group = name === undefined ? shared : groups.get(name)
    if (group !== undefined) group.push(entry)
    else if (name !== undefined) groups.set(name, [entry])
  }
  const isFolders = glob?.endsWith('/') === true
  const parts = [...groups].map(([name, files]) => ({
    name,
    files,
    digest: isFolders ? digestOf(files) : (files[0]?.md5 ?? ''),
  }))
  return { parts: parts.toSorted(byName), shared }
}

function partNamer(glob: string | undefined): (path: string) => string | undefined {
  if (glob === undefined) return (path) => path
  if (!glob.endsWith('/')) return (path) => (posix.matchesGlob(path, glob) ? path : undefined)
  const pattern = glob.slice(0, -1)
  const depth = pattern.split('/').length
  return (path) => {
    const steps = path.split('/')
    const name = steps.slice(0, depth).join('/')
    return steps.length > depth && posix.matchesGlob(name, pattern) ? name : undefined
  }
}

function byName(one: Part, other: Part): number {
  return one.name < other.name ? -1 : 1
}

function digestOf(files: readonly TreeEntry[]): string {
  return sha256(JSON.stringify(files.map(({ path, md5 }) => [path, md5]).toSorted(byFirst)))
}

function byFirst([one = '']: string[], [other = '']: string[]): number {
  return one < other ? -1 : 1
}

/** All that a part's result depends on besides the part itself. */
export interface Circumstances {
  readonly command: string
  readonly parts: StageParts
  /** The stage's folder, that the command runs in. */
  readonly folder: string
  readonly params: ReadonlyMap<string, ParamMap>
  /** Dependencies other than the input, and what they hold. */
  readonly deps: readonly (readonly [path: string, content: PlainValue])[]
  readonly shared: readonly TreeEntry[]
  /** Digest of what it runs in; undefined for whatever the machine has. */
  readonly environment: string | undefined
}

/** Names circumstances: results of parts are only ever used in the very same. */
export function circumstancesDigest(all: Circumstances): string {
  const { input, output, worker, batch, writes } = all.parts
  return sha256(
    JSON.stringify([
      1,
      all.command,
      all.folder,
      [input, output, worker, batch > 1, writes ?? null],
      [...all.params].map(([file, values]) => [
        file,
        [...values].map(([name, value]) => [String(name), plainParam(value)]),
      ]),
      all.deps,
      digestOf(all.shared),
      all.environment ?? null,
    ]),
  )
}

/** What two parts both wrote, so that nobody can tell whose it is. */
export interface Collision {
  readonly path: string
  readonly parts: readonly [string, string]
}

/** The files of all parts in one folder, or the first path that two of them claim. */
export function united(
  results: Iterable<readonly [part: string, files: readonly TreeEntry[]]>,
): { files: TreeEntry[] } | { collision: Collision } {
  const owners = new Map<string, string>()
  const folders = new Map<string, string>()
  const files: TreeEntry[] = []
  for (const [part, written] of results)
    for (const file of written) {
      const above = foldersAbove(file.path)
      const claimed =
        owners.get(file.path) ??
        folders.get(file.path) ??
        above.map((folder) => owners.get(folder)).find((owner) => owner !== undefined)
      if (claimed !== undefined) return { collision: { path: file.path, parts: [claimed, part] } }
      owners.set(file.path, part)
      for (const folder of above) folders.set(folder, part)
      files.push(file)
    }
  return { files }
}

function foldersAbove(path: string): readonly string[] {
  if (!path.includes('/')) return NONE
  const steps = path.split('/')
  return steps.slice(1).map((_, index) => steps.slice(0, index + 1).join('/'))
}

const NONE: readonly string[] = []

/** Which of the parts that went into one process a file belongs to; undefined where none says it writes it. */
export function ownerAmong(
  names: readonly string[],
  writes: string,
): (file: string) => string | undefined {
  const places = new Map(names.map((name) => [placeOf(writes, name), name]))
  return (file) => {
    const found = [file, ...foldersAbove(file)].find((path) => places.has(path))
    return found === undefined ? undefined : places.get(found)
  }
}

function placeOf(writes: string, name: string): string {
  const { dir, name: stem } = posix.parse(name)
  return posix.normalize(
    writes
      .replaceAll('{name}', () => name)
      .replaceAll('{stem}', () => (dir === '' ? stem : `${dir}/${stem}`)),
  )
}

/** How a folder of parts differs from when the stage last finished. */
export interface PartsChange {
  readonly added: readonly string[]
  readonly modified: readonly string[]
  readonly deleted: readonly string[]
  readonly same: number
}

export function partsChange(
  before: ReadonlyMap<string, string>,
  now: readonly Pick<Part, 'name' | 'digest'>[],
): PartsChange {
  const names = new Set(now.map(({ name }) => name))
  const added = now.filter(({ name }) => !before.has(name))
  const modified = now.filter(({ name, digest }) => before.has(name) && before.get(name) !== digest)
  return {
    added: added.map(({ name }) => name),
    modified: modified.map(({ name }) => name),
    deleted: [...before.keys()].filter((name) => !names.has(name)),
    same: now.length - added.length - modified.length,
  }
}
