import { sql, type Kysely } from 'kysely'
import type { RetentionTables } from './tables.ts'

/**
 * Every column that refers to an object of the object store: what stands in one of these is never freed.
 * A table that comes to refer to objects is added here, and nowhere else; a test finds one that is not.
 */
export const OBJECT_COLUMNS = [
  { table: 'artifact_files', column: 'digest' },
  { table: 'model_version_files', column: 'digest' },
  { table: 'binned_version_files', column: 'digest' },
  { table: 'segments', column: 'digest' },
  { table: 'stage_runs', column: 'environment' },
  { table: 'data_store_files', column: 'digest' },
] as const

/** Columns that hold a digest of something else, and of what. */
export const OTHER_DIGESTS: Readonly<Record<string, string>> = {
  'condemned_objects.digest': 'an object that nothing refers to',
  'model_versions.digest': "one digest of a version's files; the files are in model_version_files",
  'revisions.digest': 'that of its model version',
  'datasets.digest': 'what a client says of a dataset that is kept elsewhere',
  'logged_model_metrics.dataset_digest': 'the same',
  'evaluation_datasets.digest': 'of the name and the last change of a dataset',
  'outside_events.digest': 'of what another system has told, so that it counts once',
  'import_marks.digest': 'of what an import has seen elsewhere',
}

/** How many rows refer to each of the objects. */
export async function references(
  db: Kysely<RetentionTables>,
  digests: readonly string[],
): Promise<Map<string, number>> {
  if (digests.length === 0) return new Map()
  const found = new Map<string, number>()
  for (const { table, column } of OBJECT_COLUMNS) {
    const { rows } = await sql<{ digest: string; rows: number }>`
      select ${sql.ref(column)} as digest, count(*) as rows from ${sql.table(table)}
      where ${sql.ref(column)} in (${sql.join(digests)}) group by ${sql.ref(column)}`.execute(db)
    for (const { digest, rows: count } of rows) found.set(digest, (found.get(digest) ?? 0) + count)
  }
  return found
}
