import { sql, type Kysely, type RawBuilder, type Selectable, type SqlBool } from 'kysely'
import {
  PROMPT_TAG,
  type Kind,
  type ModelField,
  type RegisteredModel,
  type RegistryReads,
  type RegistryWrites,
} from '#registry'
import type { Condition, KeyValue, Order } from '#tracking'
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
import type { RegistryTables } from './tables.ts'

type Db = Kysely<RegistryTables>
type Reads = Pick<RegistryReads, 'findModel' | 'searchModels'>
type Writes = Pick<
  RegistryWrites,
  | 'insertModel'
  | 'saveModel'
  | 'renameModel'
  | 'deleteModel'
  | 'setModelTags'
  | 'deleteModelTag'
  | 'nextVersion'
  | 'raiseLastVersion'
>

export function modelReads(db: Db): Reads {
  const rows = () => db.selectFrom('registered_models').selectAll()
  return {
    findModel: async (name) => {
      const found = await rows().where('name', '=', name).execute()
      return (await withDetails(db, found))[0]
    },
    searchModels: async ({ kind, conditions, order, limit, after }) => {
      const keys = keysOf(order)
      let query = rows()
        .select(keyColumns(keys))
        .where(ofKind(kind, sql.ref('registered_models.name')))
        .where(isAfter(keys, after))
      for (const condition of conditions) query = query.where(matches(condition))
      const found = await query
        .orderBy(orderedBy(keys))
        .limit(limit + 1)
        .execute()
      const models = await withDetails(db, found)
      return found.map((row, at) => placed(row, keys, models[at] as RegisteredModel))
    },
  }
}

export function modelWrites(db: Db): Writes {
  return {
    insertModel: async ({ name, note, createdMs, updatedMs }) => {
      await db
        .insertInto('registered_models')
        .values({ name, note, created_ms: createdMs, updated_ms: updatedMs })
        .execute()
    },
    saveModel: async ({ name, note, updatedMs }) => {
      await db
        .updateTable('registered_models')
        .set({ note, updated_ms: updatedMs })
        .where('name', '=', name)
        .execute()
    },
    renameModel: async (from, to) => {
      await db.updateTable('registered_models').set({ name: to }).where('name', '=', from).execute()
    },
    deleteModel: async (name) => {
      await db.deleteFrom('registered_models').where('name', '=', name).execute()
    },
    setModelTags: async (model, tags) => {
      if (tags.length === 0) return
      await db
        .insertInto('registered_model_tags')
        .values(tags.map(({ key, value }) => ({ model, key, value })))
        .onConflict((conflict) =>
          conflict
            .columns(['model', 'key'])
            .doUpdateSet((e) => ({ value: e.ref('excluded.value') })),
        )
        .execute()
    },
    deleteModelTag: async (model, key) => {
      const { numDeletedRows } = await db
        .deleteFrom('registered_model_tags')
        .where('model', '=', model)
        .where('key', '=', key)
        .executeTakeFirst()
      return numDeletedRows > 0n
    },
    nextVersion: async (model) => {
      const { last_version } = await db
        .updateTable('registered_models')
        .set((e) => ({ last_version: e('last_version', '+', 1) }))
        .where('name', '=', model)
        .returning('last_version')
        .executeTakeFirstOrThrow()
      return last_version
    },
    raiseLastVersion: async (model, version) => {
      await db
        .updateTable('registered_models')
        .set({ last_version: version })
        .where('name', '=', model)
        .where('last_version', '<', version)
        .execute()
    },
  }
}

/** Whether the model of that name is a prompt or not, as asked. */
export function ofKind(kind: Kind, name: RawBuilder<unknown>): RawBuilder<SqlBool> {
  const isPrompt = sql<SqlBool>`exists (select 1 from registered_model_tags kind
    where kind.model = ${name} and kind.key = ${PROMPT_TAG} and lower(kind.value) = 'true')`
  return kind === 'prompt' ? isPrompt : sql`not ${isPrompt}`
}

function matches({ field, ...asked }: Condition<ModelField>): RawBuilder<SqlBool> {
  if (field.of === 'attribute') return comparison(columnOf(field), asked.comparator, asked.value)
  const row = sql`select 1 from registered_model_tags t
    where t.model = registered_models.name and t.key = ${field.key}`
  return detail(row, sql.ref('t.value'), asked)
}

/** As asked, then by name. */
function keysOf(order: readonly Order<ModelField>[]): Key[] {
  const asked = order.flatMap(({ field, descending }) => {
    const kind = field.of === 'tag' || field.name === 'name' ? 'text' : 'number'
    return missingLast({ value: columnOf(field), kind, descending })
  })
  return [...asked, ascending(sql.ref('registered_models.name'), 'text')]
}

function columnOf(field: ModelField): RawBuilder<unknown> {
  if (field.of === 'attribute') return sql.ref(COLUMNS[field.name])
  return sql`(select t.value from registered_model_tags t
    where t.model = registered_models.name and t.key = ${field.key})`
}

const COLUMNS = {
  name: 'registered_models.name',
  createdMs: 'registered_models.created_ms',
  updatedMs: 'registered_models.updated_ms',
} as const

async function withDetails(
  db: Db,
  rows: readonly Selectable<RegistryTables['registered_models']>[],
): Promise<RegisteredModel[]> {
  const tags = new Map<string, KeyValue[]>()
  const aliases = new Map<string, { alias: string; version: number }[]>()
  for (const names of chunksOf(rows.map((row) => row.name))) {
    const tagged = db.selectFrom('registered_model_tags').selectAll().where('model', 'in', names)
    for (const { model, key, value } of await tagged.orderBy('key').execute())
      tags.set(model, [...(tags.get(model) ?? []), { key, value }])
    const aliased = db.selectFrom('model_aliases').selectAll().where('model', 'in', names)
    for (const { model, alias, version } of await aliased.orderBy('alias').execute())
      aliases.set(model, [...(aliases.get(model) ?? []), { alias, version }])
  }
  return rows.map((row) => ({
    name: row.name,
    note: row.note,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
    tags: tags.get(row.name) ?? [],
    aliases: aliases.get(row.name) ?? [],
  }))
}
