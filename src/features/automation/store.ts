import type { Backfill, BackfillDate, DateState } from './backfill.ts'
import type { PolicyRun, TriggerKind } from './policy-run.ts'

export interface PolicyRunReads {
  find(id: string): Promise<PolicyRun | undefined>
  /** Newest first. */
  list(page: {
    limit: number
    before?: string
    project?: string
    policy?: string
    state?: PolicyRun['state']
  }): Promise<PolicyRun[]>
  /** The newest run of a policy, or of those that such triggers caused. */
  newest(
    project: string,
    policy: string,
    kinds?: readonly TriggerKind[],
  ): Promise<PolicyRun | undefined>
  /** The run that made a version, of those that went well. */
  makerOf(modelVersion: string): Promise<PolicyRun | undefined>
  /** Runs that run or wait for their turn, oldest first. */
  open(): Promise<PolicyRun[]>
  /** How many runs of a policy were begun at that time or later. */
  countSince(project: string, policy: string, sinceMs: number): Promise<number>
}

export interface PolicyRunWrites extends PolicyRunReads {
  save(run: PolicyRun): Promise<void>
}

/** How far something outside of the ledger was looked at: a schedule, a branch, a table. */
export interface Mark {
  readonly kind: 'schedule' | 'branch' | 'table'
  readonly project: string
  readonly name: string
  readonly value: string
  readonly atMs: number
}

export type MarkName = Pick<Mark, 'kind' | 'project' | 'name'>

export interface MarkReads {
  mark(name: MarkName): Promise<Mark | undefined>
  marks(kind: Mark['kind']): Promise<Mark[]>
}

export interface MarkWrites extends MarkReads {
  saveMark(mark: Mark): Promise<void>
  dropMark(name: MarkName): Promise<void>
  /** Keeps the key of a call; false when it was there already. */
  takeKey(project: string, key: string, atMs: number): Promise<boolean>
}

export type AutomationReads = PolicyRunReads & MarkReads & BackfillReads
export type AutomationWrites = PolicyRunWrites & MarkWrites & BackfillWrites

export type DateCounts = Readonly<Record<DateState, number>>

export interface BackfillReads {
  findBackfill(id: string): Promise<Backfill | undefined>
  /** Newest first. */
  listBackfills(page: { limit: number; before?: string; project?: string }): Promise<Backfill[]>
  findDate(backfill: string, number: number): Promise<BackfillDate | undefined>
  /** In their order. */
  dates(
    backfill: string,
    page: { limit: number; after?: number; state?: DateState },
  ): Promise<BackfillDate[]>
  countDates(backfill: string): Promise<DateCounts>
}

export interface BackfillWrites extends BackfillReads {
  saveBackfill(backfill: Backfill): Promise<void>
  saveDates(dates: readonly BackfillDate[]): Promise<void>
  /** Those that wait wait no more. */
  cancelDates(backfill: string): Promise<void>
  /** Those that failed or were cancelled wait again; gives how many. */
  reopenDates(backfill: string): Promise<number>
}
