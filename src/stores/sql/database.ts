import type { Kysely } from 'kysely'
import type { Problem } from '#base/problem'
import type { Presence } from '#replicas'
import type { Boundaries } from './group-commit.ts'
import type { Room } from './room.ts'

/** A database that the stores run on, whichever it is. */
export interface Database {
  /** Reads that never wait for the writers. */
  readonly reading: Kysely<unknown>
  /** The one connection that writes; only inside `boundaries`. */
  readonly writing: Kysely<unknown>
  readonly boundaries: Boundaries
  /** Whether other processes may write to it at the same time. */
  readonly isShared: boolean
  /** Which processes are there, where several may be. */
  readonly presence?: Presence
  /** Whether a newer version has migrated the database under this process, which then can use it no longer. */
  isOutdated(): Promise<boolean>
  /** The space on its disk, where it is a file of this machine. */
  readonly room?: Room
  /** Gives the space of removed rows back to the disk, where the database does not do so by itself. */
  reclaim(): Promise<void>
  /** What an error of the database means to whoever asked; undefined for those that are bugs. */
  problemOf(error: unknown): Problem | undefined
  close(): Promise<void>
}
