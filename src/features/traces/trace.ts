import { Problem } from '#base/problem'
import type { KeyValue } from '#tracking'
import type { Assessment } from './assessment.ts'

/** As MLflow spells them; filters compare the same words. */
export const TRACE_STATES = ['STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS'] as const
export type TraceState = (typeof TRACE_STATES)[number]

/** One call of an application: what its spans are about, without the spans. */
export interface TraceInfo {
  readonly traceId: string
  readonly experimentId: string
  readonly atMs: number
  /** Absent while it goes on. */
  readonly durationMs: number | null
  readonly state: TraceState
  readonly clientRequestId: string | null
  readonly requestPreview: string | null
  readonly responsePreview: string | null
  readonly tags: readonly KeyValue[]
  /** What the application tells once; tags may change. */
  readonly metadata: readonly KeyValue[]
}

export interface TraceRecord extends TraceInfo {
  readonly assessments: readonly Assessment[]
}

/** Tags and metadata that the server itself reads or writes. */
export const NAME_TAG = 'mlflow.traceName'
export const SPANS_LOCATION_TAG = 'mlflow.trace.spansLocation'
export const ARTIFACT_LOCATION_TAG = 'mlflow.artifactLocation'
export const SPANS_ARE_HERE = 'TRACKING_STORE'
export const SESSION_KEY = 'mlflow.trace.session'
export const USER_KEY = 'mlflow.trace.user'
export const TOKENS_KEY = 'mlflow.trace.tokenUsage'
export const COST_KEY = 'mlflow.trace.cost'
export const SIZE_STATS_KEY = 'mlflow.trace.sizeStats'
export const SOURCE_RUN_KEY = 'mlflow.sourceRun'
/** Says that the application has told the trace itself; spans that come later do not change what it said. */
export const FINAL_KEY = 'mlflow.trace.infoFinalized'

/** MLflow's limits for traces. */
export const TAG_KEY_CHARS_MAX = 250
export const TAG_VALUE_CHARS_MAX = 8000
export const METADATA_KEY_CHARS_MAX = 250
export const SESSION_CHARS_MAX = 250
/** As far as calendars go. */
export const TIME_MS_MAX = 8_640_000_000_000_000
/** Traces that one request links to a run. */
export const LINKS_MAX = 100

const IMMUTABLE_TAGS = new Set([
  SPANS_LOCATION_TAG,
  'mlflow.trace.archiveLocation',
  'mlflow.trace.archivalFailure',
])

/** Throws `invalid` for tags that tell how the server keeps a trace. */
export function assertMutableTag(key: string, change: 'set' | 'deleted'): void {
  // Deleting it is how a failure to archive is cleared.
  if (change === 'deleted' && key === 'mlflow.trace.archivalFailure') return
  if (IMMUTABLE_TAGS.has(key))
    throw new Problem('invalid', `Tag '${key}' is immutable and cannot be ${change} on a trace`)
}

/** The tag as it is kept: a long value is cut. Throws `invalid` for a key that is none. */
export function checkedTraceTag({ key, value }: KeyValue): KeyValue {
  const mistake = mistakeOfKey(key)
  if (mistake !== undefined)
    throw new Problem('invalid', `${JSON.stringify(key)} is no key for a trace's tag: ${mistake}`)
  return { key, value: value.slice(0, TAG_VALUE_CHARS_MAX) }
}

/** As `checkedTraceTag`, for tags that came by the way: undefined for those that cannot be one. */
export function fittingTraceTag({ key, value }: KeyValue): KeyValue | undefined {
  return mistakeOfKey(key) === undefined
    ? { key, value: value.slice(0, TAG_VALUE_CHARS_MAX) }
    : undefined
}

function mistakeOfKey(key: string): string | undefined {
  if (key === '') return 'it is empty; name it'
  if (key.length > TAG_KEY_CHARS_MAX)
    return `it has ${key.length} characters; the limit is ${TAG_KEY_CHARS_MAX}`
  if (!/^[/\p{L}\p{N}_.\- :]+$/u.test(key))
    return 'use letters, digits, underscores, dashes, periods, spaces, colons and slashes'
  const parts = key.split('/')
  return parts.length > 1 && parts.some((part) => part === '' || part === '.' || part === '..')
    ? 'read as a path it would mean something else; drop the dots and extra slashes'
    : undefined
}

export function valueOf(pairs: readonly KeyValue[], key: string): string | undefined {
  return pairs.find((pair) => pair.key === key)?.value
}

/** The pairs with others over them; a key that is there keeps its place. */
export function over(pairs: readonly KeyValue[], others: readonly KeyValue[]): KeyValue[] {
  const merged = new Map(pairs.map(({ key, value }) => [key, value]))
  for (const { key, value } of others) merged.set(key, value)
  return [...merged].map(([key, value]) => ({ key, value }))
}

export function noTrace(traceId: string): Problem {
  return new Problem('not-found', `Trace with ID '${traceId}' not found; it may have been deleted`)
}
