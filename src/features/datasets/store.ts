import type { LedgerWrites } from '#ledger'
import type { OnProgress, TableProfile } from '#tables'
import type { WorkWrites } from '#work'
import type { CommitNote, VersionName } from './dataset.ts'

/** Looks into the bytes of a version, wherever they are. */
export interface VersionProfiler {
  /** Throws a `Problem` that says where the bytes were looked for, or why they are no table. */
  profile(version: VersionName, onProgress: OnProgress): Promise<TableProfile>
}

export interface CommitNotes {
  /** Of each commit the last one until then that changed the path; what is not on this machine is left out. */
  of(
    data: { project: string; path: string },
    commits: readonly string[],
  ): Promise<ReadonlyMap<string, CommitNote>>
}

export interface DatasetTx {
  readonly work: WorkWrites
  readonly ledger: LedgerWrites
}
