import type { Logged, NumericBatch, Role } from '#inference'

/** A row of a prediction segment. */
export interface SegmentRow {
  /** The place of the prediction in the log, one number for all revisions' answers to it. */
  readonly prediction: number
  readonly batch: string
  readonly revision: number
  readonly modelVersion: string
  readonly role: Role
  readonly eventMs: number
  readonly atMs: number
  readonly latencyMs: number
  readonly key: string | null
  readonly inputs: Readonly<Record<string, Logged>>
  readonly outputs: Readonly<Record<string, Logged>>
}

/** A row of a truth segment: one report, also if a later one replaced it. */
export interface TruthRow {
  readonly by: 'prediction' | 'key'
  readonly ref: string
  readonly label: Logged
  readonly timeMs: number | null
  readonly atMs: number
}

export interface SegmentFilter {
  readonly fromMs: number
  /** Exclusive. */
  readonly toMs: number
  readonly role?: Role | undefined
  readonly revision?: number | undefined
  /** Only predictions in this range of places, both ends included. */
  readonly predictions?: readonly [number, number] | undefined
  /** Only rows behind this one, in the order of event time, prediction and revision. */
  readonly after?: readonly [number, number, number] | undefined
  readonly limit?: number | undefined
}

/** A batch of a segment under its number in the log: its rows' places follow from that. */
export interface NumberedBatch {
  /** The place of its first row. */
  readonly place: number
  readonly batch: NumericBatch
}

/** Segments as files of columns that any tool can read. */
export interface SegmentFiles {
  /**
   * Writes rows to a new file at `path`, sorted by event time. Inputs and outputs become columns of their
   * own types, for which the rows are read twice.
   */
  writePredictions(rows: () => AsyncIterable<readonly SegmentRow[]>, path: string): Promise<void>
  /**
   * Writes the same file of batches of nothing but numbers, many times cheaper; false, and nothing is there, where
   * these are no such batches: one page was undefined, or their columns differ.
   */
  writeNumbers(
    pages: AsyncIterable<readonly NumberedBatch[] | undefined>,
    path: string,
  ): Promise<boolean>
  writeTruths(rows: () => AsyncIterable<readonly TruthRow[]>, path: string): Promise<void>
  /** Rows of these files in the order of event time, prediction and revision. */
  readPredictions(paths: readonly string[], filter: SegmentFilter): Promise<SegmentRow[]>
}
