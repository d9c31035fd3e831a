import type { Job, NewJob } from './job.ts'

export interface WorkReads {
  find(key: string): Promise<Job | undefined>
  /** Jobs that are waiting or running, oldest first. */
  open(kinds?: readonly string[]): Promise<Job[]>
  /** Whoever has taken jobs that are not done. */
  owners(): Promise<string[]>
}

export interface WorkWrites extends WorkReads {
  /** Keeps the job unless one with its key exists, whatever became of that one. */
  enqueue(jobs: readonly NewJob[]): Promise<void>
  /** Takes the oldest due job of these kinds whose lease is free, and counts the attempt. */
  lease(claim: {
    kinds: readonly string[]
    owner: string
    nowMs: number
    untilMs: number
  }): Promise<Job | undefined>
  /** Whether `owner` still had the lease, which then lasts until `untilMs`. */
  extend(id: string, owner: string, untilMs: number): Promise<boolean>
  // These end a lease; they do nothing when `owner` has lost it to another.
  complete(id: string, owner: string): Promise<void>
  retry(id: string, owner: string, how: { error: string; runAfterMs: number }): Promise<void>
  fail(id: string, owner: string, error: string): Promise<void>
  /** Gives the job back as if it had not been tried. */
  release(id: string, owner: string): Promise<void>
  /** Frees the leases of those who have ended; each counts as a cut and not as an attempt. */
  releaseOf(owners: readonly string[]): Promise<number>
  /** Frees every lease, for a store with one server, when that server starts; each counts as a cut and not as an attempt. */
  releaseAll(): Promise<number>
}
