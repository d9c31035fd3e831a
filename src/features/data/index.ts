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
export type { CloudChange, CloudRequest } from './history/cloud-status.ts'
export { createData, type Data, type Pulled, type Sharing } from './data.ts'
export type { DataDependencies } from './dependencies.ts'
export type { DataDiff, DiffRequest } from './history/diff.ts'
export type { DataChange } from './history/difference.ts'
export { isWithin, nameOf, overlaps, type Out, type Owner } from './out.ts'
export type {
  KeptHow,
  KeptPath,
  Revision,
  Revisions,
  RevisionSelection,
} from './history/revisions.ts'
export type { Imported, ImportFile, ImportIdentity, ImportRepository } from './imports/imported.ts'
export {
  createImports,
  type AddressImport,
  type ImportDone,
  type Imports,
  type Outdated,
  type RepositoryImport,
  type UpdateRequest,
} from './imports/imports.ts'
export type {
  Addresses,
  ImportCatalog,
  ImportDependencies,
  Offered,
} from './imports/dependencies.ts'
export { listingOf, rowAt, type Listed, type ListingHow } from './imports/listing.ts'
export {
  itemAt,
  namesData,
  type Arrival,
  type OpenSource,
  type Source,
  type SourceFile,
  type SourceItem,
  type SourceRequest,
} from './imports/source.ts'
export type { Standing, StandingRequest } from './history/standing.ts'
export {
  exclusively,
  type Cache,
  type Catalog,
  type Courier,
  type Failed,
  type Moving,
  type ObjectName,
  type Objects,
  type ProjectLock,
  type Remote,
  type KeepHow,
  type RestoreHow,
  type Restored,
  type VersionControl,
  type Workspace,
} from './store.ts'
export type { MovedOut } from './move.ts'
export type { RunHistory, RunPlaces } from './runs.ts'
export { letGo, type Removed } from './remove.ts'
export type { Moved } from './transfer.ts'
export type { TrackedFiles, WorkTree } from './work-tree.ts'
export type { Collected, CollectedPlace, Collecting, Undone } from './upkeep/collect.ts'
export type {
  Freed,
  GarbagePlan,
  GarbageRequest,
  KeptElsewhere,
  PlacePlan,
} from './upkeep/garbage.ts'
export { movingSteps, type DataStep } from './step.ts'
export { wordsOfUser, type Use } from './upkeep/references.ts'
export type { Bag, BagKind, Lying, Shelf, Trash } from './upkeep/shelf.ts'
export type { Fault, Finding, Outcome, Scrubbed, ScrubRequest } from './upkeep/scrubbing.ts'
export type { ProjectReads, RunEntries, RunEntry } from './upkeep/dependencies.ts'
export { createUpkeep, type Upkeep } from './upkeep/upkeep.ts'
export type { DataEntry, DataVersion } from './history/version.ts'
