import type { Content, TreeEntry } from '../content.ts'
import type { Out } from '../out.ts'
import type { Revisions } from '../history/revisions.ts'
import type { Shelf } from './shelf.ts'
import type { Cache, ProjectLock, Remote, Workspace } from '../store.ts'

/** What a run brought forth, as the run cache has it. */
export interface RunEntry {
  /** Its file, as people may look for it. */
  readonly name: string
  readonly outs: readonly (Content & { readonly path: string })[]
  /** Whether the cache has all of its outputs. */
  readonly whole: boolean
  /** Whether it is the run that its name says. */
  readonly right: boolean
}

export interface RunEntries {
  all(): AsyncIterable<RunEntry>
}

/** A project's files as they stand, and as they stood. */
export interface ProjectReads {
  /** Throws a `Problem` where a file cannot be read: what is not understood must not count as nothing. */
  allOuts(): Promise<Out[]>
  /** Undefined for a project without Git. */
  readonly revisions: Revisions | undefined
}

export interface UpkeepDependencies extends ProjectReads {
  readonly workspace: Workspace
  readonly cache: Cache
  readonly remote: (name: string | undefined) => Promise<Remote>
  /** Held, in this order, while anything changes. */
  readonly locks: readonly ProjectLock[]
  readonly shelf: Shelf
  readonly shelfOf: (remote: string | undefined) => Promise<Shelf>
  /** The files that the text of a folder's list names; undefined where it is none, or names what no list may. */
  readonly readList: (text: string) => readonly TreeEntry[] | undefined
  /** Links below a path of the project that lead to nothing. */
  readonly brokenLinks: (path: string) => Promise<readonly string[]>
  readonly runs: RunEntries
  readonly projectAt: (root: string) => Promise<ProjectReads>
  readonly nowMs: () => number
}
