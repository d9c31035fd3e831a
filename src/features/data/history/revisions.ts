import type { Out } from '../out.ts'

/** A state of the project that its version control keeps. */
export interface Revision {
  /** The full hash of the commit. */
  readonly commit: string
  /** What it was asked for by, and what else names it: branches, tags, hashes. */
  readonly names: readonly string[]
}

/** Which revisions are meant; what several of these name is given once. */
export interface RevisionSelection {
  readonly revs?: readonly string[]
  /** So many commits of each of `revs` and of each branch, going back; one, if not said. */
  readonly last?: number
  readonly branches?: boolean
  readonly tags?: boolean
  /** Every commit that a branch, here or of a remote, or a tag leads to. */
  readonly commits?: boolean
  /** Commits that were made at this time or after it. */
  readonly sinceMs?: number
  /** Commits that experiments of dvc are kept in. */
  readonly experiments?: boolean
}

/** A path that version control itself keeps. */
export interface KeptPath {
  /** Relative to the project's root. */
  readonly path: string
  readonly kind: 'file' | 'folder' | 'link'
  readonly executable: boolean
  /** Where it costs nothing to tell. */
  readonly sizeBytes?: number
}

export interface KeptHow {
  /** With what lies in folders below. */
  readonly deep: boolean
  /** With sizes, which cost another look. */
  readonly sizes?: boolean
}

/** What the project's files said at earlier times, read without a checkout. */
export interface Revisions {
  /** The commit that a name means: a branch, a tag, a hash, `HEAD~2`, an experiment. Throws `not-found`. */
  resolve(name: string): Promise<Revision>
  all(selection: RevisionSelection): Promise<Revision[]>
  /** All outs as the files of that commit have them; none where the project did not exist yet. Throws where a file has faults. */
  outsAt(commit: string): Promise<Out[]>
  /** The bytes of a file that version control keeps; undefined where that commit has none. */
  read(commit: string, path: string): Promise<Uint8Array | undefined>
  /** What version control keeps in a folder, or below it; undefined where there is no such folder. */
  kept(commit: string, folder: string, how: KeptHow): Promise<KeptPath[] | undefined>
  /** Files that version control neither keeps nor is told to ignore. */
  untracked(): Promise<string[]>
  /** Ends the process that reads; asking again starts another. */
  close(): void
}
