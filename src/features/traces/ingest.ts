import { Problem } from '#base/problem'
import type { Transact } from '#ledger'
import type { Experiment, KeyValue, TrackingReads, TrackingWrites } from '#tracking'
import { spannedTrace, tellsUsage, type SpanBatch } from './merge.ts'
import type { Attribute } from './attribute.ts'
import { keptSpanOf, traceIdOf, type Span } from './span.ts'
import { pythonJson } from '#base/python-json'
import type { TraceWrites } from './store.ts'
import { fittingTraceTag } from './trace.ts'

/** What a transaction about traces sees. */
export type TraceTransact = Transact<{ traces: TraceWrites; tracking: TrackingWrites }>

/** Spans as they come from a client, which may hold pieces of many traces. */
export interface SpanDelivery {
  /** Where traces that nobody has told of yet belong. */
  readonly experimentId: string
  readonly spans: readonly Span[]
  /** Traces whose root is among the spans are linked to it. */
  readonly runId?: string
}

/** Keeps spans and what they tell of their traces: all of a delivery, or nothing. */
export async function logSpans(
  transact: TraceTransact,
  { experimentId, spans, runId }: SpanDelivery,
): Promise<void> {
  if (spans.length === 0) return
  const batches = batchesOf(spans)
  const ids = batches.map(idOf)
  const done = batches.filter(({ spans: own }) => own.some(({ parentId }) => parentId === null))
  await transact(async ({ traces, tracking }) => {
    const known = new Map((await traces.traces(ids)).map((trace) => [trace.traceId, trace]))
    const earlier = Map.groupBy(
      await traces.usage(
        batches.filter((batch) => known.has(batch.traceId) && tellsUsage(batch)).map(idOf),
      ),
      ({ traceId }) => traceId,
    )
    const experiment =
      known.size === ids.length ? undefined : await experimentIn(tracking, experimentId)
    const after = batches.map((batch) =>
      spannedTrace(
        known.get(batch.traceId),
        batch,
        // Only a trace that is not known asks for it.
        experiment ?? NOWHERE,
        earlier.get(batch.traceId) ?? [],
      ),
    )
    await traces.saveTraces(after)
    await traces.putSpans(
      new Map(after.map((trace) => [trace.traceId, trace.experimentId])),
      batches.flatMap((batch) => batch.spans),
    )
    // A run that is not there is no reason to lose the spans.
    if (runId !== undefined && (await tracking.findRun(runId)) !== undefined)
      await traces.linkRun(runId, done.map(idOf))
  })
}

function idOf({ traceId }: SpanBatch): string {
  return traceId
}

const NOWHERE = { experimentId: '', artifactLocation: '' } as Experiment

export async function experimentIn(
  tracking: TrackingReads,
  experimentId: string,
): Promise<Experiment> {
  if (!/^\d{1,15}$/.test(experimentId))
    throw new Problem(
      'invalid',
      `${JSON.stringify(experimentId)} is no experiment id; it is a whole number`,
    )
  const experiment = await tracking.findExperiment(String(Number(experimentId)))
  if (experiment !== undefined) return experiment
  throw new Problem(
    'not-found',
    `No Experiment with id=${experimentId} exists; create it, or name one that is there`,
  )
}

/** The spans trace by trace; of one that is told twice the last word counts. */
function batchesOf(spans: readonly Span[]): SpanBatch[] {
  return [...Map.groupBy(spans, ({ traceId }) => traceId)].map(([hex, own]) => ({
    traceId: traceIdOf(hex),
    spans: [...new Map(own.map((span) => [span.spanId, keptSpanOf(span)] as const)).values()],
    resourceTags: resourceTagsOf(own.find(({ resource }) => resource.length > 0)?.resource ?? []),
  }))
}

/** Who made the spans, as tags; what the SDK and MLflow say of themselves is left out. */
function resourceTagsOf(resource: readonly Attribute[]): KeyValue[] {
  return resource.flatMap(({ key, value }) => {
    if (key.startsWith('telemetry.sdk.') || key.startsWith('mlflow.')) return []
    const tag = fittingTraceTag({
      key,
      value: typeof value === 'string' ? value : pythonJson(value),
    })
    return tag === undefined ? [] : [tag]
  })
}
