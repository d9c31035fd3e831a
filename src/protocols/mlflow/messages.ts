import { Type, type TSchema } from 'typebox'

/** Texts that must not be empty: an empty one counts as missing. */
export const Text = Type.String({ minLength: 1 })
export const Int = Type.Integer()
const opt = <T extends TSchema>(schema: T) => Type.Optional(schema)

const Pair = Type.Object({ key: Text, value: opt(Type.String()) })
const Pairs = opt(Type.Array(Pair))
const Paging = { max_results: opt(Int), page_token: opt(Type.String()) }
const Texts = opt(Type.Array(Type.String()))

/** Values come as numbers, or as "NaN" and "Infinity" in texts; `translate.ts` decides. */
const Value = Type.Unknown()
const MetricFields = {
  key: Text,
  value: Value,
  timestamp: Int,
  step: opt(Int),
  model_id: opt(Type.String()),
  dataset_name: opt(Type.String()),
  dataset_digest: opt(Type.String()),
}
export const MetricWire = Type.Object(MetricFields)

// Experiments
export const CreateExperiment = Type.Object({
  name: Text,
  artifact_location: opt(Type.String()),
  tags: Pairs,
})
export const ExperimentId = Type.Object({ experiment_id: Text })
export const ExperimentName = Type.Object({ experiment_name: Text })
export const UpdateExperiment = Type.Object({ experiment_id: Text, new_name: Text })
export const SetExperimentTag = Type.Object({
  experiment_id: Text,
  key: Text,
  value: opt(Type.String()),
})
export const DeleteExperimentTag = Type.Object({ experiment_id: Text, key: Text })
export const SearchExperiments = Type.Object({
  ...Paging,
  filter: opt(Type.String()),
  order_by: Texts,
  view_type: opt(Type.Unknown()),
})

// Runs
/** Old clients say run_uuid where new ones say run_id. */
const RunIdFields = { run_id: opt(Type.String()), run_uuid: opt(Type.String()) }
export const RunId = Type.Object(RunIdFields)
export const CreateRun = Type.Object({
  experiment_id: opt(Type.String()),
  user_id: opt(Type.String()),
  run_name: opt(Type.String()),
  start_time: opt(Int),
  tags: Pairs,
})
export const UpdateRun = Type.Object({
  ...RunIdFields,
  status: opt(Type.Unknown()),
  end_time: opt(Int),
  run_name: opt(Type.String()),
})
export const SearchRuns = Type.Object({
  ...Paging,
  experiment_ids: Texts,
  filter: opt(Type.String()),
  run_view_type: opt(Type.Unknown()),
  order_by: Texts,
})
export const LogMetric = Type.Object({ ...RunIdFields, ...MetricFields })
/** What a param and a tag of a run are logged with alike. */
export const KeyedText = Type.Object({ ...RunIdFields, key: Text, value: opt(Type.String()) })
export const DeleteRunTag = Type.Object({ ...RunIdFields, key: Text })
export const LogBatch = Type.Object({
  ...RunIdFields,
  metrics: opt(Type.Array(MetricWire)),
  params: Pairs,
  tags: Pairs,
})
const DatasetWire = Type.Object({
  name: Text,
  digest: Text,
  source_type: Text,
  source: Text,
  schema: opt(Type.String()),
  profile: opt(Type.String()),
})
export const LogInputs = Type.Object({
  ...RunIdFields,
  datasets: opt(Type.Array(Type.Object({ dataset: DatasetWire, tags: Pairs }))),
  models: opt(Type.Array(Type.Object({ model_id: Text }))),
})
export const LogOutputs = Type.Object({
  ...RunIdFields,
  models: opt(Type.Array(Type.Object({ model_id: Text, step: opt(Int) }))),
})
export const MetricHistory = Type.Object({ ...RunIdFields, ...Paging, metric_key: Text })
export const MetricHistoryBulk = Type.Object({
  run_id: opt(Type.Array(Type.String())),
  metric_key: Text,
  max_results: opt(Int),
})

export const MetricInterval = Type.Object({
  run_ids: opt(Type.Array(Type.String())),
  metric_key: Text,
  start_step: opt(Int),
  end_step: opt(Int),
  max_results: opt(Int),
})
export const LogModel = Type.Object({ ...RunIdFields, model_json: Text })
export const SearchDatasets = Type.Object({ experiment_ids: Texts })
export const GraphQl = Type.Object({
  query: opt(Type.String()),
  variables: opt(Type.Record(Type.String(), Type.Unknown())),
  operationName: opt(Type.String()),
})

// Artifacts
export const ListArtifacts = Type.Object({
  ...RunIdFields,
  path: opt(Type.String()),
  page_token: opt(Type.String()),
})
export const ListProxied = Type.Object({ path: opt(Type.String()) })
export const RunFile = Type.Object({ ...RunIdFields, path: Text })

// Logged models
export const CreateLoggedModel = Type.Object({
  experiment_id: Text,
  name: opt(Type.String()),
  model_type: opt(Type.String()),
  source_run_id: opt(Type.String()),
  params: Pairs,
  tags: Pairs,
})
export const GetLoggedModel = Type.Object({ allow_deleted: opt(Type.Boolean()) })
export const FinalizeLoggedModel = Type.Object({ status: Type.Unknown() })
export const LoggedModelTags = Type.Object({ tags: Pairs })
export const LoggedModelParams = Type.Object({ params: Pairs })
export const LoggedModelFolder = Type.Object({
  artifact_directory_path: opt(Type.String()),
  page_token: opt(Type.String()),
})
const DatasetFilter = Type.Object({ dataset_name: Text, dataset_digest: opt(Type.String()) })
export const SearchLoggedModels = Type.Object({
  ...Paging,
  experiment_ids: Texts,
  filter: opt(Type.String()),
  datasets: opt(Type.Array(DatasetFilter)),
  order_by: opt(
    Type.Array(
      Type.Object({
        field_name: Text,
        ascending: opt(Type.Boolean()),
        dataset_name: opt(Type.String()),
        dataset_digest: opt(Type.String()),
      }),
    ),
  ),
})

// Registry
export const ModelName = Type.Object({ name: Text })
export const CreateModel = Type.Object({ name: Text, tags: Pairs, description: opt(Type.String()) })
export const RenameModel = Type.Object({ name: Text, new_name: Text })
export const UpdateModel = Type.Object({ name: Text, description: opt(Type.String()) })
export const SearchModels = Type.Object({ ...Paging, filter: opt(Type.String()), order_by: Texts })
export const LatestVersions = Type.Object({ name: Text, stages: Texts })
export const SetModelTag = Type.Object({ name: Text, key: Text, value: opt(Type.String()) })
export const DeleteModelTag = Type.Object({ name: Text, key: Text })
export const SetAlias = Type.Object({ name: Text, alias: Text, version: Text })
export const AliasName = Type.Object({ name: Text, alias: Text })
export const CreateVersion = Type.Object({
  name: Text,
  source: Text,
  run_id: opt(Type.String()),
  model_id: opt(Type.String()),
  tags: Pairs,
  run_link: opt(Type.String()),
  description: opt(Type.String()),
})
export const VersionName = Type.Object({ name: Text, version: Text })
export const UpdateVersion = Type.Object({
  name: Text,
  version: Text,
  description: opt(Type.String()),
})
export const TransitionStage = Type.Object({
  name: Text,
  version: Text,
  stage: Text,
  archive_existing_versions: opt(Type.Boolean()),
})
export const SetVersionTag = Type.Object({
  name: Text,
  version: Text,
  key: Text,
  value: opt(Type.String()),
})
export const DeleteVersionTag = Type.Object({ name: Text, version: Text, key: Text })
