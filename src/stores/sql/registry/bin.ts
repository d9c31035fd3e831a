import { sql, type Kysely } from 'kysely'
import type { BinReads, BinWrites, ModelVersion } from '#registry'
import type { KeyValue } from '#tracking'
import { chunksOf } from '../chunks.ts'
import type { BinTables, RegistryTables } from './tables.ts'
import { versionReads, versionWrites } from './versions.ts'
import { modelWrites } from './models.ts'

type Db = Kysely<RegistryTables & BinTables>

interface ModelBody {
  note: string
  lastVersion: number
  createdMs: number
  updatedMs: number
  tags: KeyValue[]
}

export function binReads(db: Db): BinReads {
  return {
    findAside: async (position) => {
      const model = await db
        .selectFrom('binned_models')
        .select('model')
        .where('position', '=', position)
        .executeTakeFirst()
      const versions = await asideVersions(db, position)
      const name = model?.model ?? versions[0]?.model
      if (name === undefined) return undefined
      return { model: name, isModel: model !== undefined, versions }
    },
    unreferred: async (digests) => {
      const referred = new Set<string>()
      for (const chunk of chunksOf([...new Set(digests)]))
        for (const table of ['artifact_files', 'model_version_files', 'binned_version_files']) {
          const { rows } = await sql<{ digest: string }>`
            select distinct digest from ${sql.table(table)} where digest in (${sql.join(chunk)})`.execute(
            db,
          )
          for (const { digest } of rows) referred.add(digest)
        }
      return digests.filter((digest) => !referred.has(digest))
    },
  }
}

export function binWrites(db: Db): BinWrites {
  return {
    keepVersionAside: (position, version) => keepVersion(db, position, version),
    keepModelAside: async (position, name) => {
      const row = await db
        .selectFrom('registered_models')
        .selectAll()
        .where('name', '=', name)
        .executeTakeFirstOrThrow()
      const tags = await db
        .selectFrom('registered_model_tags')
        .select(['key', 'value'])
        .where('model', '=', name)
        .orderBy('key')
        .execute()
      const body: ModelBody = {
        note: row.note,
        lastVersion: row.last_version,
        createdMs: row.created_ms,
        updatedMs: row.updated_ms,
        tags,
      }
      await db
        .insertInto('binned_models')
        .values({ position, model: name, body: JSON.stringify(body) })
        .execute()
      for (const { version } of await numbersOf(db, name)) {
        const found = await versionReads(db).findVersion(name, version)
        if (found !== undefined) await keepVersion(db, position, found)
      }
    },
    takeBack: async (position) => {
      await takeModelBack(db, position)
      for (const { model, version, body } of await asideVersions(db, position)) {
        const { aliases: _, tags, ...stored } = JSON.parse(body) as ModelVersion
        await versionWrites(db).insertVersion({ ...stored, model }, [])
        await versionWrites(db).setVersionTags(model, version, tags)
        await sql`insert into model_version_files (model, version, path, digest, size_bytes)
          select ${model}, version, path, digest, size_bytes from binned_version_files
          where position = ${position} and version = ${version}`.execute(db)
      }
      for (const table of ['binned_version_files', 'binned_versions', 'binned_models'] as const)
        await db.deleteFrom(table).where('position', '=', position).execute()
    },
  }
}

async function keepVersion(db: Db, position: number, version: ModelVersion): Promise<void> {
  await db
    .insertInto('binned_versions')
    .values({
      position,
      model: version.model,
      version: version.version,
      run_id: version.runId,
      logged_model_id: version.loggedModelId,
      body: JSON.stringify(version),
    })
    .execute()
  await sql`insert into binned_version_files (position, version, path, digest, size_bytes)
    select cast(${position} as bigint), version, path, digest, size_bytes from model_version_files
    where model = ${version.model} and version = ${version.version}`.execute(db)
}

async function takeModelBack(db: Db, position: number): Promise<void> {
  const row = await db
    .selectFrom('binned_models')
    .selectAll()
    .where('position', '=', position)
    .executeTakeFirst()
  if (row === undefined) return
  const body = JSON.parse(row.body) as ModelBody
  await db
    .insertInto('registered_models')
    .values({
      name: row.model,
      note: body.note,
      last_version: body.lastVersion,
      created_ms: body.createdMs,
      updated_ms: body.updatedMs,
    })
    .execute()
  await modelWrites(db).setModelTags(row.model, body.tags)
}

function numbersOf(db: Db, model: string) {
  return db
    .selectFrom('model_versions')
    .select('version')
    .where('model', '=', model)
    .orderBy('version')
    .execute()
}

async function asideVersions(db: Db, position: number) {
  const rows = await db
    .selectFrom('binned_versions')
    .selectAll()
    .where('position', '=', position)
    .orderBy('version')
    .execute()
  return rows.map(({ model, version, body }) => ({
    model,
    version,
    body,
    aliases: (JSON.parse(body) as ModelVersion).aliases,
  }))
}
