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
export type {
  Found,
  FoundFile,
  OnProgress,
  TableEngine,
  TableLogs,
  TableSources,
  TableVersion,
} from './store.ts'
export {
  formatOf,
  type ColumnInfo,
  type LoggedColumn,
  type LoggedType,
  type Packing,
  type Partition,
  type PlainType,
  type Table,
  type TableFile,
  type TableFormat,
} from './table.ts'
export { createTables, type Profiled, type Tables, type TablesDependencies } from './tables.ts'
