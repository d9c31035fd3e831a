import type { Actor, Edge, Entry, Fact, Ref } from './fact.ts'
import type { Hash, Node } from './merkle.ts'

/** What the ledger needs to read. Positions count from 0 without gaps. */
export interface LedgerReads {
  /** Number of entries. */
  size(): Promise<number>
  /** Entries from `after` + 1 on, in order; `after` -1 starts at the first. */
  list(page: { after: number; limit: number; types?: readonly string[] }): Promise<Entry[]>
  /** The newest entries first. */
  newest(page: { before?: number; limit: number; types?: readonly string[] }): Promise<Entry[]>
  find(position: number): Promise<Entry | undefined>
  node(level: number, index: number): Promise<Hash>
  /** The last head that was signed, or undefined before the first. */
  newestCheckpoint(): Promise<{ size: number; note: string; atMs: number } | undefined>
  /** Edges that leave `from`, in the order they were written. */
  edgesFrom(from: Ref): Promise<(Edge & { position: number })[]>
  edgesTo(to: Ref): Promise<(Edge & { position: number })[]>
  cursor(name: string): Promise<number>
}

/** Everything that is kept of a ledger, bare, for the one who doubts it. Ranges are half open. */
export interface LedgerEvidence {
  /** Entries from position `after` + 1 on, in order. */
  kept(page: { after: number; limit: number }): Promise<KeptEntry[]>
  nodes(range: { level: number; from: number; until: number }): Promise<Omit<Node, 'level'>[]>
  /** The projection by which lineage is walked, in the order of entries and of the edges in each. */
  edges(range: { from: number; until: number }): Promise<(Edge & { position: number })[]>
  /** Signed heads of so many entries, smallest first. */
  checkpoints(range: { from: number; until: number }): Promise<{ size: number; note: string }[]>
  totals(): Promise<{ nodes: number; edges: number }>
}

/** The exact text that was hashed, and the columns beside it by which entries are searched. */
export interface KeptEntry {
  readonly position: number
  readonly text: string
  readonly type: string
  readonly atMs: number
  readonly eventMs: number | null
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
