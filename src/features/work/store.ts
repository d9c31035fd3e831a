import type { Job, NewJob } from './job.ts'

export interface WorkReads {
  find(key: string): Promise<Job | undefined>
  /** Jobs that are waiting or running, oldest first. */
  open(kinds?: readonly string[]): Promise<Job[]>
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
  extend(id: string, owner: string, untilMs: number): Promise<boolean>
  complete(id: string): Promise<void>
  retry(id: string, error: string, runAfterMs: number): Promise<void>
  fail(id: string, error: string): Promise<void>
  /** Frees every lease: for a store with one server, when that server starts. */
  releaseAll(): Promise<number>
}
