import { sql, type Kysely, type SqlBool } from 'kysely'
import {
  namesIn,
  type BrowsingReads,
  type BrowsingWrites,
  type ExperimentPage,
  type Folder,
  type ListedExperiment,
} from '#tracking'
import { chunksOf } from '../chunks.ts'
import { experimentReads } from '../tracking/experiments.ts'
import type { TrackingTables } from '../tracking/tables.ts'

type Db = Kysely<TrackingTables>
type Reads = Pick<
  BrowsingReads,
  'folders' | 'experimentsIn' | 'experimentsNamed' | 'experimentsAt' | 'takenNames'
>

export function folderReads(db: Db): Reads {
  return {
    folders: (page) => foldersIn(db, page),
    experimentsIn: (page) => listed(db, page, sql`not (${isDeeper(page.folder)})`),
    experimentsNamed: ({ search, ...page }) =>
      listed(
        db,
        page,
        search === ''
          ? sql`1 = 1`
          : sql`replace(lower(experiments.name), ${search.toLowerCase()}, '') <> lower(experiments.name)`,
      ),
    experimentsAt: async (path) => {
      const { findExperiment } = experimentReads(db)
      const rows = await db
        .selectFrom('experiments')
        .select('experiment_id')
        .where((e) =>
          e.or([
            e('name', '=', path),
            e.and([e('name', '>=', `${path}/`), e('name', '<', `${path}0`)]),
          ]),
        )
        .orderBy('name')
        .execute()
      const found = await Promise.all(rows.map((row) => findExperiment(String(row.experiment_id))))
      return found.filter((experiment) => experiment !== undefined)
    },
    takenNames: async (names) => {
      const taken: string[] = []
      for (const chunk of chunksOf(names)) {
        const rows = await db
          .selectFrom('experiments')
          .select('name')
          .where('name', 'in', chunk)
          .execute()
        taken.push(...rows.map(({ name }) => name))
      }
      return taken
    },
  }
}

export function folderWrites(db: Db): Pick<BrowsingWrites, 'renameExperiments'> {
  return {
    renameExperiments: async (renames, updatedMs) => {
      for (const { experimentId, name } of renames)
        await db
          .updateTable('experiments')
          .set({ name, updated_ms: updatedMs })
          .where('experiment_id', '=', Number(experimentId))
          .execute()
    },
  }
}

/** From one folder to the next by the index of the names, however many experiments stand between them. */
async function foldersIn(
  db: Db,
  { folder, lifecycles, after, limit }: ExperimentPage,
): Promise<Folder[]> {
  const start = folder === '' ? 0 : folder.length + 1
  const found: Folder[] = []
  for (let last = after; found.length <= limit;) {
    const row = await db
      .selectFrom('experiments')
      .select('name')
      .where(within(folder))
      .where('lifecycle', 'in', [...lifecycles])
      .where(isDeeper(folder))
      .where('name', '>=', last === '' ? '' : `${last}0`)
      .orderBy('name')
      .limit(1)
      .executeTakeFirst()
    if (row === undefined) break
    // A part may be empty, as in `/Shared/ada`; then it belongs to the next one.
    last = row.name.slice(0, row.name.indexOf('/', start + 1))
    found.push({ folder: last, experiments: await countIn(db, last, lifecycles) })
  }
  return found
}

async function countIn(
  db: Db,
  folder: string,
  lifecycles: ExperimentPage['lifecycles'],
): Promise<number> {
  const row = await db
    .selectFrom('experiments')
    .select((e) => e.fn.countAll<number>().as('experiments'))
    .where(within(folder))
    .where('lifecycle', 'in', [...lifecycles])
    .executeTakeFirst()
  return row?.experiments ?? 0
}

async function listed(
  db: Db,
  { folder, lifecycles, after, limit }: ExperimentPage,
  condition: ReturnType<typeof sql<SqlBool>>,
): Promise<ListedExperiment[]> {
  const rows = await db
    .selectFrom('experiments')
    .select(['experiment_id', 'name', 'lifecycle', 'created_ms', 'updated_ms'])
    .select((e) =>
      e
        .selectFrom('runs')
        .select((s) => s.fn.countAll<number>().as('runs'))
        .whereRef('runs.experiment_id', '=', 'experiments.experiment_id')
        .where('runs.lifecycle', '=', 'active')
        .as('runs'),
    )
    .where(within(folder))
    .where('lifecycle', 'in', [...lifecycles])
    .where('name', '>', after)
    .where(condition)
    .orderBy('name')
    .limit(limit + 1)
    .execute()
  return rows.map((row) => ({
    experimentId: String(row.experiment_id),
    name: row.name,
    lifecycle: row.lifecycle,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
    runs: row.runs ?? 0,
  }))
}

function within(folder: string) {
  const names = namesIn(folder)
  return names === undefined
    ? sql<SqlBool>`1 = 1`
    : sql<SqlBool>`experiments.name >= ${names.from} and experiments.name < ${names.until}`
}

/** Whether an experiment stands in a folder of the folder, and not in the folder itself. */
function isDeeper(folder: string) {
  const from = sql.lit(folder === '' ? 2 : folder.length + 3)
  return sql<SqlBool>`replace(substr(experiments.name, ${from}), '/', '') <> substr(experiments.name, ${from})`
}
