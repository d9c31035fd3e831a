import type { Ref } from '#ledger'

/** A dataset version in the lineage graph: the content of a tracked file or folder, named by its DVC hash. */
export function datasetVersionRef(version: { project: string; path: string; md5: string }): Ref {
  return { kind: 'dataset-version', id: `${version.project}/${version.path}@${version.md5}` }
}
