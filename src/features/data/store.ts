import type { Content, Measured, TreeEntry } from './content.ts'
import type { Out } from './out.ts'

/** The project's folder. Paths are relative to its root, with slashes. */
export interface Workspace {
  /**
   * What is at a path now, undefined where nothing is. Remembers hashes by inode, times and size, so that
   * asking again costs a look at the file system only. Throws a `Problem` for what cannot be kept as data.
   */
  measure(path: string, as?: { legacy: boolean }): Promise<Measured | undefined>
  exists(path: string): Promise<boolean>
  /** Whether the project's own rules leave the path out of its data. */
  isIgnored(path: string): Promise<boolean>
  /** Puts what is at `path`, which was just measured, into the cache. Throws `conflict` if it changed meanwhile. */
  keep(path: string, measured: Measured, how?: KeepHow): Promise<void>
  /** Makes `path` hold that content out of the cache, leaving files that are right already untouched. */
  restore(path: string, wanted: Measured, how: RestoreHow): Promise<Restored>
  /** Makes files that are links into the cache files of their own, to be written to. */
  unlink(path: string): Promise<void>
}

export interface KeepHow {
  /** Leaves the files as they are where the project wants links into the cache. */
  readonly noRelink?: boolean
}

export interface RestoreHow {
  readonly force: boolean
  /** For what Git keeps: no links into the cache. */
  readonly copy?: boolean
  /** Files that are right are placed anew as well, as the project wants them linked now. */
  readonly relink?: boolean
}

export type Restored = 'unchanged' | 'added' | 'modified'

/** Objects by hash: the cache, or a remote. */
export interface Objects {
  /** Of these objects, those that are not there (or not whole). */
  missing(objects: readonly ObjectName[]): Promise<ObjectName[]>
  /** The files of a folder, undefined if its list is not there. */
  tree(folder: Content): Promise<TreeEntry[] | undefined>
}

export interface ObjectName {
  readonly md5: string
  readonly legacy: boolean
}

/** The cache on this machine. */
export interface Cache extends Objects {
  /** Whether all of it is there: a folder's list and every file. */
  holds(content: Content): Promise<boolean>
  /** Keeps the list of a folder and gives its hash. */
  keepTree(entries: readonly TreeEntry[]): Promise<string>
}

/** Where data is shared. An object is there wholly or not at all. */
export interface Remote extends Objects {
  readonly name: string
  /**
   * Told what the project's files say, before it is asked for any of it: a bucket that keeps versions is laid
   * out by the project's paths, and only the files know which version holds an object. Others need not know.
   */
  readonly learn?: (outs: readonly Out[]) => void
  /** Copies objects between the cache and here; those that fail are given back with the reason. */
  upload(objects: readonly ObjectName[], moving?: Moving): Promise<Failed[]>
  download(objects: readonly ObjectName[], moving?: Moving): Promise<Failed[]>
}

/** How objects are moved; a remote that has its own ways may not look at it. */
export interface Moving {
  /** So many at a time. */
  readonly jobs?: number
  /** Called as bytes pass, and as objects arrive. Bytes that have to go once more are taken back. */
  readonly onDone?: ((objects: number, sizeBytes: number) => void) | undefined
  /** Called when more are known to be moved. */
  readonly onMore?: ((objects: number) => void) | undefined
  /** Called when it is known of some of them how large they are. */
  readonly onSize?: ((objects: number, sizeBytes: number) => void) | undefined
}

export interface Failed {
  readonly object: ObjectName
  readonly reason: string
  /** It is not there, which is no fault of the way to it. */
  readonly absent?: boolean
}

/** What the project's files say about its data. */
export interface Catalog {
  /** All outs, in the order of their files' paths. */
  outs(): Promise<Out[]>
  /** Writes the new content of an out into its `.dvc` file, which is made if there is none. */
  saveTracked(file: string, path: string, content: Content): Promise<void>
}

/** What the project's version control has to know and to say. */
export interface VersionControl {
  isTracked(path: string): Promise<boolean>
  isIgnored(path: string): Promise<boolean>
  /** Sees to it that the path is ignored; gives the changed ignore file, if one changed. */
  ignore(path: string): Promise<string | undefined>
  /** Stages files if the project wants that done for it. */
  stage(files: readonly string[]): Promise<void>
}

/** Keeps other processes, dvc among them, from changing the project's data meanwhile. */
export interface ProjectLock {
  /** Waits for its turn, a few seconds at most; gives what ends it. Throws `unavailable`. */
  acquire(): Promise<() => void>
}

/** Runs `work` while the locks are held. */
export async function exclusively<T>(
  locks: readonly ProjectLock[],
  work: () => Promise<T>,
): Promise<T> {
  const releases: (() => void)[] = []
  try {
    for (const lock of locks) releases.push(await lock.acquire())
    return await work()
  } finally {
    for (const release of releases.toReversed()) release()
  }
}

/** Takes something of this machine to a remote; what it needs on the way is gone when it is closed. */
export interface Courier {
  readonly workspace: Workspace
  readonly cache: Cache
  readonly remote: Remote
  /** Told as it goes there. */
  readonly moving: Moving
  /** What is taken, as the courier's workspace names it. */
  readonly path: string
  close(): Promise<void>
}
