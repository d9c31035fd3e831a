import type { Kysely } from 'kysely'
import type { RegistryReads, RegistryWrites } from '#registry'
import { binReads, binWrites } from './bin.ts'
import { historyReads, historyWrites } from './history.ts'
import { modelReads, modelWrites } from './models.ts'
import type { BinTables, HistoryTables, RegistryTables } from './tables.ts'
import { versionReads, versionWrites } from './versions.ts'

export function registryReads(
  db: Kysely<RegistryTables & HistoryTables & BinTables>,
): RegistryReads {
  return { ...modelReads(db), ...versionReads(db), ...historyReads(db), ...binReads(db) }
}

export function registryWrites(
  db: Kysely<RegistryTables & HistoryTables & BinTables>,
): RegistryWrites {
  return {
    ...registryReads(db),
    ...modelWrites(db),
    ...versionWrites(db),
    ...historyWrites(db),
    ...binWrites(db),
  }
}
