import type { Kysely } from 'kysely'
import type { ModelDescription, ModelVersion, RegisteredModel } from '#registry'
import type { RegistryTables } from './tables.ts'

/** A model with its versions. */
export interface ModelNow extends RegisteredModel {
  readonly versions: readonly ModelVersion[]
}

/**
 * The whole registry as the tables of 0005 hold it: a step of the database reads what was there when it was
 * written, whatever later steps make of it.
 */
export async function modelsNow(db: Kysely<RegistryTables>): Promise<ModelNow[]> {
  const models = await db
    .selectFrom('registered_models')
    .select(['name', 'note', 'created_ms', 'updated_ms'])
    .execute()
  const modelTags = await db.selectFrom('registered_model_tags').selectAll().execute()
  const aliases = await db.selectFrom('model_aliases').selectAll().execute()
  const versions = await versionsNow(db)
  return models.map(({ name, note, created_ms, updated_ms }) => ({
    name,
    note,
    createdMs: created_ms,
    updatedMs: updated_ms,
    tags: modelTags.filter(({ model }) => model === name),
    aliases: aliases.filter(({ model }) => model === name),
    versions: versions.filter(({ model }) => model === name),
  }))
}

async function versionsNow(db: Kysely<RegistryTables>): Promise<ModelVersion[]> {
  const rows = await db
    .selectFrom('model_versions')
    .select(['model', 'version', 'source', 'location', 'run_id', 'run_link', 'logged_model_id'])
    .select(['digest', 'description', 'stage', 'note', 'created_ms', 'updated_ms'])
    .execute()
  const tags = Map.groupBy(
    await db.selectFrom('model_version_tags').selectAll().execute(),
    ({ model, version }) => `${model}/${version}`,
  )
  return rows.map((row) => ({
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
    tags: tags.get(`${row.model}/${row.version}`) ?? [],
    aliases: [],
  }))
}
