import type { ColumnType } from 'kysely'
import type { Actor } from '#ledger'
import type { ChangeKind, Stage } from '#registry'

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

export interface HistoryTables {
  registry_changes: {
    position: number
    ordinal: number
    life: number
    kind: ChangeKind
    version: number
    key: string
    before: string | null
    after: string | null
    at_ms: number
    actor_kind: Actor['kind']
    actor_id: string
    reason: string | null
  }
  registry_names: {
    life: number
    name: string
    since: number
    until: number | null
    created_ms: number
  }
}

/** What was deleted and can be taken back, under the position of the entry that tells of it. */
export interface BinTables {
  binned_models: { position: number; model: string; body: string }
  binned_versions: {
    position: number
    model: string
    version: number
    run_id: string | null
    logged_model_id: string | null
    body: string
  }
  binned_version_files: {
    position: number
    version: number
    path: string
    digest: string
    size_bytes: number
  }
}
