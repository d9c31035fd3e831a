import { withoutCredentials } from '#base/credentials'
import type { Ref } from '#ledger'
import type { ProjectConfig } from './config.ts'

/** A file or folder that the project tracks, at one version. */
export interface TrackedData {
  /** Path in the project, `/` between its parts. */
  readonly path: string
  /** DVC's hash of the content; ends in `.dir` for a folder. */
  readonly md5: string
  readonly sizeBytes: number
  readonly files: number
}

/** What a project holds at one commit. */
export interface Snapshot {
  readonly commit: string
  readonly branch: string
  readonly config: ProjectConfig
  readonly data: readonly TrackedData[]
}

/** A Git repository with `dvc.yaml` and `orrery.yaml`, as last seen. */
export interface Project extends Snapshot {
  readonly name: string
  /** Where it is fetched from: an absolute path or a URL, whose user and password only Git is told. */
  readonly origin: string
  readonly syncedMs: number
}

/** Where a project is fetched from, as it may be told. */
export function addressOf({ origin }: Pick<Project, 'origin'>): string {
  return withoutCredentials(origin)
}

/** A dataset version in the lineage graph: the content of a tracked file or folder, named by its DVC hash. */
export function datasetVersionRef(version: { project: string; path: string; md5: string }): Ref {
  return { kind: 'dataset-version', id: `${version.project}/${version.path}@${version.md5}` }
}

export function commitRef(commit: string): Ref {
  return { kind: 'commit', id: commit }
}

/** The data that `next` has and `previous` had not, or had at another version. */
export function changedData(previous: Snapshot | undefined, next: Snapshot): TrackedData[] {
  const known = new Map(previous?.data.map((each) => [each.path, each.md5]))
  return next.data.filter((each) => known.get(each.path) !== each.md5)
}
