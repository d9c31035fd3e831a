import type { ColumnType } from 'kysely'
import type { Stage } from '#registry'

export interface RegistryTables {
  registered_models: {
    name: string
    note: string
    last_version: ColumnType<number, number | undefined, number>
    created_ms: number
    updated_ms: number
  }
  registered_model_tags: { model: string; key: string; value: string }
  model_versions: {
    model: string
    version: number
    source: string
    location: string
    run_id: string | null
    run_link: string | null
    logged_model_id: string | null
    digest: string | null
    description: string
    stage: Stage
    note: string
    created_ms: number
    updated_ms: number
  }
  model_version_tags: { model: string; version: number; key: string; value: string }
  model_version_files: {
    model: string
    version: number
    path: string
    digest: string
    size_bytes: number
  }
  model_aliases: { model: string; version: number; alias: string }
}
