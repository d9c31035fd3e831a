import { sql, type Kysely, type SqlBool } from 'kysely'
import type { ArtifactFile, TrackingReads, TrackingWrites } from '#tracking'
import type { TrackingTables } from './tables.ts'

type Db = Kysely<TrackingTables>

export function artifactReads(db: Db): Pick<TrackingReads, 'findFile' | 'filesBelow'> {
  return {
    findFile: async (path) => {
      const row = await db
        .selectFrom('artifact_files')
        .selectAll()
        .where('path', '=', path)
        .executeTakeFirst()
      return row === undefined ? undefined : fileOf(row)
    },
    filesBelow: async (folder) => {
      const query = db.selectFrom('artifact_files').selectAll().orderBy('path')
      const rows = await (folder === '' ? query : query.where(below(folder))).execute()
      return rows.map(fileOf)
    },
  }
}

export function artifactWrites(db: Db): Pick<TrackingWrites, 'putFile' | 'deleteFiles'> {
  return {
    putFile: async ({ path, digest, sizeBytes, atMs }) => {
      const row = { digest, size_bytes: sizeBytes, at_ms: atMs }
      await db
        .insertInto('artifact_files')
        .values({ path, ...row })
        .onConflict((conflict) => conflict.column('path').doUpdateSet(row))
        .execute()
    },
    deleteFiles: async (path) => {
      const { numDeletedRows } = await db
        .deleteFrom('artifact_files')
        .where((e) => e.or([e('path', '=', path), below(path)]))
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}

/** A range of the key, since `0` is what follows `/`. It takes bytes to be compared as bytes. */
function below(folder: string) {
  return sql<SqlBool>`(path > ${`${folder}/`} and path < ${`${folder}0`})`
}

function fileOf(row: TrackingTables['artifact_files']): ArtifactFile {
  return { path: row.path, digest: row.digest, sizeBytes: row.size_bytes }
}
