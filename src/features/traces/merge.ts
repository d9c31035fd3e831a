import { artifactUriOf } from './artifact.ts'
import { previewOf } from './preview.ts'
import {
  COST_ATTRIBUTE,
  INPUTS_ATTRIBUTE,
  OUTPUTS_ATTRIBUTE,
  textIn,
  TOKENS_ATTRIBUTE,
  type KeptSpan,
} from './span.ts'
import type { Experiment, KeyValue } from '#tracking'
import {
  ARTIFACT_LOCATION_TAG,
  COST_KEY,
  FINAL_KEY,
  fittingTraceTag,
  over,
  SESSION_CHARS_MAX,
  SESSION_KEY,
  SPANS_ARE_HERE,
  SPANS_LOCATION_TAG,
  TOKENS_KEY,
  USER_KEY,
  valueOf,
  type TraceInfo,
} from './trace.ts'
import {
  costIn,
  costJson,
  costOf,
  tokensIn,
  tokensJson,
  tokensOf,
  type Cost,
  type Tokens,
  type UsageNode,
} from './usage.ts'

/** A trace as the application tells it when the call is over. */
export type NewTrace = TraceInfo

/** The trace that the application tells, over what its spans have told before. */
export function startedTrace(
  kept: TraceInfo | undefined,
  given: NewTrace,
  experiment: Experiment,
  isFinal: boolean,
): TraceInfo {
  const location = { key: ARTIFACT_LOCATION_TAG, value: artifactUriOf(experiment, given.traceId) }
  const final = isFinal ? [{ key: FINAL_KEY, value: 'true' }] : []
  const said = [...withUsage(given.metadata), ...final]
  return {
    ...given,
    requestPreview: given.requestPreview ?? kept?.requestPreview ?? null,
    responsePreview: given.responsePreview ?? kept?.responsePreview ?? null,
    tags: over(over(kept?.tags ?? [], given.tags), [location]),
    metadata: over(kept?.metadata ?? [], said),
  }
}

/** Metadata with the counts told as they are kept; what is no count is left out. */
export function withUsage(metadata: readonly KeyValue[]): KeyValue[] {
  return metadata.flatMap(({ key, value }) => {
    if (key === TOKENS_KEY) return pairOf(key, tokensIn(value), tokensJson)
    if (key === COST_KEY) return pairOf(key, costIn(value), costJson)
    return [{ key, value }]
  })
}

/** Spans of one trace that came together. */
export interface SpanBatch {
  readonly traceId: string
  readonly spans: readonly KeptSpan[]
  /** Of who made them, already as tags. */
  readonly resourceTags: readonly KeyValue[]
}

/** What earlier spans of the trace told. */
export type EarlierUsage = UsageNode<{ tokens: Tokens | undefined; cost: Cost | undefined }>

/** The trace with what these spans add; what the application told itself stays. */
export function spannedTrace(
  kept: TraceInfo | undefined,
  batch: SpanBatch,
  experiment: Experiment,
  earlier: readonly EarlierUsage[],
): TraceInfo {
  const trace = kept ?? unseenTrace(batch, experiment)
  const isFinal = valueOf(trace.metadata, FINAL_KEY) === 'true'
  const root = batch.spans.find(({ parentId }) => parentId === null)
  const isOpen = trace.state === 'IN_PROGRESS' || trace.state === 'STATE_UNSPECIFIED'
  return {
    ...trace,
    ...(isFinal ? {} : spanOfTime(trace, batch.spans)),
    state: isOpen && root !== undefined ? stateOf(root) : trace.state,
    requestPreview:
      trace.requestPreview ?? previewOf(root?.attributes.get(INPUTS_ATTRIBUTE), 'user'),
    responsePreview:
      trace.responsePreview ?? previewOf(root?.attributes.get(OUTPUTS_ATTRIBUTE), 'assistant'),
    tags: over(trace.tags, [
      { key: SPANS_LOCATION_TAG, value: SPANS_ARE_HERE },
      ...batch.resourceTags,
      ...(root === undefined ? [] : tagsOf(root)),
    ]),
    metadata: over(trace.metadata, [
      ...usageOf(trace, isFinal, batch, earlier),
      ...told(trace, SESSION_KEY, sessionOf(batch.spans)),
      ...told(trace, USER_KEY, firstText(batch.spans, ['user.id'])),
    ]),
  }
}

function unseenTrace({ traceId }: SpanBatch, experiment: Experiment): TraceInfo {
  return {
    traceId,
    experimentId: experiment.experimentId,
    atMs: Number.MAX_SAFE_INTEGER,
    durationMs: null,
    state: 'IN_PROGRESS',
    clientRequestId: null,
    requestPreview: null,
    responsePreview: null,
    tags: [{ key: ARTIFACT_LOCATION_TAG, value: artifactUriOf(experiment, traceId) }],
    metadata: [],
  }
}

/** From the earliest start to the latest end that was seen. */
function spanOfTime(
  trace: TraceInfo,
  spans: readonly KeptSpan[],
): Pick<TraceInfo, 'atMs' | 'durationMs'> {
  const starts = spans.map(({ startNs }) => msOf(startNs))
  const atMs = starts.reduce((least, start) => Math.min(least, start), trace.atMs)
  const ends = spans.flatMap(({ endNs }) => (endNs === null ? [] : [msOf(endNs)]))
  if (trace.durationMs !== null) ends.push(trace.atMs + trace.durationMs)
  const endMs = ends.reduce<number | null>((most, end) => Math.max(most ?? end, end), null)
  return { atMs, durationMs: endMs === null ? trace.durationMs : endMs - atMs }
}

export function msOf(ns: bigint): number {
  return Number(ns / 1_000_000n)
}

function stateOf(root: KeptSpan): TraceInfo['state'] {
  return root.status === 'ERROR' ? 'ERROR' : 'OK'
}

const TAG_PREFIX = 'mlflow.traceTag.'

/** Tags that the application has put on the root span. */
function tagsOf(root: KeptSpan): KeyValue[] {
  return [...root.attributes].flatMap(([key, json]) => {
    if (!key.startsWith(TAG_PREFIX)) return []
    const tag = fittingTraceTag({ key: key.slice(TAG_PREFIX.length), value: textIn(json) ?? json })
    return tag === undefined ? [] : [tag]
  })
}

/** Whether earlier spans have to be counted anew with these. */
export function tellsUsage({ spans }: SpanBatch): boolean {
  return spans.some(
    ({ attributes }) => attributes.has(TOKENS_ATTRIBUTE) || attributes.has(COST_ATTRIBUTE),
  )
}

/** Tokens and cost over all spans, unless the application has told them itself. */
function usageOf(
  trace: TraceInfo,
  isFinal: boolean,
  { spans }: SpanBatch,
  earlier: readonly EarlierUsage[],
): KeyValue[] {
  const own = spans.map(({ spanId, parentId, attributes }) => ({
    spanId,
    parentId,
    usage: {
      tokens: tokensIn(attributes.get(TOKENS_ATTRIBUTE)),
      cost: costIn(attributes.get(COST_ATTRIBUTE)),
    },
  }))
  const again = new Set(spans.map(({ spanId }) => spanId))
  const nodes = [...own, ...earlier.filter(({ spanId }) => !again.has(spanId))]
  const pairs: KeyValue[] = []
  if (own.some(({ usage }) => usage.tokens !== undefined) && mayTell(trace, isFinal, TOKENS_KEY))
    pairs.push(...pairOf(TOKENS_KEY, tokensOf(nodes.map(only('tokens'))), tokensJson))
  if (own.some(({ usage }) => usage.cost !== undefined) && mayTell(trace, isFinal, COST_KEY))
    pairs.push(...pairOf(COST_KEY, costOf(nodes.map(only('cost'))), costJson))
  return pairs
}

function mayTell(trace: TraceInfo, isFinal: boolean, key: string): boolean {
  return !isFinal || valueOf(trace.metadata, key) === undefined
}

function only<Name extends 'tokens' | 'cost'>(name: Name) {
  return ({ spanId, parentId, usage }: EarlierUsage) => ({
    spanId,
    parentId,
    usage: usage?.[name],
  })
}

function pairOf<Usage>(
  key: string,
  usage: Usage | undefined,
  json: (usage: Usage) => string,
): KeyValue[] {
  return usage === undefined ? [] : [{ key, value: json(usage) }]
}

function told(trace: TraceInfo, key: string, value: string | undefined): KeyValue[] {
  return value === undefined || valueOf(trace.metadata, key) !== undefined ? [] : [{ key, value }]
}

function sessionOf(spans: readonly KeptSpan[]): string | undefined {
  return firstText(spans, ['session.id', 'gen_ai.conversation.id'])?.slice(0, SESSION_CHARS_MAX)
}

function firstText(spans: readonly KeptSpan[], keys: readonly string[]): string | undefined {
  for (const { attributes } of spans)
    for (const key of keys) {
      const json = attributes.get(key)
      const text = textIn(json) ?? json
      if (text !== undefined && text !== '') return text
    }
  return undefined
}
