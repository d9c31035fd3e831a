export {
  dataRef,
  isFolder,
  sameContent,
  type Content,
  type DataRef,
  type Measured,
  type TreeEntry,
  type VersionedFile,
} from './content.ts'
export type { Added, AddHow } from './adding.ts'
export { measuredInCache, outChange, type OutChange, type OutStatus } from './change.ts'
export type { CheckedOut, Checkout } from './checkout.ts'
export type { CommitHow } from './commit.ts'
export type { CloudChange, CloudRequest } from './cloud-status.ts'
export { createData, type Data, type Pulled, type Sharing } from './data.ts'
export type { DataDependencies } from './dependencies.ts'
export type { DataDiff, DiffRequest } from './diff.ts'
export type { DataChange } from './difference.ts'
export { isWithin, nameOf, overlaps, type Out, type Owner } from './out.ts'
export type { KeptHow, KeptPath, Revision, Revisions, RevisionSelection } from './revisions.ts'
export type { Imported, ImportFile, ImportIdentity, ImportRepository } from './imported.ts'
export {
  createImports,
  type AddressImport,
  type ImportDone,
  type Imports,
  type Outdated,
  type RepositoryImport,
  type UpdateRequest,
} from './imports.ts'
export type {
  Addresses,
  ImportCatalog,
  ImportDependencies,
  Offered,
} from './import-dependencies.ts'
export { listingOf, type Listed, type ListingHow } from './listing.ts'
export {
  itemAt,
  namesData,
  type Arrival,
  type OpenSource,
  type Source,
  type SourceFile,
  type SourceItem,
  type SourceRequest,
} from './source.ts'
export type { Standing, StandingRequest } from './standing.ts'
export {
  exclusively,
  type Cache,
  type Catalog,
  type Failed,
  type Moving,
  type ObjectName,
  type Objects,
  type ProjectLock,
  type Remote,
  type Restored,
  type VersionControl,
  type Workspace,
} from './store.ts'
export type { MovedOut } from './move.ts'
export { letGo, type Removed } from './remove.ts'
export type { Courier } from './to-remote.ts'
export type { Moved } from './transfer.ts'
export type { TrackedFiles, WorkTree } from './work-tree.ts'
export type { Collected, CollectedPlace, Collecting, Undone } from './collect.ts'
export type { Freed, GarbagePlan, GarbageRequest, KeptElsewhere, PlacePlan } from './garbage.ts'
export type { DataStep } from './step.ts'
export { wordsOfUser, type Use } from './references.ts'
export type { Bag, BagKind, Lying, Shelf, Trash } from './shelf.ts'
export type { Fault, Finding, Outcome, Scrubbed, ScrubRequest } from './scrubbing.ts'
export type { ProjectReads, RunEntries, RunEntry } from './upkeep-dependencies.ts'
export { createUpkeep, type Upkeep } from './upkeep.ts'
export type { DataEntry, DataVersion } from './version.ts'
