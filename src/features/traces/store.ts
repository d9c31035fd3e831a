import type { KeyValue, Order, Place, Placed } from '#tracking'
import type { Assessment } from './assessment.ts'
import type { TraceCondition, TraceField } from './filter/terms.ts'
import type { Measurement, MeasuredRow } from './measure.ts'
import type { KeptSpan } from './span.ts'
import type { TraceInfo, TraceRecord } from './trace.ts'
import type { Cost, Tokens, UsageNode } from './usage.ts'

export type TraceOrder = Order<TraceField>

export interface TraceSearch {
  readonly experimentIds: readonly string[]
  readonly conditions: readonly TraceCondition[]
  /** Ends with the time and the identifier, so that no two rows are equal. */
  readonly order: readonly TraceOrder[]
  readonly limit: number
  /** Where the page before ended. */
  readonly after?: Place | undefined
}

/** Traces to be deleted: those named, or the oldest until a time. */
export type TraceChoice = { readonly traceIds: readonly string[] } | { readonly untilMs: number }

/** What is kept of traces, their spans and what is thought of them. */
export interface TraceReads {
  /** In the order of the identifiers; unknown ones are left out. */
  traces(traceIds: readonly string[]): Promise<TraceRecord[]>
  /** The texts of the spans, root first, then by their start. */
  contents(traceIds: readonly string[]): Promise<Map<string, string[]>>
  /** Identifiers, each with its place in the order; as many as the limit, if there are. */
  searchTraces(search: TraceSearch): Promise<Placed<string>[]>
  findAssessment(traceId: string, assessmentId: string): Promise<Assessment | undefined>
  measured(measurement: Measurement): Promise<MeasuredRow[]>
  /** Whether any trace was ever kept and is still there. */
  hasTraces(): Promise<boolean>
}

export interface TraceWrites extends TraceReads {
  /** Keeps traces, new ones and known ones; tags and metadata that are there and not named stay. */
  saveTraces(traces: readonly TraceInfo[]): Promise<void>
  setTraceTag(traceId: string, tag: KeyValue): Promise<void>
  deleteTraceTag(traceId: string, key: string): Promise<boolean>
  /** A span that is there is replaced. */
  putSpans(experimentIds: ReadonlyMap<string, string>, spans: readonly KeptSpan[]): Promise<void>
  /** What the spans of these traces tell of tokens and cost. */
  usage(
    traceIds: readonly string[],
  ): Promise<
    (UsageNode<{ tokens: Tokens | undefined; cost: Cost | undefined }> & { traceId: string })[]
  >
  /** Gives a trace's spans and assessments to the experiment that the trace is in. */
  moveTrace(traceId: string, experimentId: string): Promise<void>
  putAssessments(assessments: readonly Assessment[]): Promise<void>
  /** Whether there was one. */
  setAssessmentValid(traceId: string, assessmentId: string, valid: boolean): Promise<boolean>
  deleteAssessment(traceId: string, assessmentId: string): Promise<void>
  linkRun(runId: string, traceIds: readonly string[]): Promise<void>
  /** Each prompt as `name/version`. */
  linkPrompts(traceId: string, prompts: readonly string[]): Promise<void>
  /** At most `most` of the chosen traces of the experiment, oldest first. */
  chosenTraces(experimentId: string, choice: TraceChoice, most: number): Promise<string[]>
  /** Deletes traces with all that hangs on them. */
  deleteTraces(traceIds: readonly string[]): Promise<void>
}
