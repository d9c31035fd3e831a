import type { DifferenceRequest, RowDifference } from './difference.ts'
import type { TableProfile } from './profile.ts'
import type { OnProgress } from './progress.ts'
import type { ColumnInfo, Table } from './table.ts'

/** Files at a path, with their bytes on this machine. */
export interface Found {
  readonly kind: 'file' | 'folder'
  /** Of a folder all files below it. */
  readonly files: readonly FoundFile[]
}

export interface FoundFile {
  /** Absolute path of the bytes. */
  readonly path: string
  /** Below the folder; of a single file its name. */
  readonly name: string
  readonly sizeBytes: number
  /** DVC's hash of it, where it was measured. */
  readonly md5: string | undefined
}

/** Which state of a table: as it lies there now, at a revision of the project, at a version of its own. */
export interface TableVersion {
  /** A commit, a branch or a tag. */
  readonly rev?: string | undefined
  /** A version of a table that has its own log. */
  readonly version?: number | undefined
  /** The version that such a table had at that time. */
  readonly atMs?: number | undefined
}

/** Where tables lie. */
export interface TableSources {
  /**
   * The files at a path, now or at a revision; undefined where nothing is. Throws `not-found` for a revision
   * that there is not, and for bytes that are not on this machine, saying how to fetch them.
   */
  find(path: string, rev: string | undefined): Promise<Found | undefined>
}

/** Tables that keep a log of their own versions. */
export interface TableLogs {
  /** The table at a version, the newest one if none is named; undefined where the files have no log. */
  table(name: string, found: Found, which: TableVersion): Promise<Table | undefined>
}

/** What reads tables. */
export interface TableEngine {
  /** The columns of a table, in its order, by the engine's names of types. */
  columns(table: Table): Promise<ColumnInfo[]>
  rows(table: Table): Promise<number>
  profile(table: Table, onProgress?: OnProgress): Promise<TableProfile>
  difference(
    tables: { readonly old: Table; readonly new: Table },
    request: DifferenceRequest,
  ): Promise<RowDifference>
}
