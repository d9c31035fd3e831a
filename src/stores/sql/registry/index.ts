import type { Kysely } from 'kysely'
import type { RegistryReads, RegistryWrites } from '#registry'
import { modelReads, modelWrites } from './models.ts'
import type { RegistryTables } from './tables.ts'
import { versionReads, versionWrites } from './versions.ts'

export function registryReads(db: Kysely<RegistryTables>): RegistryReads {
  return { ...modelReads(db), ...versionReads(db) }
}

export function registryWrites(db: Kysely<RegistryTables>): RegistryWrites {
  return { ...registryReads(db), ...modelWrites(db), ...versionWrites(db) }
}
