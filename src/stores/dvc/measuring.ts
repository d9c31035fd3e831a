import type { Clock } from '#base/clock'
import type { DataStep, TreeEntry } from '#data'
import type { FolderSight, HashCache } from './hash-cache.ts'

/** How the list of a folder is written, which is what its hash is taken of. */
export interface TreeFormat {
  print(entries: readonly TreeEntry[]): string
  /** Undefined for a text that is no such list. */
  read(text: string): TreeEntry[] | undefined
  /** Why a text is no such list. */
  fault?(text: string): string
}

/** Whether the project's rules leave a path out; `plain` where only those hold that DVC has of itself. */
export type Ignores = ((path: string, kind: 'file' | 'folder') => boolean) & {
  readonly plain?: boolean
}

export interface Measuring {
  readonly root: string
  readonly hashes: HashCache
  readonly trees: TreeFormat
  readonly clock: Clock
  /** The project's ignore rules as they hold for what lies in a folder. */
  readonly rulesIn: (folder: string) => Ignores
  readonly onStep?: ((step: DataStep) => void) | undefined
}

export type SeenFolder = FolderSight

/** A file whose hash has to be taken: where it goes in what was seen. */
export interface UnknownFile {
  readonly folder: SeenFolder
  readonly index: number
  readonly name: string
}

export function parentOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
}
