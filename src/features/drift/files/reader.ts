import type { WholeRow } from '../together/index.ts'
import type { Tally } from './pair.ts'

/** A table as it is compared: columns as numbers, or how often each of their values is there. */
export interface TableReader {
  readonly name: string
  readonly rows: number
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /**
   * Reads numeric columns once. `take` gets some rows at a time: of each column the values, with not-a-number where a
   * row has none, and the number of each row's span. The arrays are used again after it returns.
   */
  numbers(
    columns: readonly string[],
    spans: Spans | null,
    take: (values: readonly Float64Array[], spans: Float64Array | null) => void,
  ): Promise<void>
  /** How many rows have no value at all, of each of the columns; what is not-a-number is a value here. */
  nulls(columns: readonly string[]): Promise<number[]>
  /** The most frequent values of a column, as text, and how many different ones there are. */
  categories(column: string, most: number): Promise<{ names: string[]; distinct: number }>
  /** How many rows of each span have each of these values; the last count is of all others. */
  counts(column: string, names: readonly string[], spans: Spans | null): Promise<SpanCounts[]>
  /** So many rows drawn by chance, the same ones from the same seed, in their order. */
  sample(columns: readonly string[], of: { rows: number; seed: number }): Promise<WholeRow[]>
  /** How many rows lie in each span; those without a time in none. */
  spans(spans: Spans): Promise<ReadonlyMap<number, number>>
  /** The least and the greatest time of a column, in milliseconds; undefined where it holds none. */
  period(column: string): Promise<{ fromMs: number; toMs: number } | undefined>
}

/** Spans of one length since the epoch, by a time column. */
export interface Spans {
  readonly column: string
  readonly sizeMs: number
}

export interface SpanCounts {
  /** The number of the span since the epoch; null for rows without a time, and where no spans were asked for. */
  readonly span: number | null
  readonly counts: readonly number[]
  readonly missing: number
}

/** Two tables that can be asked together. */
export interface PairReader {
  readonly reference: TableReader
  readonly current: TableReader
  /** How often both have each value of a column; of the current rows those of one span, or all. */
  tally(column: string, at: { spans: Spans; span: number } | null): Promise<Tally>
}
