import type { Actor, Edge, Entry, Fact, Ref } from './fact.ts'
import type { Hash } from './merkle.ts'

/** What the ledger needs to read. Positions count from 0 without gaps. */
export interface LedgerReads {
  /** Number of entries. */
  size(): Promise<number>
  /** Entries from `after` + 1 on, in order; `after` -1 starts at the first. */
  list(page: { after: number; limit: number; types?: readonly string[] }): Promise<Entry[]>
  /** The newest entries first. */
  newest(page: { before?: number; limit: number; types?: readonly string[] }): Promise<Entry[]>
  find(position: number): Promise<Entry | undefined>
  /** The exact texts that were hashed. */
  texts(page: { after: number; limit: number }): Promise<{ position: number; text: string }[]>
  node(level: number, index: number): Promise<Hash>
  checkpoints(): Promise<{ size: number; note: string; atMs: number }[]>
  /** The last head that was signed, or undefined before the first. */
  newestCheckpoint(): Promise<{ size: number; note: string; atMs: number } | undefined>
  /** Edges that leave `from`, in the order they were written. */
  edgesFrom(from: Ref): Promise<(Edge & { position: number })[]>
  edgesTo(to: Ref): Promise<(Edge & { position: number })[]>
  cursor(name: string): Promise<number>
}

/** What a transaction may add. There is no way to change or remove an entry. */
export interface LedgerWrites extends LedgerReads {
  /** Appends facts in order and gives their positions. Kept together with the rest of the transaction, or not at all. */
  append(actor: Actor, facts: readonly Fact[]): Promise<number[]>
  saveCheckpoint(checkpoint: { size: number; note: string; atMs: number }): Promise<void>
  saveCursor(name: string, position: number): Promise<void>
}

/**
 * Runs `work` in one transaction: all of it is kept, or none. Concurrent callers share a commit; the
 * promise resolves after it is durable. `work` awaits nothing but the stores it is given.
 */
export type Transact<Stores> = <T>(
  work: (tx: Stores & { ledger: LedgerWrites }) => Promise<T>,
) => Promise<T>
