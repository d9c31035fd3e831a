import type { Readable } from 'node:stream'
import { Problem } from '#base/problem'
import type { ArtifactEntry, ArtifactFile } from './artifact.ts'

/** A folder of files in the server's own tree or outside; paths start there. */
export interface ArtifactFolder {
  readonly uri: string
  put(path: string, bytes: Readable | Buffer): Promise<void>
  /** Throws `not-found`, or `invalid` for a folder. */
  find(path: string): Promise<FolderFile>
  list(path: string): Promise<ArtifactEntry[]>
  /** Every file below a path, in the object store: what lies outside is copied there first. */
  files(path: string): Promise<ArtifactFile[]>
  /** An address by which a client reads or writes a file past this server. Throws `invalid` in the server's own tree. */
  presign(path: string, use: 'read' | 'write', expiresSeconds: number): Promise<string>
}

/** A file that was found, and can be opened. */
export interface FolderFile {
  readonly path: string
  readonly sizeBytes: number
  /** Another one means other bytes; the digest, where it is known. */
  readonly version: string
  open(range?: { start: number; end?: number }): Promise<Readable>
}

export function isFolder(path: string): Problem {
  return new Problem('invalid', `${path} is a folder; list it, and get its files one by one`)
}

export function noSuchArtifact(path: string): Problem {
  return new Problem('not-found', `No such artifact: '${path}'; list its folder`)
}
