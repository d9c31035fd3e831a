import type { Readable } from 'node:stream'

export interface StoredObject {
  /** SHA-256 of the bytes, 64 hex digits: the object's only name. */
  readonly digest: string
  readonly sizeBytes: number
}

/** Bytes by their digest, for ever or until nothing reaches them. Putting the same bytes twice keeps them once. */
export interface ObjectStore {
  /** Resolves when the bytes are durable. With `expected`, bytes of another digest are refused with an `invalid` problem. */
  put(bytes: Readable | Buffer, expected?: string): Promise<StoredObject>
  /** The bytes, from `start` to `end` inclusive if given. Throws `not-found`. */
  open(digest: string, range?: { start: number; end?: number }): Promise<Readable>
  find(digest: string): Promise<StoredObject | undefined>
  /** Makes the object a file at `path` that must not be written to; folders above it are made. Throws `not-found`. */
  place(digest: string, path: string): Promise<void>
}
