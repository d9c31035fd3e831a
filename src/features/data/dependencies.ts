import type { Cache, Catalog, ProjectLock, Remote, VersionControl, Workspace } from './store.ts'

export interface DataDependencies {
  readonly workspace: Workspace
  readonly cache: Cache
  readonly catalog: Catalog
  readonly versionControl: VersionControl
  /** The remote of that name, or the default one; throws a `Problem` where there is none. */
  readonly remote: (name: string | undefined) => Promise<Remote>
  /** Held, in this order, while data changes. */
  readonly locks: readonly ProjectLock[]
}
