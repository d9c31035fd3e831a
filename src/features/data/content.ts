/** What a file or a folder holds, named by DVC's hash of it. */
export interface Content {
  /** 32 hex digits, followed by `.dir` for a folder. */
  readonly md5: string
  readonly sizeBytes?: number
  /** How many files a folder holds. */
  readonly files?: number
  /** A single file that its owner may execute. Folders do not keep this. */
  readonly executable?: boolean
  /** Hashed as DVC 2 did it, with the line ends of text made alike, and kept apart in the cache. */
  readonly legacy?: boolean
}

/** One file of a folder: its path below the folder, and its hash. */
export interface TreeEntry {
  readonly path: string
  readonly md5: string
}

/** A file that buckets may keep in versions: the one that is meant, by the remote's name. */
export interface VersionedFile extends TreeEntry {
  readonly versions?: ReadonlyMap<string, string>
}

/** Content with the files of a folder. */
export interface Measured {
  readonly content: Content
  /** Undefined for a single file. */
  readonly entries?: readonly TreeEntry[]
}

/** A dataset version as others name it: a path of the project and what it held. */
export interface DataRef {
  readonly path: string
  readonly md5: string
  readonly sizeBytes: number
  readonly files?: number
}

export function isFolder(content: Content): boolean {
  return content.md5.endsWith('.dir')
}

/** Same bytes; sizes and modes are descriptions, never identity. */
export function sameContent(one: Content | undefined, other: Content | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.md5 === other.md5 && (one.legacy ?? false) === (other.legacy ?? false)
}

export function dataRef(path: string, content: Content): DataRef {
  return {
    path,
    md5: content.md5,
    sizeBytes: content.sizeBytes ?? 0,
    ...(content.files === undefined ? {} : { files: content.files }),
  }
}
