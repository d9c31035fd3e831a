import { Type, type TSchema } from 'typebox'
import { Int, Text } from '../messages.ts'

const opt = <T extends TSchema>(schema: T) => Type.Optional(schema)
const Texts = opt(Type.Array(Type.String()))
const Pairs = opt(Type.Array(Type.Object({ key: Text, value: opt(Type.String()) })))
/** Maps of texts, values of any kind: `translate.ts` reads them. */
const Open = opt(Type.Unknown())

export const AssessmentWire = Type.Object({
  assessment_id: opt(Type.String()),
  assessment_name: opt(Type.String()),
  source: opt(Type.Object({ source_type: opt(Type.Unknown()), source_id: opt(Type.String()) })),
  create_time: Open,
  last_update_time: Open,
  feedback: opt(Type.Object({ value: Open, error: Open })),
  expectation: opt(
    Type.Object({
      value: Open,
      serialized_value: opt(
        Type.Object({ serialization_format: opt(Type.String()), value: opt(Type.String()) }),
      ),
    }),
  ),
  issue: opt(Type.Object({ issue_name: opt(Type.String()) })),
  run_id: opt(Type.String()),
  span_id: opt(Type.String()),
  rationale: opt(Type.String()),
  metadata: Open,
  overrides: opt(Type.String()),
  valid: opt(Type.Boolean()),
})

const Location = Type.Object({
  type: opt(Type.Unknown()),
  mlflow_experiment: opt(Type.Object({ experiment_id: opt(Type.String()) })),
})

export const TraceInfoWire = Type.Object({
  trace_id: Text,
  client_request_id: opt(Type.String()),
  trace_location: opt(Location),
  request_preview: opt(Type.String()),
  response_preview: opt(Type.String()),
  request_time: Open,
  execution_duration: Open,
  state: Open,
  trace_metadata: Open,
  tags: Open,
  assessments: opt(Type.Array(AssessmentWire)),
})

export const StartTrace = Type.Object({ trace: Type.Object({ trace_info: TraceInfoWire }) })
export const GetTrace = Type.Object({ trace_id: Text, allow_partial: opt(Type.Boolean()) })
export const TraceIds = Type.Object({
  trace_ids: Type.Array(Type.String()),
  experiment_ids: Texts,
})
export const SearchTraces = Type.Object({
  locations: Type.Array(Location),
  filter: opt(Type.String()),
  max_results: opt(Int),
  order_by: Texts,
  page_token: opt(Type.String()),
})
export const DeleteTraces = Type.Object({
  experiment_id: Text,
  max_timestamp_millis: opt(Int),
  max_traces: opt(Int),
  request_ids: Texts,
})
export const SetTraceTag = Type.Object({ key: Text, value: opt(Type.String()) })
export const DeleteTraceTag = Type.Object({ key: Text })
export const LinkToRun = Type.Object({ trace_ids: Type.Array(Type.String()), run_id: Text })
export const LinkPrompts = Type.Object({
  trace_id: Text,
  prompt_versions: Type.Array(Type.Object({ name: Text, version: Type.Unknown() })),
})
export const TraceFile = Type.Object({ request_id: Text, path: opt(Type.String()) })
export const Assess = Type.Object({ assessment: AssessmentWire })
export const UpdateAssessment = Type.Object({
  assessment: AssessmentWire,
  update_mask: Type.Unknown(),
})
export const Measure = Type.Object({
  experiment_ids: Type.Array(Type.String()),
  view_type: Type.Unknown(),
  metric_name: Text,
  aggregations: Type.Array(
    Type.Object({
      aggregation_type: Type.Unknown(),
      percentile_value: opt(Type.Number()),
    }),
  ),
  dimensions: Texts,
  filters: Texts,
  time_interval_seconds: opt(Int),
  start_time_ms: opt(Int),
  end_time_ms: opt(Int),
  max_results: opt(Int),
  page_token: opt(Type.String()),
})
export const Correlate = Type.Object({
  experiment_ids: Type.Array(Type.String()),
  filter_string1: Text,
  filter_string2: Text,
  base_filter: opt(Type.String()),
})

// MLflow's second protocol of traces
export const BeginTrace = Type.Object({
  experiment_id: Text,
  timestamp_ms: Int,
  request_metadata: Pairs,
  tags: Pairs,
})
export const EndTrace = Type.Object({
  timestamp_ms: Int,
  status: Type.Unknown(),
  request_metadata: Pairs,
  tags: Pairs,
})
export const ListTraces = Type.Object({
  experiment_ids: Type.Array(Type.String()),
  filter: opt(Type.String()),
  max_results: opt(Int),
  order_by: Texts,
  page_token: opt(Type.String()),
})
