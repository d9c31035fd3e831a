export { keyOf, type AddedFile, type DeletionVector, type Metadata } from './actions.ts'
export { deletedRows, placeOf, vectorIn, type VectorPlace } from './deletion-vector.ts'
export {
  newestIn,
  snapshotOf,
  type LogFile,
  type LogFiles,
  type Snapshot,
  type Wanted,
} from './log.ts'
export { checkReadable, columnsOf } from './schema.ts'
