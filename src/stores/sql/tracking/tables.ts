import type { Generated } from 'kysely'
import type { Lifecycle, LoggedModelStatus, MarkKind, RunStatus } from '#tracking'

export interface TrackingTables {
  experiments: {
    experiment_id: Generated<number>
    name: string
    artifact_location: string
    lifecycle: Lifecycle
    created_ms: number
    updated_ms: number
  }
  experiment_tags: { experiment_id: number; key: string; value: string }
  runs: {
    run_id: string
    experiment_id: number
    name: string
    user_id: string
    status: RunStatus
    start_ms: number
    end_ms: number | null
    artifact_uri: string
    lifecycle: Lifecycle
  }
  run_params: { run_id: string; key: string; value: string }
  run_tags: { run_id: string; key: string; value: string }
  metric_series: {
    series_id: Generated<number>
    run_id: string
    key: string
    step: number
    at_ms: number
    value: number
    is_nan: number
    /** Rows of points that came since some of them were last packed; some may be the same. */
    open_points: Generated<number>
  }
  metric_points: { series_id: number; at_ms: number; step: number; value: number; is_nan: number }
  metric_blocks: {
    series_id: number
    ordinal: number
    first_ms: number
    first_step: number
    last_ms: number
    last_step: number
    points: number
    bytes: Uint8Array
  }
  datasets: {
    dataset_id: Generated<number>
    experiment_id: number
    name: string
    digest: string
    source_type: string
    source: string
    schema: string | null
    profile: string | null
  }
  run_datasets: {
    run_id: string
    dataset_id: number
    ordinal: number
    context: string | null
    tags: string
  }
  run_models: { run_id: string; direction: 'input' | 'output'; model_id: string; step: number }
  logged_models: {
    model_id: string
    experiment_id: number
    name: string
    artifact_uri: string
    created_ms: number
    updated_ms: number
    status: LoggedModelStatus
    model_type: string
    source_run_id: string | null
    lifecycle: Lifecycle
  }
  logged_model_params: { model_id: string; key: string; value: string }
  logged_model_tags: { model_id: string; key: string; value: string }
  logged_model_metrics: {
    model_id: string
    key: string
    at_ms: number
    step: number
    run_id: string
    value: number
    is_nan: number
    dataset_name: string | null
    dataset_digest: string | null
  }
  artifact_files: { path: string; digest: string; size_bytes: number; at_ms: number }
  import_marks: {
    source: string
    kind: MarkKind
    id: string
    own_id: string
    digest: string
    at_ms: number
  }
}
