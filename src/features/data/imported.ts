import type { Content } from './content.ts'

/** What names the state of what lies at an address. */
export interface ImportIdentity {
  readonly content?: Content
  /** What an object store calls a file. */
  readonly etag?: string
  /** What a web server calls it. */
  readonly checksum?: string
  readonly sizeBytes?: number
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
