import type { UsageHour } from './hour.ts'

/** What usage needs kept. */
export interface UsageReads {
  /** In the order of time, then of revisions; hours that begin in the span. */
  hours(endpoint: string, span: { fromMs: number; toMs: number }): Promise<UsageHour[]>
}

export interface UsageWrites extends UsageReads {
  /** Adds to what is kept of the same hour and revision. */
  add(hours: readonly UsageHour[]): Promise<void>
  /** Forgets hours that began before. */
  forget(beforeMs: number): Promise<void>
}
