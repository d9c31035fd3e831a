import type { Assessment, SpanStatus, TraceState } from '#traces'

export interface TraceTables {
  traces: {
    trace_id: string
    experiment_id: number
    at_ms: number
    duration_ms: number | null
    state: TraceState
    client_request_id: string | null
    request_preview: string | null
    response_preview: string | null
    name: string | null
    session_id: string | null
    input_tokens: number | null
    output_tokens: number | null
    total_tokens: number | null
    cache_read_input_tokens: number | null
    cache_creation_input_tokens: number | null
  }
  trace_tags: { trace_id: string; key: string; value: string }
  trace_metadata: { trace_id: string; key: string; value: string }
  trace_runs: { trace_id: string; run_id: string }
  trace_prompts: { trace_id: string; prompt: string }
  spans: {
    trace_id: string
    span_id: string
    parent_id: string | null
    experiment_id: number
    name: string
    type: string | null
    status: SpanStatus
    start_ms: number
    start_ns: string
    duration_ms: number | null
    tokens: string | null
    input_cost: number | null
    output_cost: number | null
    total_cost: number | null
    model_name: string | null
    model_provider: string | null
    content: string
  }
  assessments: {
    trace_id: string
    assessment_id: string
    kind: Assessment['kind']
    name: string
    value: string
    number: number | null
    is_number: number
    error: string | null
    source_type: string
    source_id: string | null
    run_id: string | null
    span_id: string | null
    rationale: string | null
    metadata: string
    /** Said of the whole session of the trace. */
    session_scoped: number
    overrides: string | null
    valid: number
    created_ms: number
    updated_ms: number
  }
}
