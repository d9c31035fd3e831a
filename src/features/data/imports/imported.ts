import type { Content } from '../content.ts'

/** What names the state of what lies at an address. */
export interface ImportIdentity {
  readonly content?: Content
  /** What an object store calls a file. */
  readonly etag?: string
  /** Which of its versions, where it keeps them. */
  readonly version?: string
  /** Of a folder of an object store: the sum over what it calls the files. */
  readonly listing?: Content
  /** The files of such a folder with their versions. */
  readonly files?: readonly ImportFile[]
  /** What a web server calls it. */
  readonly checksum?: string
  readonly sizeBytes?: number
}

/** A file below an address of an object store. */
export interface ImportFile {
  readonly path: string
  readonly etag: string
  readonly sizeBytes: number
  readonly version?: string
}

export interface ImportRepository {
  readonly url: string
  /** A branch or a tag to follow; the repository's own choice, if not said. */
  readonly rev?: string
  /** The commit that the data is from. */
  readonly revLock?: string
  readonly config?: string
  readonly remote?: string | Readonly<Record<string, string>>
}

/** Data that came from elsewhere, as its `.dvc` file has it. */
export interface Imported {
  /** The path in the repository, or the address. */
  readonly from: string
  readonly repository?: ImportRepository
  readonly identity?: ImportIdentity
  readonly settings?: Readonly<Record<string, string | boolean>>
  /** Relative to the `.dvc` file. */
  readonly out: string
  /** Undefined if it was not fetched yet. */
  readonly content: Content | undefined
  readonly push?: false
}
