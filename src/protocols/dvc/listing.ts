import type { Listed } from '#data'

export interface DvcListed {
  readonly isout: boolean
  readonly isdir: boolean
  readonly isexec: boolean
  readonly size: number | null
  readonly md5: string | null
  readonly path: string
}

/** What a repository has, in the shape of `dvc list --json`. */
export function listingJson(rows: readonly Listed[]): DvcListed[] {
  return rows.map((row) => ({
    isout: row.isOut,
    isdir: row.isFolder,
    isexec: row.executable,
    size: row.sizeBytes ?? null,
    md5: row.md5 ?? null,
    path: row.path,
  }))
}
