/** A file or folder of a project whose content is on record, with all of its versions. */
export interface Dataset {
  readonly project: string
  /** Path in the project, `/` between its parts. */
  readonly path: string
  /** `tracked` by a commit, or `made` by a stage. */
  readonly kind: 'tracked' | 'made'
  /** The newest first; there is at least one. */
  readonly versions: readonly DatasetVersion[]
}

/** Content of a dataset, as it came to be on record. */
export interface DatasetVersion {
  /** DVC's hash of the content; ends in `.dir` for a folder. */
  readonly md5: string
  /** Null where nobody told. */
  readonly sizeBytes: number | null
  readonly files: number | null
  readonly commit: string | null
  /** The ledger entry that tells of it. */
  readonly position: number
  readonly addedMs: number
}

/** One version of one dataset. */
export interface VersionName {
  readonly project: string
  readonly path: string
  readonly md5: string
}

/** The commit that brought a version, and what its author said of it. */
export interface CommitNote {
  readonly commit: string
  readonly author: string
  readonly message: string
  readonly atMs: number
}
