export {
  dataRef,
  isFolder,
  sameContent,
  type Content,
  type DataRef,
  type Measured,
  type TreeEntry,
} from './content.ts'
export {
  createData,
  isInCache,
  measuredInCache,
  outChange,
  type Added,
  type CheckedOut,
  type Checkout,
  type Data,
  type DataDependencies,
  type OutChange,
  type OutStatus,
  type Pulled,
} from './data.ts'
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
