import type { Profiler } from '#monitoring'
import { createEngine, type Columns, type Row, type Session } from './engine.ts'
import { writeParquet, type ParquetTable } from './parquet.ts'
import { columnNames, profileOf, sampleOf } from './profile.ts'
import type { Sql } from './sql.ts'
import { writeRows, type RowsRequest } from './chosen-rows.ts'

export type { Row } from './engine.ts'
export type { Column, ColumnType } from './parquet.ts'
export { joined, name, rowsOf, sql, type Bound, type RowFile, type Sql } from './sql.ts'

/** Columns and windows over files: DuckDB in memory, loaded at first use, one statement at a time. */
export interface Analytics extends Profiler {
  /** Every row of the answer. Whole numbers are numbers, timestamps are dates, JSON is text. */
  query(statement: Sql): Promise<Row[]>
  /** The same answer by columns. */
  columns(statement: Sql): Promise<Columns>
  /** Writes a new Parquet file, in the rows' order or sorted, and gives the number of rows. */
  writeParquet(file: string, table: ParquetTable): Promise<number>
  /** Writes rows of files that are chosen by chance to a new Parquet file. */
  writeRows(file: string, request: RowsRequest): Promise<void>
  /** The engine itself, for those that know it; nobody else's statement comes between. */
  session<T>(use: (session: Session) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export function openAnalytics(
  options: { memoryMb?: number; threads?: number; spillFolder?: string } = {},
): Analytics {
  const { memoryMb = 512, threads = 2, ...rest } = options
  const engine = createEngine({ memoryMb, threads, ...rest })
  return {
    query: (statement) => engine.session((session) => session.rows(statement)),
    columns: (statement) => engine.session((session) => session.columns(statement)),
    writeParquet: (file, table) => engine.session((session) => writeParquet(session, file, table)),
    writeRows: (file, request) => engine.session((session) => writeRows(session, file, request)),
    columnNames: (file) => engine.session((session) => columnNames(session, file)),
    sample: (request) => engine.session((session) => sampleOf(session, request)),
    profile: (request) => engine.session((session) => profileOf(session, request)),
    session: engine.session,
    close: () => engine.close(),
  }
}
