import type { Static } from 'typebox'
import { Problem } from '#base/problem'
import {
  METADATA_KEY_CHARS_MAX,
  TAG_KEY_CHARS_MAX,
  TRACE_STATES,
  type NewTrace,
  type TraceRecord,
  type TraceState,
} from '#traces'
import type { KeyValue } from '#tracking'
import { assessmentToWire } from './assessment-wire.ts'
import { mapIn, timeIn, timeToWire, wrong } from './fields.ts'
import type { TraceInfoWire } from './messages.ts'

/** What lists of traces tell of long values. */
const METADATA_CHARS_TOLD = 250
const TAG_CHARS_TOLD = 4096

export function traceIn(wire: Static<typeof TraceInfoWire>): NewTrace {
  const experimentId = wire.trace_location?.mlflow_experiment?.experiment_id ?? ''
  if (experimentId === '')
    throw new Problem(
      'invalid',
      "Missing value for required parameter 'trace.trace_info.trace_location.mlflow_experiment.experiment_id'. Name the experiment; traces are kept nowhere else here",
    )
  return {
    traceId: wire.trace_id,
    experimentId,
    atMs: timeIn(wire.request_time, 'request_time') ?? 0,
    durationMs: durationIn(wire.execution_duration),
    state: stateIn(wire.state),
    clientRequestId: wire.client_request_id ?? null,
    requestPreview: wire.request_preview ?? null,
    responsePreview: wire.response_preview ?? null,
    tags: mapIn(wire.tags, 'tags', TAG_KEY_CHARS_MAX),
    metadata: mapIn(wire.trace_metadata, 'trace_metadata', METADATA_KEY_CHARS_MAX),
  }
}

function durationIn(duration: unknown): number | null {
  if (duration === undefined) return null
  const seconds =
    typeof duration === 'string' ? /^(-?\d+(?:\.\d+)?)s$/.exec(duration)?.[1] : undefined
  if (seconds === undefined) throw wrong(duration, 'execution_duration')
  return Math.round(Number(seconds) * 1000)
}

/** A state by its name or by its number in MLflow's protobuf. */
export function stateIn(state: unknown): TraceState {
  if (state === undefined) return 'STATE_UNSPECIFIED'
  // The second protocol has another word for the first of them.
  if (state === 'TRACE_STATUS_UNSPECIFIED') return 'STATE_UNSPECIFIED'
  const found =
    typeof state === 'number' ? TRACE_STATES[state] : TRACE_STATES.find((each) => each === state)
  if (found !== undefined) return found
  throw new Problem(
    'invalid',
    `Invalid value ${JSON.stringify(state)} for the state of a trace: it must be one of ${TRACE_STATES.join(', ')}`,
  )
}

export function traceToWire(trace: TraceRecord) {
  const { assessments, tags, metadata } = trace
  return {
    trace_id: trace.traceId,
    ...present({ client_request_id: trace.clientRequestId }),
    trace_location: {
      type: 'MLFLOW_EXPERIMENT',
      mlflow_experiment: { experiment_id: trace.experimentId },
    },
    ...present({ request_preview: trace.requestPreview, response_preview: trace.responsePreview }),
    request_time: timeToWire(trace.atMs),
    ...(trace.durationMs === null ? {} : { execution_duration: durationToWire(trace.durationMs) }),
    state: trace.state,
    ...(metadata.length === 0 ? {} : { trace_metadata: mapToWire(metadata, METADATA_CHARS_TOLD) }),
    ...(assessments.length === 0 ? {} : { assessments: assessments.map(assessmentToWire) }),
    ...(tags.length === 0 ? {} : { tags: mapToWire(tags, TAG_CHARS_TOLD) }),
  }
}

/** The trace as MLflow's second protocol tells it. */
export function oldTraceToWire(trace: TraceRecord) {
  return {
    request_id: trace.traceId,
    experiment_id: trace.experimentId,
    timestamp_ms: trace.atMs,
    execution_time_ms: trace.durationMs ?? 0,
    status: trace.state === 'STATE_UNSPECIFIED' ? 'TRACE_STATUS_UNSPECIFIED' : trace.state,
    request_metadata: pairsToWire(trace.metadata, METADATA_CHARS_TOLD),
    tags: pairsToWire(trace.tags, TAG_CHARS_TOLD),
  }
}

function durationToWire(ms: number): string {
  const size = Math.abs(ms)
  const rest = size % 1000
  const whole = `${ms < 0 ? '-' : ''}${Math.floor(size / 1000)}`
  return rest === 0 ? `${whole}s` : `${whole}.${String(rest).padStart(3, '0')}s`
}

function pairsToWire(pairs: readonly KeyValue[], charsTold: number): KeyValue[] {
  return pairs.map(({ key, value }) => ({ key, value: cut(value, charsTold) }))
}

function mapToWire(pairs: readonly KeyValue[], charsTold: number): Record<string, string> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, cut(value, charsTold)]))
}

function cut(text: string, chars: number): string {
  return text.length <= chars ? text : Array.from(text).slice(0, chars).join('')
}

function present<Fields extends Record<string, string | null>>(fields: Fields): Partial<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null),
  ) as Partial<Fields>
}
