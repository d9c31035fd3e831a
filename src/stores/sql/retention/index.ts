import { sql, type Kysely } from 'kysely'
import {
  subjectOf,
  type Collection,
  type FigureOf,
  type FileOf,
  type NewTrash,
  type RetentionReads,
  type RetentionWrites,
  type StorageFigures,
  type Thing,
  type TrashItem,
} from '#retention'
import { chunksOf } from '../chunks.ts'
import { dependentsOf, holdOf, servedModels } from './dependents.ts'
import { markPurged, removeLateFiles, removeOwner, removeSome } from './purge.ts'
import { references } from './referrers.ts'
import { countRows } from './rows.ts'
import { filesOf, findAside, findSubject } from './subjects.ts'
import type { RetentionTables } from './tables.ts'

type Db = Kysely<RetentionTables>

export function retentionReads(db: Db): RetentionReads {
  return {
    ...trashReads(db),
    ...holdReads(db),
    find: (thing) => findSubject(db, thing),
    findAside: (position) => findAside(db, position),
    rows: (subject) => countRows(db, subject),
    files: (subject) => filesOf(db, subject),
    dependents: (subject) => dependentsOf(db, subject),
    references: (digests) => references(db, digests),
    servedModels: () => servedModels(db),
    isCondemned: async (digest) => {
      const row = await db
        .selectFrom('condemned_objects')
        .select('digest')
        .where('digest', '=', digest)
        .executeTakeFirst()
      return row !== undefined
    },
    condemned: async () =>
      (await db.selectFrom('condemned_objects').selectAll().orderBy('digest').execute()).map(
        fileOf,
      ),
    findCollection: async (id) =>
      collectionOf(
        await db.selectFrom('collections').select('body').where('id', '=', id).executeTakeFirst(),
      ),
    newestCollection: async () =>
      collectionOf(
        await db
          .selectFrom('collections')
          .select('body')
          .where('ended_ms', 'is not', null)
          .orderBy('started_ms', 'desc')
          .orderBy('id', 'desc')
          .executeTakeFirst(),
      ),
    figures: () => figures(db),
  }
}

function trashReads(
  db: Db,
): Pick<RetentionReads, 'trash' | 'findTrash' | 'newestTrash' | 'due' | 'purgedSince' | 'purgeOf'> {
  const rows = () => db.selectFrom('trash').selectAll('trash')
  return {
    trash: async ({ before, limit, kind, id }) => {
      let query = rows().where('state', '<>', 'purged').orderBy('position', 'desc').limit(limit)
      if (before !== undefined) query = query.where('position', '<', before)
      if (kind !== undefined) query = query.where('kind', '=', kind)
      if (id !== undefined) query = query.where('id', '=', id)
      return (await query.execute()).map(itemOf)
    },
    findTrash: async (position) => {
      const row = await rows().where('position', '=', position).executeTakeFirst()
      return row === undefined ? undefined : itemOf(row)
    },
    newestTrash: async ({ kind, id }) => {
      const row = await rows()
        .where('kind', '=', kind)
        .where('id', '=', id)
        .orderBy('position', 'desc')
        .executeTakeFirst()
      return row === undefined ? undefined : itemOf(row)
    },
    due: async ({ deletedUntilMs, after, limit }) =>
      (
        await rows()
          .where('state', '<>', 'purged')
          .where('position', '>', after)
          .where((e) =>
            e.or([
              e('state', '=', 'purging'),
              e('asked_by', 'is not', null),
              e('deleted_ms', '<=', deletedUntilMs),
            ]),
          )
          .orderBy('position')
          .limit(limit)
          .execute()
      ).map(itemOf),
    purgedSince: async (purgedMs) =>
      (await rows().where('state', '=', 'purged').where('purged_ms', '>=', purgedMs).execute()).map(
        itemOf,
      ),
    purgeOf: async ({ kind, id }) => {
      const row = await rows()
        .innerJoin('purged as gone', 'gone.position', 'trash.position')
        .where('gone.kind', '=', kind)
        .where('gone.id', '=', id)
        .orderBy('trash.position', 'desc')
        .executeTakeFirst()
      return row === undefined ? undefined : itemOf(row)
    },
  }
}

function holdReads(db: Db): Pick<RetentionReads, 'findHold' | 'holds'> {
  return {
    findHold: async (id) => {
      const row = await db.selectFrom('holds').selectAll().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : holdOf(row)
    },
    holds: async ({ after, limit }) => {
      let query = db.selectFrom('holds').selectAll().orderBy('id').limit(limit)
      if (after !== undefined) query = query.where('id', '>', after)
      return (await query.execute()).map(holdOf)
    },
  }
}

export function retentionWrites(db: Db): RetentionWrites {
  const read = retentionReads(db)
  return {
    ...read,
    ...trashWrites(db, read),
    ...purgeWrites(db),
    addHold: async ({ id, target, reason, placedBy, placedMs, untilMs }) => {
      await db
        .insertInto('holds')
        .values({
          id,
          kind: target.kind,
          target: target.id,
          model: target.kind === 'model-version' ? (target.id.split('/')[0] ?? null) : null,
          reason,
          placed_by: placedBy,
          placed_ms: placedMs,
          until_ms: untilMs,
        })
        .execute()
    },
    deleteHold: async (id) => {
      await db.deleteFrom('holds').where('id', '=', id).execute()
    },
    condemn: async (objects) => {
      for (const chunk of chunksOf(objects))
        await db
          .insertInto('condemned_objects')
          .values(chunk.map(({ digest, sizeBytes }) => ({ digest, size_bytes: sizeBytes })))
          .onConflict((conflict) => conflict.column('digest').doNothing())
          .execute()
    },
    absolve: async (digests) => {
      for (const chunk of chunksOf(digests))
        await db.deleteFrom('condemned_objects').where('digest', 'in', chunk).execute()
    },
    saveCollection: async (collection) => {
      const row = {
        started_ms: collection.startedMs,
        ended_ms: collection.endedMs,
        body: JSON.stringify(collection),
      }
      await db
        .insertInto('collections')
        .values({ id: collection.id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute()
    },
  }
}

function trashWrites(
  db: Db,
  read: RetentionReads,
): Pick<RetentionWrites, 'addTrash' | 'dropTrash' | 'dropTrashAt' | 'askPurge' | 'renameModel'> {
  return {
    addTrash: async (item) => {
      let [files, sizeBytes] = [0, 0]
      for await (const page of read.files(subjectOf(item))) {
        files += page.length
        for (const file of page) sizeBytes += file.sizeBytes
      }
      await db
        .insertInto('trash')
        .values(rowOf(item, files, sizeBytes))
        .onConflict((conflict) => conflict.column('position').doNothing())
        .execute()
    },
    dropTrash: async ({ kind, id }) => {
      const standing = db.deleteFrom('trash').where('state', '=', 'trashed')
      await standing.where('kind', '=', kind).where('id', '=', id).execute()
      // Whoever restores an experiment restores its runs.
      if (kind === 'experiment')
        await standing.where('experiment_id', '=', Number(id)).where('kind', '=', 'run').execute()
    },
    dropTrashAt: async (position) => {
      await db.deleteFrom('trash').where('position', '=', position).execute()
    },
    askPurge: async (positions, by) => {
      for (const chunk of chunksOf(positions))
        await db
          .updateTable('trash')
          .set({ asked_by: by })
          .where('position', 'in', chunk)
          .where('state', '=', 'trashed')
          .execute()
    },
    renameModel: (from, to) => renameModel(db, from, to),
  }
}

function purgeWrites(
  db: Db,
): Pick<RetentionWrites, 'beginPurge' | 'purgeSome' | 'endPurge' | 'purgeLateFiles'> {
  return {
    beginPurge: async (item) => {
      await removeOwner(db, item)
      await db
        .updateTable('trash')
        .set({ state: 'purging' })
        .where('position', '=', item.position)
        .execute()
    },
    purgeSome: async (item, limit) => {
      const removed = await removeSome(db, item, limit)
      const total = { ...item.removed }
      let count = 0
      for (const [table, rows] of Object.entries(removed)) {
        total[table] = (total[table] ?? 0) + rows
        count += rows
      }
      await db
        .updateTable('trash')
        .set({ removed: JSON.stringify(total) })
        .where('position', '=', item.position)
        .execute()
      return count
    },
    endPurge: async ({ position, kind, id }, { purgedMs, purgedBy }) => {
      // Holds that are over may stand on it still.
      await db.deleteFrom('holds').where('kind', '=', kind).where('target', '=', id).execute()
      await markPurged(db, { kind, id, position })
      await db
        .updateTable('trash')
        // A name is content.
        .set({ state: 'purged', name: '', purged_ms: purgedMs, purged_by: purgedBy })
        .where('position', '=', position)
        .execute()
    },
    purgeLateFiles: (item) => removeLateFiles(db, item, LATE_FILES),
  }
}

const LATE_FILES = 1000

/** Versions that were deleted one by one go back under the name that their model has then. */
async function renameModel(db: Db, from: string, to: string): Promise<void> {
  await sql`update binned_versions set model = ${to} where model = ${from}
    and position not in (select position from binned_models)`.execute(db)
  await sql`update trash set id = ${`${to}/`} || substr(id, ${from.length + 2})
    where kind = 'model-version' and state = 'trashed' and substr(id, 1, ${from.length + 1}) = ${`${from}/`}`.execute(
    db,
  )
  await sql`update holds set target = ${to} where kind = 'registered-model' and target = ${from}`.execute(
    db,
  )
  await sql`update holds set target = ${`${to}/`} || substr(target, ${from.length + 2}), model = ${to}
    where kind = 'model-version' and model = ${from}`.execute(db)
}

/** PostgreSQL gives sums with more digits than a number has, as texts. */
type Sum = number | string | null

async function figures(db: Db): Promise<StorageFigures> {
  const distinct = async (table: string): Promise<FigureOf> => {
    const { rows } = await sql<{ objects: number; bytes: Sum }>`
      select count(*) as objects, sum(size_bytes) as bytes from
      (select digest, max(size_bytes) as size_bytes from ${sql.table(table)} group by digest) each_one`.execute(
      db,
    )
    return { objects: rows[0]?.objects ?? 0, bytes: Number(rows[0]?.bytes ?? 0) }
  }
  const { rows } = await sql<{ objects: number }>`
    select count(distinct digest) as objects from segments`.execute(db)
  const inTrash = await sql<{ files: Sum; bytes: Sum }>`
    select sum(files) as files, sum(size_bytes) as bytes from trash where state <> 'purged'`.execute(
    db,
  )
  return {
    artifacts: await distinct('artifact_files'),
    versions: await distinct('model_version_files'),
    segments: { objects: rows[0]?.objects ?? 0, bytes: null },
    trash: {
      objects: Number(inTrash.rows[0]?.files ?? 0),
      bytes: Number(inTrash.rows[0]?.bytes ?? 0),
    },
  }
}

function itemOf(row: RetentionTables['trash']): TrashItem {
  return {
    position: row.position,
    kind: row.kind as Thing['kind'],
    id: row.id,
    name: row.name,
    experimentId: row.experiment_id === null ? null : String(row.experiment_id),
    deletedMs: row.deleted_ms,
    deletedBy: row.deleted_by,
    state: row.state,
    askedBy: row.asked_by,
    purgedMs: row.purged_ms,
    purgedBy: row.purged_by,
    files: row.files,
    sizeBytes: row.size_bytes,
    removed: JSON.parse(row.removed) as Record<string, number>,
    root: row.root,
  }
}

function rowOf(item: NewTrash, files: number, sizeBytes: number): RetentionTables['trash'] {
  return {
    position: item.position,
    kind: item.kind,
    id: item.id,
    name: item.name,
    experiment_id: item.experimentId === null ? null : Number(item.experimentId),
    deleted_ms: item.deletedMs,
    deleted_by: item.deletedBy,
    state: 'trashed',
    asked_by: null,
    purged_ms: null,
    purged_by: null,
    files,
    size_bytes: sizeBytes,
    removed: '{}',
    root: item.root,
  }
}

function fileOf(row: { digest: string; size_bytes: number }): FileOf {
  return { digest: row.digest, sizeBytes: row.size_bytes }
}

function collectionOf(row: { body: string } | undefined): Collection | undefined {
  return row === undefined ? undefined : (JSON.parse(row.body) as Collection)
}
