export type {
  Found,
  FoundFile,
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
export { createTables, type Tables, type TablesDependencies } from './tables.ts'
