import type { GovernanceTables } from '../governance.ts'
import type { PipelineTables } from '../pipelines.ts'
import type { BinTables, RegistryTables } from '../registry/tables.ts'
import type { ServingTables } from '../serving.ts'
import type { TrackingTables } from '../tracking/tables.ts'

/** Its own tables, and those of the features whose rows it counts and removes. */
export interface RetentionTables
  extends
    TrackingTables,
    RegistryTables,
    BinTables,
    ServingTables,
    PipelineTables,
    GovernanceTables {
  trash: {
    position: number
    kind: string
    id: string
    name: string
    experiment_id: number | null
    deleted_ms: number
    deleted_by: string
    state: 'trashed' | 'purging' | 'purged'
    asked_by: string | null
    purged_ms: number | null
    purged_by: string | null
    files: number
    size_bytes: number
    removed: string
    root: string | null
  }
  purged: { kind: string; id: string; position: number }
  holds: {
    id: string
    kind: string
    target: string
    model: string | null
    reason: string
    placed_by: string
    placed_ms: number
    until_ms: number | null
  }
  condemned_objects: { digest: string; size_bytes: number }
  collections: { id: string; started_ms: number; ended_ms: number | null; body: string }
}
