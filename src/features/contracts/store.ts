import type { Table } from '#tables'
import type { LogicalType, Plain, Test } from './rule.ts'
import type { Example } from './report.ts'

export interface TableColumn {
  readonly name: string
  /** What a contract calls it; undefined for types that it has no word for. */
  readonly type: LogicalType | undefined
  /** The engine's own word. */
  readonly physicalType: string
  /** Values of a text format: a type is then what they look like. */
  readonly guessed: boolean
}

/** What a test measured: a number, or why it could not be measured. */
export type Measured =
  | {
      readonly kind: 'counted'
      /** Rows that break the test, or the number that it is about. */
      readonly value: number
    }
  | { readonly kind: 'impossible'; readonly reason: string }

/** The rows of some tables, read and never changed. */
export interface OpenTables {
  columns(table: string): Promise<readonly TableColumn[]>
  /** The number of rows, and for each test what it measured, in the order given; as few scans as possible. */
  measure(
    table: string,
    tests: readonly Test[],
    how: { nowMs: number; onTest: () => void },
  ): Promise<{ rows: number; measured: readonly Measured[] }>
  /** The first rows that break a test. */
  examples(table: string, test: Test, limit: number): Promise<readonly Example[]>
  /** What stands in a table, column by column. */
  facts(table: string): Promise<TableFacts>
  close(): Promise<void>
}

export interface TableEngine {
  /** Opens tables by the names that statements give them; nothing else can be read through them. */
  open(
    tables: ReadonlyMap<string, Table>,
    /** Names of columns whose values are text whatever they look like. */
    how?: { texts?: ReadonlyMap<string, readonly string[]>; signal?: AbortSignal },
  ): Promise<OpenTables>
}

export interface TableFacts {
  readonly rows: number
  readonly columns: readonly ColumnFacts[]
}

export interface ColumnFacts extends TableColumn {
  readonly nulls: number
  readonly nan: number
  readonly infinite: number
  /** Values that are not null. */
  readonly distinct: number
  /** Finite ones. */
  readonly min: Plain | null
  readonly max: Plain | null
  readonly minLength: number | null
  readonly maxLength: number | null
  /** All of them, the most frequent first, where they are few. */
  readonly values: readonly { readonly value: Plain; readonly rows: number }[] | null
  /** Names of the shapes that all values have: `uuid`, `email`. */
  readonly shapes: readonly string[]
}
