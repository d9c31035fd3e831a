import type { Revisions } from './history/revisions.ts'
import type { RunPlaces } from './runs.ts'
import type {
  Cache,
  Catalog,
  Courier,
  ProjectLock,
  Remote,
  VersionControl,
  Workspace,
} from './store.ts'
import type { TrackedFiles, WorkTree } from './work-tree.ts'

export interface DataDependencies {
  readonly workspace: Workspace
  readonly cache: Cache
  readonly catalog: Catalog
  readonly versionControl: VersionControl
  readonly tree: WorkTree
  readonly trackedFiles: TrackedFiles
  /** Opens the way of something of this machine to a remote, the default one without a name. */
  readonly courier: (source: string, remote: string | undefined) => Promise<Courier>
  /** What the project's files said before; undefined for a project without Git. */
  readonly revisions: Revisions | undefined
  /** The remote of that name, or the default one; throws a `Problem` where there is none. */
  readonly remote: (name: string | undefined) => Promise<Remote>
  /** The run caches here and there; loaded when they are asked for. */
  readonly runs: () => Promise<RunPlaces>
  /** Held, in this order, while data changes. */
  readonly locks: readonly ProjectLock[]
}
