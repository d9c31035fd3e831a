import type { Static } from 'typebox'
import { Problem } from '#base/problem'
import { parsePythonJson, pythonJson, type Value } from '#base/python-json'
import {
  METADATA_KEY_CHARS_MAX,
  SOURCE_TYPES,
  type Assessment,
  type AssessmentChange,
  type AssessmentError,
  type NewAssessment,
} from '#traces'
import type { AssessmentWire } from './messages.ts'
import { mapIn, timeIn, timeToWire, wrong } from './fields.ts'

type Wire = Static<typeof AssessmentWire>

export function assessmentIn(wire: Wire): NewAssessment {
  const createdMs = timeIn(wire.create_time, 'assessment.create_time')
  const updatedMs = timeIn(wire.last_update_time, 'assessment.last_update_time')
  return {
    ...valueIn(wire),
    ...(wire.assessment_id ? { assessmentId: wire.assessment_id } : {}),
    ...(createdMs === undefined ? {} : { createdMs }),
    ...(updatedMs === undefined ? {} : { updatedMs }),
    name: wire.assessment_name ?? '',
    source: sourceIn(wire.source),
    runId: wire.run_id || null,
    spanId: wire.span_id || null,
    rationale: wire.rationale || null,
    metadata: mapIn(wire.metadata, 'assessment.metadata', METADATA_KEY_CHARS_MAX),
    overrides: wire.overrides || null,
    // Expectations do not say so, and are.
    valid: wire.feedback === undefined ? true : (wire.valid ?? false),
  }
}

function valueIn(wire: Wire): Pick<NewAssessment, 'kind' | 'value' | 'error'> {
  const given = [wire.feedback, wire.expectation, wire.issue].filter((each) => each !== undefined)
  if (given.length !== 1)
    throw new Problem(
      'invalid',
      'an assessment has one of feedback, expectation and issue; send that one',
    )
  if (wire.feedback !== undefined) return { kind: 'feedback', ...feedbackIn(wire.feedback) }
  if (wire.expectation !== undefined)
    return { kind: 'expectation', value: expectationIn(wire.expectation), error: null }
  return {
    kind: 'issue',
    value: pythonJson({ issue_name: wire.issue?.issue_name ?? '' }),
    error: null,
  }
}

function feedbackIn(feedback: NonNullable<Wire['feedback']>) {
  return { value: jsonOf(feedback.value), error: errorIn(feedback.error) }
}

/** Numbers of protobuf's JSON are floating, but whole ones are told without a point. */
function jsonOf(value: unknown): string {
  const parsed = parsePythonJson(JSON.stringify(value ?? null))
  return pythonJson(parsed ?? null)
}

function expectationIn({ value, serialized_value }: NonNullable<Wire['expectation']>): string {
  if (serialized_value === undefined) return jsonOf(value)
  if (serialized_value.serialization_format !== 'JSON_FORMAT')
    throw new Problem(
      'invalid',
      `Unknown serialization format: ${serialized_value.serialization_format ?? 'none'}. Only JSON_FORMAT is supported`,
    )
  const parsed = parsePythonJson(serialized_value.value ?? '')
  if (parsed === undefined)
    throw wrong(serialized_value.value, 'assessment.expectation.serialized_value')
  return pythonJson(parsed)
}

function errorIn(error: unknown): AssessmentError | null {
  if (error === undefined || error === null) return null
  if (typeof error !== 'object') throw wrong(error, 'assessment.feedback.error')
  const fields = error as Record<string, unknown>
  const text = (snake: string, camel: string) => {
    const value = fields[snake] ?? fields[camel]
    return typeof value === 'string' ? value : null
  }
  return {
    code: text('error_code', 'errorCode') ?? '',
    message: text('error_message', 'errorMessage'),
    stackTrace: text('stack_trace', 'stackTrace'),
  }
}

function sourceIn(source: Wire['source']): Assessment['source'] {
  const { source_type: type = 'SOURCE_TYPE_UNSPECIFIED', source_id: id = null } = source ?? {}
  const name = typeof type === 'number' ? SOURCE_TYPES[type - 1] : type
  if (typeof name !== 'string') throw wrong(type, 'assessment.source.source_type')
  // The old name of a judge.
  return { type: name === 'AI_JUDGE' ? 'LLM_JUDGE' : name, id }
}

/** What a change names in its mask: a list of fields in protobuf's camelCase, or a list of texts. */
export function changeIn(wire: Wire, mask: unknown): AssessmentChange {
  const fields = fieldsOf(mask)
  const isNamed = (name: string) => fields.includes(name)
  return {
    ...(isNamed('assessment_name') && wire.assessment_name !== undefined
      ? { name: wire.assessment_name }
      : {}),
    ...(isNamed('feedback') ? { feedback: feedbackIn(wire.feedback ?? {}) } : {}),
    ...(isNamed('expectation')
      ? { expectation: { value: expectationIn(wire.expectation ?? {}) } }
      : {}),
    ...(isNamed('rationale') ? { rationale: wire.rationale ?? '' } : {}),
    ...(isNamed('metadata')
      ? { metadata: mapIn(wire.metadata, 'assessment.metadata', METADATA_KEY_CHARS_MAX) }
      : {}),
  }
}

function fieldsOf(mask: unknown): string[] {
  const paths = (mask as { paths?: unknown } | null)?.paths
  const texts =
    typeof mask === 'string' ? mask.split(',') : Array.isArray(paths) ? paths : undefined
  if (texts === undefined) throw wrong(mask, 'update_mask')
  return texts
    .map((text) =>
      String(text)
        .trim()
        .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    )
    .filter((text) => text !== '')
}

export function assessmentToWire(assessment: Assessment) {
  const { metadata, error } = assessment
  return {
    assessment_id: assessment.assessmentId,
    assessment_name: assessment.name,
    trace_id: assessment.traceId,
    ...(assessment.spanId === null ? {} : { span_id: assessment.spanId }),
    source: {
      source_type: assessment.source.type,
      ...(assessment.source.id === null ? {} : { source_id: assessment.source.id }),
    },
    create_time: timeToWire(assessment.createdMs),
    last_update_time: timeToWire(assessment.updatedMs),
    ...valueToWire(assessment, error),
    ...(assessment.rationale === null ? {} : { rationale: assessment.rationale }),
    ...(metadata.length === 0
      ? {}
      : { metadata: Object.fromEntries(metadata.map(({ key, value }) => [key, value])) }),
    ...(assessment.overrides === null ? {} : { overrides: assessment.overrides }),
    valid: assessment.valid,
  }
}

function valueToWire({ kind, value: json }: Assessment, error: AssessmentError | null) {
  if (kind === 'issue') return { issue: JSON.parse(json) as unknown }
  const value = parsePythonJson(json) ?? null
  if (kind === 'expectation' && typeof value === 'object' && value !== null)
    return {
      expectation: { serialized_value: { serialization_format: 'JSON_FORMAT', value: json } },
    }
  if (kind === 'expectation') return { expectation: { value: plain(value) } }
  return {
    feedback: {
      value: plain(value),
      ...(error === null
        ? {}
        : {
            error: {
              error_code: error.code,
              ...(error.message === null ? {} : { error_message: error.message }),
              ...(error.stackTrace === null ? {} : { stack_trace: error.stackTrace }),
            },
          }),
    },
  }
}

/** Numbers as protobuf's values have them: all of them floating. */
function plain(value: Value): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return (value as readonly Value[]).map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}
