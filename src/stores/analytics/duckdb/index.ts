import type { Profile, ProfileRequest } from '#monitoring'
import { createEngine, type Row } from './engine.ts'
import { writeParquet, type Column } from './parquet.ts'
import { profileOf } from './profile.ts'
import type { Sql } from './sql.ts'

export type { Row } from './engine.ts'
export type { Column, ColumnType } from './parquet.ts'
export { joined, name, rowsOf, sql, type Bound, type Sql } from './sql.ts'

/** Columns and windows over files: DuckDB in memory, loaded at first use, one statement at a time. */
export interface Analytics {
  /** Every row of the answer. Whole numbers are numbers, timestamps are dates, JSON is text. */
  query(statement: Sql): Promise<Row[]>
  /** Writes a new Parquet file, in the rows' order or sorted, and gives the number of rows. */
  writeParquet(
    file: string,
    table: {
      columns: readonly Column[]
      rows: Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>
      orderBy?: readonly string[]
    },
  ): Promise<number>
  /** What the columns of some files look like: the reference that windows are compared with. */
  profile(request: ProfileRequest): Promise<Profile>
  close(): Promise<void>
}

export function openAnalytics(
  options: { memoryMb?: number; threads?: number; spillFolder?: string } = {},
): Analytics {
  const { memoryMb = 512, threads = 2, ...rest } = options
  const engine = createEngine({ memoryMb, threads, ...rest })
  return {
    query: (statement) => engine.session((session) => session.rows(statement)),
    writeParquet: (file, table) => engine.session((session) => writeParquet(session, file, table)),
    profile: (request) => engine.session((session) => profileOf(session, request)),
    close: () => engine.close(),
  }
}
