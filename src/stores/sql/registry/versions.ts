import { sql, type Kysely, type RawBuilder, type Selectable, type SqlBool } from 'kysely'
import type {
  BinWrites,
  HistoryWrites,
  ModelDescription,
  ModelVersion,
  RegistryReads,
  RegistryWrites,
  StoredVersion,
  VersionField,
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
import { ofKind } from './models.ts'
import type { RegistryTables } from './tables.ts'

type Db = Kysely<RegistryTables>
type VersionRow = Selectable<RegistryTables['model_versions']>
type Reads = Pick<
  RegistryReads,
  'findVersion' | 'findVersionByAlias' | 'searchVersions' | 'newestOfStages' | 'files'
>
type Writes = Omit<
  RegistryWrites,
  | keyof RegistryReads
  | keyof HistoryWrites
  | keyof BinWrites
  | 'insertModel'
  | 'saveModel'
  | 'renameModel'
  | 'deleteModel'
  | 'setModelTags'
  | 'deleteModelTag'
  | 'nextVersion'
  | 'raiseLastVersion'
>

export function versionReads(db: Db): Reads {
  const rows = () => db.selectFrom('model_versions').selectAll('model_versions')
  const first = async (found: readonly VersionRow[]) => (await withDetails(db, found))[0]
  return {
    findVersion: async (model, version) =>
      first(await rows().where('model', '=', model).where('version', '=', version).execute()),
    findVersionByAlias: async (model, alias) =>
      first(
        await rows()
          .innerJoin('model_aliases as named', (join) =>
            join
              .onRef('named.model', '=', 'model_versions.model')
              .onRef('named.version', '=', 'model_versions.version'),
          )
          .where('named.model', '=', model)
          .where('named.alias', '=', alias)
          .execute(),
      ),
    searchVersions: async ({ kind, conditions, order, limit, after }) => {
      const keys = keysOf(order)
      let query = rows()
        .select(keyColumns(keys))
        .where(ofKind(kind, sql.ref('model_versions.model')))
        .where(isAfter(keys, after))
      for (const condition of conditions) query = query.where(matches(condition))
      const found = await query
        .orderBy(orderedBy(keys))
        .limit(limit + 1)
        .execute()
      const versions = await withDetails(db, found)
      return found.map((row, at) => placed(row, keys, versions[at] as ModelVersion))
    },
    newestOfStages: async (models) => {
      const found: VersionRow[] = []
      for (const names of chunksOf(models)) found.push(...(await newestRows(db, names).execute()))
      return withDetails(db, found)
    },
    files: async (model, version) => {
      const files = await db
        .selectFrom('model_version_files')
        .selectAll()
        .where('model', '=', model)
        .where('version', '=', version)
        .orderBy('path')
        .execute()
      return files.map(({ path, digest, size_bytes }) => ({ path, digest, sizeBytes: size_bytes }))
    },
  }
}

export function versionWrites(db: Db): Writes {
  return {
    ...aliasWrites(db),
    insertVersion: async (version, files) => {
      await db.insertInto('model_versions').values(rowOf(version)).execute()
      const { model, version: number } = version
      for (const chunk of chunksOf(files))
        await db
          .insertInto('model_version_files')
          .values(
            chunk.map(({ path, digest, sizeBytes }) => ({
              model,
              version: number,
              path,
              digest,
              size_bytes: sizeBytes,
            })),
          )
          .execute()
    },
    saveVersion: async (version) => {
      const { stage, note, updatedMs } = version
      await db
        .updateTable('model_versions')
        .set({ stage, note, updated_ms: updatedMs })
        .where('model', '=', version.model)
        .where('version', '=', version.version)
        .execute()
    },
    deleteVersion: async (model, version) => {
      await db
        .deleteFrom('model_versions')
        .where('model', '=', model)
        .where('version', '=', version)
        .execute()
    },
    setVersionTags: async (model, version, tags) => {
      if (tags.length === 0) return
      await db
        .insertInto('model_version_tags')
        .values(tags.map(({ key, value }) => ({ model, version, key, value })))
        .onConflict((conflict) =>
          conflict
            .columns(['model', 'version', 'key'])
            .doUpdateSet((e) => ({ value: e.ref('excluded.value') })),
        )
        .execute()
    },
    deleteVersionTag: async (model, version, key) => {
      const { numDeletedRows } = await db
        .deleteFrom('model_version_tags')
        .where('model', '=', model)
        .where('version', '=', version)
        .where('key', '=', key)
        .executeTakeFirst()
      return numDeletedRows > 0n
    },
  }
}

function aliasWrites(db: Db): Pick<RegistryWrites, 'setAlias' | 'deleteAlias'> {
  return {
    setAlias: async (model, alias, version) => {
      await db
        .insertInto('model_aliases')
        .values({ model, alias, version })
        .onConflict((conflict) => conflict.columns(['model', 'alias']).doUpdateSet({ version }))
        .execute()
    },
    deleteAlias: async (model, alias) => {
      await db
        .deleteFrom('model_aliases')
        .where('model', '=', model)
        .where('alias', '=', alias)
        .execute()
    },
  }
}

function newestRows(db: Db, models: readonly string[]) {
  return db
    .selectFrom('model_versions')
    .innerJoin(
      (e) =>
        e
          .selectFrom('model_versions')
          .select(['model', 'stage'])
          .select((s) => s.fn.max('version').as('version'))
          .where('model', 'in', models)
          .groupBy(['model', 'stage'])
          .as('newest'),
      (join) =>
        join
          .onRef('newest.model', '=', 'model_versions.model')
          .onRef('newest.version', '=', 'model_versions.version'),
    )
    .selectAll('model_versions')
    .orderBy('model_versions.model')
    .orderBy('model_versions.version', 'desc')
}

function matches({ field, ...asked }: Condition<VersionField>): RawBuilder<SqlBool> {
  if (field.of === 'attribute') return comparison(columnOf(field), asked.comparator, asked.value)
  const row = sql`select 1 from model_version_tags t where t.model = model_versions.model
    and t.version = model_versions.version and t.key = ${field.key}`
  return detail(row, sql.ref('t.value'), asked)
}

const versionColumn = (column: string) => sql.ref(`model_versions.${column}`)

/** As asked, or the last changed first; then by model, and its newest first. */
function keysOf(order: readonly Order<VersionField>[]): Key[] {
  const asked = order.flatMap(({ field, descending }) => {
    const isNumber = field.of === 'attribute' && NUMBERS.has(field.name)
    const kind = isNumber ? 'number' : 'text'
    return missingLast({ value: columnOf(field), kind, descending })
  })
  return [
    ...(order.length > 0
      ? asked
      : [{ value: versionColumn('updated_ms'), kind: 'number', descending: true } as const]),
    ascending(versionColumn('model'), 'text'),
    { value: versionColumn('version'), kind: 'number', descending: true },
  ]
}

const NUMBERS: ReadonlySet<string> = new Set(['version', 'createdMs', 'updatedMs'])

function columnOf(field: VersionField): RawBuilder<unknown> {
  if (field.of === 'attribute') return sql.ref(`model_versions.${COLUMNS[field.name]}`)
  return sql`(select t.value from model_version_tags t where t.model = model_versions.model
    and t.version = model_versions.version and t.key = ${field.key})`
}

const COLUMNS = {
  model: 'model',
  version: 'version',
  runId: 'run_id',
  source: 'source',
  createdMs: 'created_ms',
  updatedMs: 'updated_ms',
} as const

async function withDetails(db: Db, rows: readonly VersionRow[]): Promise<ModelVersion[]> {
  const tags = new Map<string, KeyValue[]>()
  const aliases = new Map<string, string[]>()
  for (const chunk of chunksOf(rows, 400)) {
    const own = (table: string) =>
      sql<SqlBool>`(${sql.ref(`${table}.model`)}, ${sql.ref(`${table}.version`)}) in (values ${sql.join(
        chunk.map((row) => sql`(${row.model}, cast(${row.version} as integer))`),
      )})`
    const tagged = db.selectFrom('model_version_tags').selectAll().where(own('model_version_tags'))
    for (const row of await tagged.orderBy('key').execute())
      tags.set(keyOf(row), [...(tags.get(keyOf(row)) ?? []), { key: row.key, value: row.value }])
    const aliased = db.selectFrom('model_aliases').selectAll().where(own('model_aliases'))
    for (const row of await aliased.orderBy('alias').execute())
      aliases.set(keyOf(row), [...(aliases.get(keyOf(row)) ?? []), row.alias])
  }
  return rows.map((row) => ({
    ...versionOf(row),
    tags: tags.get(keyOf(row)) ?? [],
    aliases: aliases.get(keyOf(row)) ?? [],
  }))
}

function versionOf(row: VersionRow): StoredVersion {
  return {
    model: row.model,
    version: row.version,
    source: row.source,
    location: row.location,
    runId: row.run_id,
    runLink: row.run_link,
    loggedModelId: row.logged_model_id,
    digest: row.digest,
    description: JSON.parse(row.description) as ModelDescription,
    stage: row.stage,
    note: row.note,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
  }
}

function rowOf(version: StoredVersion): RegistryTables['model_versions'] {
  return {
    model: version.model,
    version: version.version,
    source: version.source,
    location: version.location,
    run_id: version.runId,
    run_link: version.runLink,
    logged_model_id: version.loggedModelId,
    digest: version.digest,
    description: JSON.stringify(version.description),
    stage: version.stage,
    note: version.note,
    created_ms: version.createdMs,
    updated_ms: version.updatedMs,
  }
}

function keyOf(row: { model: string; version: number }): string {
  return `${row.model}/${row.version}`
}
