import { SESSION_KEY, numberOf, valueOf, NAME_TAG, TOKENS_KEY, tokensIn } from '#traces'
import type { Assessment, AssessmentError, KeptSpan, TraceInfo } from '#traces'
import { COST_ATTRIBUTE, costIn, MODEL_ATTRIBUTE, PROVIDER_ATTRIBUTE, textIn } from '#traces'
import { TOKENS_ATTRIBUTE } from '#traces'
import type { KeyValue } from '#tracking'
import type { TraceTables } from './tables.ts'

/** Names that groups are made of are cut here. */
const GROUP_CHARS_MAX = 500

export function traceRow(trace: TraceInfo): TraceTables['traces'] {
  const tokens = tokensIn(valueOf(trace.metadata, TOKENS_KEY))
  return {
    trace_id: trace.traceId,
    experiment_id: Number(trace.experimentId),
    at_ms: trace.atMs,
    duration_ms: trace.durationMs,
    state: trace.state,
    client_request_id: trace.clientRequestId,
    request_preview: trace.requestPreview,
    response_preview: trace.responsePreview,
    name: valueOf(trace.tags, NAME_TAG) ?? null,
    session_id: valueOf(trace.metadata, SESSION_KEY) ?? null,
    input_tokens: tokens?.input_tokens ?? null,
    output_tokens: tokens?.output_tokens ?? null,
    total_tokens: tokens?.total_tokens ?? null,
    cache_read_input_tokens: tokens?.cache_read_input_tokens ?? null,
    cache_creation_input_tokens: tokens?.cache_creation_input_tokens ?? null,
  }
}

export function traceOf(
  row: TraceTables['traces'],
  tags: readonly KeyValue[],
  metadata: readonly KeyValue[],
): TraceInfo {
  return {
    traceId: row.trace_id,
    experimentId: String(row.experiment_id),
    atMs: row.at_ms,
    durationMs: row.duration_ms,
    state: row.state,
    clientRequestId: row.client_request_id,
    requestPreview: row.request_preview,
    responsePreview: row.response_preview,
    tags,
    metadata,
  }
}

export function spanRow(span: KeptSpan, experimentId: string): TraceTables['spans'] {
  const cost = costIn(span.attributes.get(COST_ATTRIBUTE))
  const { startNs, endNs } = span
  return {
    trace_id: span.traceId,
    span_id: span.spanId,
    parent_id: span.parentId,
    experiment_id: Number(experimentId),
    name: span.name,
    type: span.type,
    status: span.status,
    start_ms: Number(startNs / 1_000_000n),
    start_ns: String(startNs).padStart(20, '0'),
    duration_ms: endNs === null ? null : Number((endNs - startNs) / 1_000_000n),
    tokens: span.attributes.get(TOKENS_ATTRIBUTE) ?? null,
    input_cost: cost?.input_cost ?? null,
    output_cost: cost?.output_cost ?? null,
    total_cost: cost?.total_cost ?? null,
    model_name: groupIn(span, MODEL_ATTRIBUTE),
    model_provider: groupIn(span, PROVIDER_ATTRIBUTE),
    content: span.content,
  }
}

function groupIn({ attributes }: KeptSpan, key: string): string | null {
  return textIn(attributes.get(key))?.slice(0, GROUP_CHARS_MAX) ?? null
}

export function assessmentRow(assessment: Assessment): TraceTables['assessments'] {
  const { number, isNumber } = numberOf(assessment.value)
  return {
    trace_id: assessment.traceId,
    assessment_id: assessment.assessmentId,
    kind: assessment.kind,
    name: assessment.name,
    value: assessment.value,
    number,
    is_number: isNumber ? 1 : 0,
    error: assessment.error === null ? null : JSON.stringify(assessment.error),
    source_type: assessment.source.type,
    source_id: assessment.source.id,
    run_id: assessment.runId,
    span_id: assessment.spanId,
    rationale: assessment.rationale,
    metadata: JSON.stringify(assessment.metadata),
    session_scoped: valueOf(assessment.metadata, SESSION_KEY) === undefined ? 0 : 1,
    overrides: assessment.overrides,
    valid: assessment.valid ? 1 : 0,
    created_ms: assessment.createdMs,
    updated_ms: assessment.updatedMs,
  }
}

export function assessmentOf(row: TraceTables['assessments']): Assessment {
  return {
    assessmentId: row.assessment_id,
    traceId: row.trace_id,
    kind: row.kind,
    name: row.name,
    value: row.value,
    error: row.error === null ? null : (JSON.parse(row.error) as AssessmentError),
    source: { type: row.source_type, id: row.source_id },
    runId: row.run_id,
    spanId: row.span_id,
    rationale: row.rationale,
    metadata: JSON.parse(row.metadata) as KeyValue[],
    overrides: row.overrides,
    valid: row.valid === 1,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
  }
}
