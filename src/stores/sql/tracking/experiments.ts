import { sql, type Kysely, type RawBuilder, type Selectable, type SqlBool } from 'kysely'
import type {
  Condition,
  Experiment,
  ExperimentField,
  KeyValue,
  Order,
  TrackingReads,
  TrackingWrites,
} from '#tracking'
import { chunksOf } from '../chunks.ts'
import { comparison, detail } from '../conditions.ts'
import {
  ascending,
  isAfter,
  keyColumns,
  missingLast,
  orderedBy,
  placed,
  type Key,
} from '../keyset.ts'
import type { TrackingTables } from './tables.ts'

type Db = Kysely<TrackingTables>
type Reads = Pick<TrackingReads, 'findExperiment' | 'findExperimentByName' | 'searchExperiments'>
type Writes = Pick<
  TrackingWrites,
  'insertExperiment' | 'saveExperiment' | 'setExperimentTags' | 'deleteExperimentTag'
>

export function experimentReads(db: Db): Reads {
  const rows = () => db.selectFrom('experiments').selectAll()
  const first = async (row: Selectable<TrackingTables['experiments']> | undefined) =>
    row === undefined ? undefined : (await withTags(db, [row]))[0]
  return {
    findExperiment: async (experimentId) =>
      // No experiment has a number that is none, and PostgreSQL would not even look.
      Number.isSafeInteger(Number(experimentId))
        ? first(await rows().where('experiment_id', '=', Number(experimentId)).executeTakeFirst())
        : undefined,
    findExperimentByName: async (name) =>
      first(await rows().where('name', '=', name).executeTakeFirst()),
    searchExperiments: async ({ conditions, order, lifecycles, limit, after }) => {
      const keys = keysOf(order)
      let query = rows()
        .select(keyColumns(keys))
        .where('lifecycle', 'in', [...lifecycles])
        .where(isAfter(keys, after))
      for (const condition of conditions) query = query.where(matches(condition))
      const found = await query
        .orderBy(orderedBy(keys))
        .limit(limit + 1)
        .execute()
      const experiments = await withTags(db, found)
      return found.map((row, at) => placed(row, keys, experiments[at] as Experiment))
    },
  }
}

export function experimentWrites(db: Db): Writes {
  const setExperimentTags = async (experimentId: string, tags: readonly KeyValue[]) => {
    if (tags.length === 0) return
    await db
      .insertInto('experiment_tags')
      .values(tags.map(({ key, value }) => ({ experiment_id: Number(experimentId), key, value })))
      .onConflict((conflict) =>
        conflict
          .columns(['experiment_id', 'key'])
          .doUpdateSet((e) => ({ value: e.ref('excluded.value') })),
      )
      .execute()
  }
  return {
    insertExperiment: async ({ experimentId, tags, ...rest }) => {
      const { experiment_id } = await db
        .insertInto('experiments')
        .values({
          ...rowOf(rest),
          experiment_id: experimentId === undefined ? nextNumber() : Number(experimentId),
        })
        .returning('experiment_id')
        .executeTakeFirstOrThrow()
      await setExperimentTags(String(experiment_id), tags)
      return { ...rest, experimentId: String(experiment_id), tags }
    },
    saveExperiment: async (experiment) => {
      await db
        .updateTable('experiments')
        .set(rowOf(experiment))
        .where('experiment_id', '=', Number(experiment.experimentId))
        .execute()
    },
    setExperimentTags,
    deleteExperimentTag: async (experimentId, key) => {
      const { numDeletedRows } = await db
        .deleteFrom('experiment_tags')
        .where('experiment_id', '=', Number(experimentId))
        .where('key', '=', key)
        .executeTakeFirst()
      return numDeletedRows > 0n
    },
  }
}

/**
 * The number after the highest that was ever given: a sequence of the database would not know of those that came
 * with an import, and the ledger still tells of a purged experiment by its number.
 */
function nextNumber(): RawBuilder<number> {
  return sql`(select coalesce(max(number), 0) + 1 from (
    select experiment_id as number from experiments
    union all select cast(id as bigint) from purged where kind = 'experiment') as given)`
}

function matches({ field, ...asked }: Condition<ExperimentField>): RawBuilder<SqlBool> {
  if (field.of === 'attribute') return comparison(columnOf(field), asked.comparator, asked.value)
  const row = sql`select 1 from experiment_tags t
    where t.experiment_id = experiments.experiment_id and t.key = ${field.key}`
  return detail(row, sql.ref('t.value'), asked)
}

/** As asked; the newest first when nothing is. Those of one moment stand by their numbers. */
function keysOf(order: readonly Order<ExperimentField>[]): Key[] {
  const id = sql.ref('experiments.experiment_id')
  if (order.length === 0)
    return [
      { value: sql.ref('experiments.created_ms'), kind: 'number', descending: true },
      ascending(id, 'number'),
    ]
  const asked = order.flatMap(({ field, descending }) => {
    const kind = field.of === 'tag' || field.name === 'name' ? 'text' : 'number'
    return missingLast({ value: columnOf(field), kind, descending })
  })
  return [...asked, { value: id, kind: 'number', descending: true }]
}

function columnOf(field: ExperimentField): RawBuilder<unknown> {
  if (field.of === 'tag')
    return sql`(select t.value from experiment_tags t
      where t.experiment_id = experiments.experiment_id and t.key = ${field.key})`
  return sql.ref(COLUMNS[field.name])
}

const COLUMNS = {
  experimentId: 'experiments.experiment_id',
  name: 'experiments.name',
  createdMs: 'experiments.created_ms',
  updatedMs: 'experiments.updated_ms',
} as const

async function withTags(
  db: Db,
  rows: readonly Selectable<TrackingTables['experiments']>[],
): Promise<Experiment[]> {
  const tags = new Map<number, KeyValue[]>(rows.map((row) => [row.experiment_id, []]))
  for (const chunk of chunksOf([...tags.keys()]))
    for (const { experiment_id, key, value } of await db
      .selectFrom('experiment_tags')
      .selectAll()
      .where('experiment_id', 'in', chunk)
      .orderBy('key')
      .execute())
      tags.get(experiment_id)?.push({ key, value })
  return rows.map((row) => ({
    experimentId: String(row.experiment_id),
    name: row.name,
    artifactLocation: row.artifact_location,
    lifecycle: row.lifecycle,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
    tags: tags.get(row.experiment_id) ?? [],
  }))
}

function rowOf(experiment: Omit<Experiment, 'experimentId' | 'tags'>) {
  return {
    name: experiment.name,
    artifact_location: experiment.artifactLocation,
    lifecycle: experiment.lifecycle,
    created_ms: experiment.createdMs,
    updated_ms: experiment.updatedMs,
  }
}
