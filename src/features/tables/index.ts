export type {
  ChangedRow,
  ColumnChange,
  DifferenceRequest,
  RowDifference,
  ShownRow,
} from './difference.ts'
export {
  PROFILE_VERSION,
  type ColumnKind,
  type ColumnProfile,
  type Histogram,
  type ProfileStore,
  type TableProfile,
} from './profile.ts'
export type { OnProgress } from './progress.ts'
export type {
  Found,
  FoundFile,
  TableEngine,
  TableLogs,
  TableSources,
  TableVersion,
} from './store.ts'
export type {
  ColumnInfo,
  LoggedColumn,
  LoggedType,
  Packing,
  Partition,
  PlainType,
  Table,
  TableFile,
  TableFormat,
} from './table.ts'
export { createTables, type Profiled, type Tables, type TablesDependencies } from './tables.ts'
