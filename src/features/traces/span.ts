import { pythonJson, type Value } from '#base/python-json'
import { readAs } from './conventions.ts'
import type { Attribute, SpanEvent } from './attribute.ts'

/** One step of a call, as OpenTelemetry tells it. Identifiers are lower-case hex. */
export interface Span {
  /** 32 digits. */
  readonly traceId: string
  /** 16 digits. */
  readonly spanId: string
  readonly parentId: string | null
  readonly name: string
  readonly startNs: bigint
  readonly endNs: bigint | null
  readonly status: { readonly code: SpanStatus; readonly message: string }
  readonly attributes: readonly Attribute[]
  readonly events: readonly SpanEvent[]
  readonly links: readonly SpanLink[]
  /** Of who made it. */
  readonly resource: readonly Attribute[]
}

export type SpanStatus = 'UNSET' | 'OK' | 'ERROR'

export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly attributes: readonly Attribute[]
}

/** A span as it is kept: what is searched and counted beside the text of all of it. */
export interface KeptSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | null
  readonly name: string
  readonly type: string | null
  readonly status: SpanStatus
  readonly startNs: bigint
  readonly endNs: bigint | null
  /** Every attribute by its name, each as JSON. */
  readonly attributes: ReadonlyMap<string, string>
  /** The JSON of the span in the words of MLflow's files. */
  readonly content: string
}

/** MLflow's own names of attributes. */
export const TRACE_ID_ATTRIBUTE = 'mlflow.traceRequestId'
export const TYPE_ATTRIBUTE = 'mlflow.spanType'
export const INPUTS_ATTRIBUTE = 'mlflow.spanInputs'
export const OUTPUTS_ATTRIBUTE = 'mlflow.spanOutputs'
export const TOKENS_ATTRIBUTE = 'mlflow.chat.tokenUsage'
export const COST_ATTRIBUTE = 'mlflow.llm.cost'
export const MODEL_ATTRIBUTE = 'mlflow.llm.model'
export const PROVIDER_ATTRIBUTE = 'mlflow.llm.provider'

/** The name of a trace that OpenTelemetry numbered. */
export function traceIdOf(hex: string): string {
  return `tr-${hex}`
}

/** The span as it is kept. Attributes of other conventions are told in MLflow's words too. */
export function keptSpanOf(span: Span): KeptSpan {
  const traceId = traceIdOf(span.traceId)
  const told = new Map(span.attributes.map(({ key, value }) => [key, jsonOf(value)]))
  // Whose span it is follows from its identifier; what a client says of that is not believed.
  told.set(TRACE_ID_ATTRIBUTE, JSON.stringify(traceId))
  const attributes = readAs(told, span.events)
  return {
    traceId,
    spanId: span.spanId,
    parentId: span.parentId,
    name: span.name,
    type: textIn(attributes.get(TYPE_ATTRIBUTE)) ?? null,
    status: span.status.code,
    startNs: span.startNs,
    endNs: span.endNs,
    attributes,
    content: contentOf(span, attributes),
  }
}

/** The text in a JSON text; undefined for other values. */
export function textIn(json: string | undefined): string | undefined {
  if (json === undefined || !json.startsWith('"')) return undefined
  return JSON.parse(json) as string
}

/** MLflow's clients and some others send JSON in a text; such a text is kept as the JSON that it is. */
function jsonOf(value: Value): string {
  if (typeof value === 'string' && /^\s*["[{]/.test(value) && isJson(value)) return value
  return pythonJson(value)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function contentOf(span: Span, attributes: ReadonlyMap<string, string>): string {
  const events = span.events.map(
    ({ name, atNs, attributes: own }) =>
      `{"name": ${JSON.stringify(name)}, "time_unix_nano": ${atNs}, "attributes": ${objectOf(own)}}`,
  )
  const links = span.links.map(
    (link) =>
      `{"trace_id": "${traceIdOf(link.traceId)}", "span_id": "${link.spanId}", "attributes": ${objectOf(link.attributes)}}`,
  )
  const pairs = [...attributes].map(
    ([key, json]) => `${JSON.stringify(key)}: ${JSON.stringify(json)}`,
  )
  return [
    `{"trace_id": "${base64Of(span.traceId)}"`,
    `"span_id": "${base64Of(span.spanId)}"`,
    `"parent_span_id": ${span.parentId === null ? 'null' : `"${base64Of(span.parentId)}"`}`,
    `"name": ${JSON.stringify(span.name)}`,
    `"start_time_unix_nano": ${span.startNs}`,
    `"end_time_unix_nano": ${span.endNs ?? 'null'}`,
    `"events": [${events.join(', ')}]`,
    `"status": {"code": "STATUS_CODE_${span.status.code}", "message": ${JSON.stringify(span.status.message)}}`,
    `"attributes": {${pairs.join(', ')}}`,
    `"links": [${links.join(', ')}]}`,
  ].join(', ')
}

function objectOf(attributes: readonly Attribute[]): string {
  return pythonJson(Object.fromEntries(attributes.map(({ key, value }) => [key, value])))
}

function base64Of(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64')
}
