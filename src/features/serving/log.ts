import type { Feedback, Journal, Logged, NewBatch, Role, Scalar } from '#inference'
import type { ColumnSketch } from '#sketches'
import type { HourProfile } from './hour-profile.ts'
import type { SegmentKind } from './store.ts'

/** One row of the log: one prediction by one revision, with what turned out to be true. */
export interface PredictionRow {
  readonly id: string
  readonly batch: string
  readonly revision: number
  readonly modelVersion: string
  readonly role: Role
  readonly eventMs: number
  readonly atMs: number
  /** From the request to the live model's answer, for all rows of a batch. */
  readonly latencyMs: number
  readonly key: string | null
  readonly inputs: Readonly<Record<string, Logged>>
  readonly outputs: Readonly<Record<string, Logged>>
  readonly label: Scalar
}

/** Predictions of one model version that another system made, as they go into the log. */
export interface ToldBatch extends NewBatch {
  /** For each row what its system calls it; `null` for one that has no name. */
  readonly told: readonly (ToldName | null)[]
}

export interface ToldName {
  readonly id: string
  /** Of what was said of it: told again with the same digest it is known already. */
  readonly digest: string
}

/** Predictions that are kept together or not at all, with what is known to be true of them. */
export interface Told {
  readonly endpoint: string
  readonly batches: readonly ToldBatch[]
  readonly truths: readonly Truth[]
}

/** What predictions of another system looked like, of which it tells nothing else. */
export interface ToldProfile {
  readonly endpoint: string
  /** Of what it holds: a profile counts once. */
  readonly digest: string
  /** Of what else is said of it. */
  readonly said: string
  readonly startMs: number
  /** Event time has come so far. */
  readonly untilMs: number
  readonly revision: number
  readonly modelVersion: string
  readonly rows: number
  readonly inputs: ReadonlyMap<string, ColumnSketch>
  readonly outputs: ReadonlyMap<string, ColumnSketch>
}

export interface ToldRecorded {
  /** Kept for the first time. */
  readonly accepted: number
  /** Known already, as they were told. */
  readonly unchanged: number
}

/** What turned out to be true of a prediction, named by its id or by its entity's key. */
export interface Truth {
  readonly ref: { readonly by: 'prediction' | 'key'; readonly value: string }
  readonly label: string | number | boolean
  /** When it became known in event time, if the caller says so. */
  readonly timeMs: number | null
}

export interface TruthsRecorded {
  /** Kept for the first time. */
  readonly accepted: number
  /** Known with this label already. */
  readonly unchanged: number
  /** Known with another label before. */
  readonly replaced: number
  /** Of all these, those of which no prediction is known yet. */
  readonly unknown: number
}

export interface FoundPrediction extends PredictionRow {
  readonly endpoint: string
  /** What the system that made it calls it. */
  readonly toldAs?: string
  readonly truth: {
    readonly label: Scalar
    readonly timeMs: number | null
    readonly atMs: number
  } | null
  /** What shadows said to the same row. */
  readonly shadows: readonly {
    revision: number
    modelVersion: string
    outputs: Readonly<Record<string, Logged>>
  }[]
}

export interface WindowQuery {
  readonly fromMs: number
  /** Exclusive. */
  readonly toMs: number
  readonly role?: Role
  readonly revision?: number
  readonly limit?: number
  /** `next` of the page before. */
  readonly after?: string
}

/** What the predictions of a revision were worth. */
export interface Rewards {
  readonly revision: number
  readonly count: number
  readonly sum: number
  readonly sumOfSquares: number
}

export interface PeriodSummary {
  readonly startMs: number
  /** Those that were logged. */
  readonly predictions: number
  readonly labels: number
  /** Answered by an endpoint that logs a sample, and not in it. */
  readonly unlogged?: number
  /** Labels that took the place of others; only ever more. */
  readonly replaced?: number
}

/** Questions about what was predicted. */
export interface PredictionQueries {
  /** Rows with event times in the span, in the order of event time. */
  window(
    endpoint: string,
    query: WindowQuery,
  ): Promise<{ rows: PredictionRow[]; next: string | null }>
  /** Predictions and those of them with a label, for each period that has any. Spans are whole UTC hours. */
  summaries(
    endpoint: string,
    query: { fromMs?: number; toMs?: number; per: 'month' | number },
  ): Promise<PeriodSummary[]>
  /** By its id, or by what the system that made it calls it; several endpoints elsewhere may use the same name. */
  find(id: string, endpoint?: string): Promise<FoundPrediction | undefined>
  /** How far event time has come at an endpoint; `null` before the first prediction. */
  watermark(endpoint: string): Promise<number | null>
  /**
   * The same of what the log has taken over by now, for whoever looks again and again: a question that hurries nothing,
   * so that answers come first on a busy machine.
   */
  readonly soFar: Pick<PredictionQueries, 'watermark' | 'summaries'>
  /** What the whole UTC hours of a span looked like, in their order, and of each hour by revision. */
  profiles(endpoint: string, span: { fromMs: number; toMs: number }): AsyncIterable<HourProfile>
  /** Calls `listener` with the endpoint's name after predictions, truths or time were added. */
  onGrowth(listener: (endpoint: string) => void): () => void
}

/** Questions about what was answered last. */
export interface NewestQueries {
  /**
   * The newest requests with all their rows, newest first, as far as they are not sealed: what is older is found
   * by its time. `next` is given back as `before`.
   */
  newest(
    endpoint: string,
    query: { limit: number; before?: number },
  ): Promise<{ rows: PredictionRow[]; next: number | null }>
}

export interface ArrivalQuery {
  /** `next` of the step before; 0 begins at the first. */
  readonly from: number
  readonly limit: number
}

/** Questions for those who follow the log. */
export interface ArrivalQueries {
  /**
   * Live rows in the order in which the log took them. `next` is where to go on, null at the end; a step may have
   * fewer rows than there is room for, or none.
   */
  arrivals(
    endpoint: string,
    query: ArrivalQuery,
  ): Promise<{ rows: PredictionRow[]; next: number | null }>
  /** Where those come that are not there yet. */
  arrivalsEnd(endpoint: string): Promise<number>
}

/** Questions about what predictions were worth. */
export interface RewardQueries {
  /** Rewards that were told since a time, by the revision that answered; those of predictions that are not known yet are left out. */
  rewards(endpoint: string, query: { sinceMs: number }): Promise<Rewards[]>
}

/** The durable log of predictions and truths. What was appended is there after any crash. */
export interface PredictionLog
  extends PredictionQueries, NewestQueries, RewardQueries, ArrivalQueries, Omit<Journal, 'append'> {
  /** As a journal's, of a batch that no journal holds. */
  append(batch: NewBatch): Promise<void>
  /** The last label wins; a truth may come before its prediction. */
  recordTruths(endpoint: string, truths: readonly Truth[], atMs: number): Promise<TruthsRecorded>
  /**
   * Keeps what other systems have predicted, all of it or nothing. Throws `exists` for a prediction that was told
   * before with other contents.
   */
  recordTold(told: readonly Told[], atMs: number): Promise<ToldRecorded>
  /** Keeps a profile of another system; one that is known changes nothing. Throws `exists` for one that was something else before. */
  recordToldProfile(told: ToldProfile): Promise<ToldRecorded>
  /** Truths of feedback become truths, rewards are kept; by source, so that what is told again changes nothing. */
  recordFeedback(
    endpoint: string,
    feedback: readonly Feedback[],
    atMs: number,
  ): Promise<TruthsRecorded>
  /** Moves the watermark forward, never back, and gives it. */
  advance(endpoint: string, timeMs: number): Promise<number>
  /** Endpoints with at least so many rows that are not in a segment yet. */
  full(rows: number): Promise<{ endpoint: string; kind: SegmentKind }[]>
  readonly sealing: SegmentSealing
  /** How many segments lie in each of these objects; those that hold none are left out. */
  references(digests: readonly string[]): Promise<Map<string, number>>
  close(): Promise<void>
}

/**
 * Sealing moves rows into an object in steps; after each of them the process may die, and the same steps
 * done again end the same way. A segment's rows are read either from the log or from the object.
 */
export interface SegmentSealing {
  /** Segments that were begun and not finished. */
  underWay(): Promise<OpenSegment[]>
  /**
   * 1. Fixes which rows the next segment holds, or gives the one that was begun. It may wait a while for answers that need
   * the machine; throws the signal's reason.
   */
  begin(endpoint: string, kind: SegmentKind, signal?: AbortSignal): Promise<OpenSegment | undefined>
  /** 2. Writes them into an object and remembers its digest, once. */
  write(segment: OpenSegment): Promise<WrittenSegment>
  /** 3. From now on the rows are read from the object. */
  finish(segment: WrittenSegment): Promise<void>
  /** 4. Removes the rows that are read from objects; true when there may be more. Throws the signal's reason. */
  sweep(endpoint: string, signal?: AbortSignal): Promise<boolean>
}

export interface OpenSegment {
  readonly id: string
  readonly endpoint: string
  readonly kind: SegmentKind
}

export interface WrittenSegment extends OpenSegment {
  readonly digest: string
  readonly rows: number
  readonly fromMs: number
  readonly toMs: number
}
