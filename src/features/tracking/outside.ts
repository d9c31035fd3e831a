import type { Readable } from 'node:stream'
import { Problem } from '#base/problem'
import type { ArtifactEntry } from './artifact.ts'

/** A file or folder at a path below an address; the path is taken as it is, whatever signs it has. */
export interface OutsideAddress {
  readonly root: string
  /** Empty for the root itself. */
  readonly path: string
}

/**
 * Files that clients keep by themselves, in a folder or a bucket that experiments name: the server looks at them and
 * reads them there. Every call throws `unsupported` for an address that this server does not reach.
 */
export interface OutsideFiles {
  /** What stands directly below a folder; nothing for a file or an address where there is nothing. */
  list(at: OutsideAddress): Promise<ArtifactEntry[]>
  /** The paths of all files below a folder, from there. */
  walk(at: OutsideAddress): Promise<string[]>
  find(at: OutsideAddress): Promise<OutsideFile | undefined>
  /** Throws `not-found`. */
  open(at: OutsideAddress, range?: { start: number; end?: number }): Promise<Readable>
  put(at: OutsideAddress, bytes: Readable | Buffer): Promise<void>
  /** An address by which a client reads or writes the file itself. Throws `unsupported` where there is no such thing. */
  presign(at: OutsideAddress, use: 'read' | 'write', expiresSeconds: number): Promise<string>
}

export interface OutsideFile {
  readonly sizeBytes: number
  /** Another one means other bytes. */
  readonly version: string
}

/** For a server that reads nothing but its own tree. */
export const NOTHING_OUTSIDE: OutsideFiles = {
  list: refuse,
  walk: refuse,
  find: refuse,
  open: refuse,
  put: refuse,
  presign: refuse,
}

async function refuse({ root }: OutsideAddress): Promise<never> {
  throw new Problem(
    'unsupported',
    `the files are kept at ${root}, outside this server; ask that store for them`,
  )
}
