import type { Severity } from '../findings.ts'
import type { Look } from './look.ts'

/** What is looked for in each column, and in the rows as a whole. */
export type QualityCheck =
  | 'vanished'
  | 'type'
  | 'missing'
  | 'infinite'
  | 'range'
  | 'new-categories'
  | 'stuck'
  | 'stale'
  | 'unit'
  | 'duplicates'
  | 'contract'

/** Something that is not as the training data promises. */
export interface QualityIssue {
  /** Empty for the rows as a whole. */
  readonly column: string
  readonly check: QualityCheck
  /** `critical` is told at once, `warning` when it lasts. */
  readonly severity: Severity
  /** Of the rows of the window, where it is about rows. */
  readonly share: number | null
  readonly detail: string
}

export type QualityVerdict =
  | { readonly state: 'skipped'; readonly reason: string }
  | {
      readonly state: 'judged'
      readonly rows: number
      readonly issues: readonly QualityIssue[]
      /** What could not be checked, and why. */
      readonly unchecked: readonly { readonly what: string; readonly reason: string }[]
      /** The share of rows that repeat another one word for word. */
      readonly duplicates: number
      readonly columns: Readonly<Record<string, Look>>
    }
