import { sql, type Kysely } from 'kysely'
import type { TrashItem } from '#retention'
import {
  deleteSome,
  filesBelow,
  rowsOfBin,
  rowsOfExperiment,
  rowsOfLoggedModel,
  rowsOfRun,
  type Rows,
} from './rows.ts'
import { ownRoot } from './subjects.ts'
import type { RetentionTables } from './tables.ts'

type Db = Kysely<RetentionTables>

/** Takes the thing itself away: nobody finds it from here on, and so nobody restores it. */
export async function removeOwner(db: Db, { kind, id, position }: TrashItem): Promise<void> {
  if (kind === 'run') await db.deleteFrom('runs').where('run_id', '=', id).execute()
  if (kind === 'logged-model')
    await db.deleteFrom('logged_models').where('model_id', '=', id).execute()
  if (kind === 'experiment')
    await db.deleteFrom('experiments').where('experiment_id', '=', Number(id)).execute()
  if (kind !== 'registered-model' && kind !== 'model-version') return
  const versions = await db
    .selectFrom('binned_versions')
    .select(['model', 'version'])
    .where('position', '=', position)
    .execute()
  for (const { model, version } of versions)
    await markPurged(db, { kind: 'model-version', id: `${model}/${version}`, position })
}

/** Removes about `limit` of the rows that hang on the item; gives how many of each table. */
export async function removeSome(
  db: Db,
  item: TrashItem,
  limit: number,
): Promise<Record<string, number>> {
  const { kind, id, root, position } = item
  const removed: Record<string, number> = {}
  let left = limit
  const sweep = async (all: readonly Rows[]): Promise<boolean> => {
    for (const rows of all) {
      if (left <= 0) return false
      const count = await deleteSome(db, rows, left)
      if (count > 0) removed[rows.table] = (removed[rows.table] ?? 0) + count
      left -= count
    }
    return left > 0
  }
  if (kind === 'run') await sweep(rowsOfRun(id, root))
  else if (kind === 'logged-model') await sweep(rowsOfLoggedModel(id, root))
  else if (kind !== 'experiment') await sweep(rowsOfBin(position))
  else {
    const emptied =
      (await removeMembers(db, item, 'runs', sweep)) &&
      (await removeMembers(db, item, 'logged_models', sweep))
    if (emptied) await sweep(rowsOfExperiment(id, root))
  }
  return removed
}

/**
 * Removes runs or logged models of an experiment that is gone, each one's own row last, so that whatever is
 * left after a crash is still found by it. True when there are no more.
 */
async function removeMembers(
  db: Db,
  { id, position }: TrashItem,
  table: 'runs' | 'logged_models',
  sweep: (rows: readonly Rows[]) => Promise<boolean>,
): Promise<boolean> {
  const kind = table === 'runs' ? 'run' : 'logged-model'
  const key = table === 'runs' ? 'run_id' : 'model_id'
  for (;;) {
    const { rows: found } = await sql<{ member: string; uri: string }>`
      select ${sql.ref(key)} as member, artifact_uri as uri from ${sql.table(table)}
      where experiment_id = ${Number(id)} limit 1`.execute(db)
    const row = found[0]
    if (row === undefined) return true
    const { member, uri } = row
    const root = ownRoot(uri, `${member}/artifacts`)
    const rows = kind === 'run' ? rowsOfRun(member, root) : rowsOfLoggedModel(member, root)
    if (!(await sweep(rows))) return false
    await markPurged(db, { kind, id: member, position })
    await db
      .deleteFrom('trash')
      .where('kind', '=', kind)
      .where('id', '=', member)
      .where('state', '<>', 'purged')
      .execute()
    await sweep([{ table, key: [key], where: sql`${sql.ref(key)} = ${member}` }])
  }
}

/** Remembers which purge took a thing along, without anything of its content. */
export async function markPurged(
  db: Db,
  purged: { kind: string; id: string; position: number },
): Promise<void> {
  await db
    .insertInto('purged')
    .values(purged)
    .onConflict((conflict) => conflict.columns(['kind', 'id', 'position']).doNothing())
    .execute()
}

/** Removes files that came below the folder of a purged run or model after it was emptied. */
export async function removeLateFiles(db: Db, item: TrashItem, limit: number): Promise<number> {
  if (item.kind !== 'run' && item.kind !== 'logged-model') return 0
  let removed = 0
  for (const rows of filesBelow(item.root)) removed += await deleteSome(db, rows, limit)
  return removed
}
