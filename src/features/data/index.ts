export {
  dataRef,
  isFolder,
  sameContent,
  type Content,
  type DataRef,
  type Measured,
  type TreeEntry,
} from './content.ts'
export type { Added } from './adding.ts'
export { isInCache, measuredInCache, outChange, type OutChange, type OutStatus } from './change.ts'
export type { CheckedOut, Checkout } from './checkout.ts'
export { createData, type Data, type Pulled } from './data.ts'
export type { DataDependencies } from './dependencies.ts'
export { isWithin, nameOf, overlaps, type Out, type Owner } from './out.ts'
export {
  exclusively,
  type Cache,
  type Catalog,
  type Failed,
  type ObjectName,
  type Objects,
  type ProjectLock,
  type Remote,
  type Restored,
  type VersionControl,
  type Workspace,
} from './store.ts'
export type { Moved } from './transfer.ts'
