import type { Severity } from '../alerts/severity.ts'
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
  readonly severity: Severity
  /** Of the rows of the window, where it is about rows. */
  readonly share: number | null
  readonly detail: string
  /** Of the contract, where one of its rules is broken. */
  readonly rule?: string
  /** Some of the predictions that break it. */
  readonly examples?: readonly BrokenRow[]
}

/** A prediction that breaks a rule, or a value that several of them have. */
export interface BrokenRow {
  /** Its id; null for what is no single one. */
  readonly prediction: string | null
  readonly values: Readonly<Record<string, string | number | boolean | null>>
  readonly rows?: number
}

/** What could not be checked, and why. */
export interface Unchecked {
  readonly what: string
  readonly reason: string
}

export type QualityVerdict =
  | { readonly state: 'skipped'; readonly reason: string }
  | {
      readonly state: 'judged'
      readonly rows: number
      readonly issues: readonly QualityIssue[]
      readonly unchecked: readonly Unchecked[]
      /** The share of rows that repeat another one word for word. */
      readonly duplicates: number
      readonly columns: Readonly<Record<string, Look>>
      /** The contract that was held against, and how many of its rules. */
      readonly contract?: { readonly file: string; readonly rules: number }
    }
