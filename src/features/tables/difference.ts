import type { OnProgress } from './progress.ts'

/** Which rows are not the same in two tables. */
export interface RowDifference {
  /** What says that two rows are the same thing; none compares whole rows, as often as each is there. */
  readonly keys: readonly string[]
  readonly old: ComparedTable
  readonly new: ComparedTable
  /** Rows of keys that only one of them has, of keys that both have with other values, and with the same. */
  readonly added: number
  readonly removed: number
  readonly changed: number
  readonly unchanged: number
  /** Keys that come more than once: their rows cannot be told apart, so they are in none of these counts. */
  readonly duplicates: {
    readonly oldKeys: number
    readonly oldRows: number
    readonly newKeys: number
    readonly newRows: number
    readonly examples: readonly ShownRow[]
  }
  /** Columns that only one of them has, or that they have in different types; these are compared as values. */
  readonly columns: readonly ColumnChange[]
  /** In how many changed rows each column differs, the most first. */
  readonly changedColumns: readonly { readonly name: string; readonly rows: number }[]
  readonly examples: {
    readonly added: readonly ShownRow[]
    readonly removed: readonly ShownRow[]
    readonly changed: readonly ChangedRow[]
  }
}

export interface ComparedTable {
  readonly name: string
  readonly rows: number
}

export interface ColumnChange {
  readonly name: string
  readonly change: 'added' | 'removed' | 'type'
  readonly old: string | null
  readonly new: string | null
}

/** By column; numbers that a number cannot say exactly are text. */
export type ShownRow = Readonly<Record<string, unknown>>

export interface ChangedRow {
  readonly key: ShownRow
  readonly changes: readonly {
    readonly column: string
    readonly old: unknown
    readonly new: unknown
  }[]
}

export interface DifferenceRequest {
  readonly keys: readonly string[]
  /** So many rows of each kind are shown. */
  readonly examples: number
  /** Absolute path of a Parquet file for all rows that differ. */
  readonly out?: string | undefined
  readonly onProgress?: OnProgress | undefined
}
