import type { Readable } from 'node:stream'

export interface StoredObject {
  /** SHA-256 of the bytes, 64 hex digits: the object's only name. */
  readonly digest: string
  readonly sizeBytes: number
}

export interface ListedObject extends StoredObject {
  /** When these bytes were last put. */
  readonly modifiedMs: number
}

/** Bytes by their digest, for ever or until nothing reaches them. Putting the same bytes twice keeps them once. */
export interface ObjectStore {
  /**
   * Resolves when the bytes are durable. With `expected`, bytes of another digest are refused with an `invalid` problem.
   * Bytes that are there already count as put now, so that a collector spares what somebody is about to refer to.
   */
  put(bytes: Readable | Buffer, expected?: string): Promise<StoredObject>
  /** The bytes, from `start` to `end` inclusive if given. Throws `not-found`. */
  open(digest: string, range?: { start: number; end?: number }): Promise<Readable>
  find(digest: string): Promise<StoredObject | undefined>
  /** Makes the object a file at `path` that must not be written to; folders above it are made. Throws `not-found`. */
  place(digest: string, path: string): Promise<void>
  /** Objects in the order of their digests, from the one behind `after`; fewer than `limit` are the last. */
  list(after?: string, limit?: number): Promise<ListedObject[]>
  /** Frees the bytes; an object that is not there is fine. */
  remove(digest: string): Promise<void>
  /** How clients reach the bytes past this server, where the store can do that. */
  readonly direct?: DirectTransfers
}

/** Transfers between a client and the place where the bytes lie, by addresses that need no login and end by themselves. */
export interface DirectTransfers {
  downloadUrl(
    digest: string,
    options: { name: string; type: string; expiresSeconds: number },
  ): Promise<string>
  /** Begins an upload, with an address for each of its parts. */
  beginUpload(parts: number): Promise<{ id: string; urls: string[] }>
  /** Joins the parts and keeps them under their digest. Asked again, it goes on where it was. Throws `not-found`, `invalid`. */
  finishUpload(
    id: string,
    parts: readonly { number: number; etag: string }[],
  ): Promise<StoredObject>
  abortUpload(id: string): Promise<void>
}
