import type { OutputForm } from './runtime.ts'
import type { Role } from './revision.ts'
import type { TensorType, Value } from './tensor.ts'

/** A value as the log keeps it: JSON, in which whole numbers beyond 2^53 are texts and NaN is null. */
export type Logged = string | number | boolean | null | readonly Logged[]

/** Rows of one request; more are sent in several. */
export const ROWS_PER_BATCH_MAX = 2 ** 20 - 1

/** One request, answered, as it goes into the log. */
export interface NewBatch {
  readonly id: string
  readonly endpoint: string
  /** Digest of what was asked, if the caller named the request: its id then means this and nothing else. */
  readonly digest: string | null
  readonly atMs: number
  /** From the request to the live model's answer. */
  readonly latencyMs: number
  readonly columns: readonly string[]
  /** What a Python model gave its answer as. */
  readonly form?: OutputForm
  readonly rows: readonly NewPrediction[]
  /** The live revision's answer first, then those of shadows. */
  readonly answers: readonly NewAnswer[]
}

export interface NewPrediction {
  readonly eventMs: number
  readonly key: string | null
  /** In the order of the batch's columns. */
  readonly inputs: readonly Value[]
}

/** What one revision said to all rows of a batch. */
export interface NewAnswer {
  readonly revision: LoggedRevision
  /** For each output a value for each row. */
  readonly outputs: readonly (readonly Value[])[]
}

/** A revision as the log names it; it can be read without the metadata store. */
export interface LoggedRevision {
  readonly number: number
  readonly role: Role
  /** `flights-late/3` */
  readonly modelVersion: string
  readonly outputs: readonly { readonly name: string; readonly type: TensorType }[]
}

/** A batch as it was answered. */
export interface RecordedBatch {
  readonly id: string
  readonly endpoint: string
  readonly digest: string | null
  readonly atMs: number
  readonly revision: LoggedRevision
  readonly rows: number
  readonly form?: OutputForm
  /** For each output a value for each row. */
  readonly outputs: readonly (readonly Logged[])[]
}

/** What turned out of a prediction: what is true of it, or what it was worth. */
export interface Feedback {
  readonly ref:
    | { readonly by: 'prediction' | 'key'; readonly value: string }
    /** A row of a request; the value may name a prediction as well. */
    | { readonly by: 'request'; readonly value: string; readonly row: number }
  /** Who says so. The same source says one thing of a prediction: told again it changes nothing. */
  readonly source: string
  readonly label?: string | number | boolean
  readonly reward?: number
  /** The revision that answered, as far as the caller knows. */
  readonly revision?: number
  /** When it became known in event time, if the caller says so. */
  readonly timeMs?: number
}

/** Where answered requests are kept. */
export interface Journal {
  /**
   * Resolves when the batch survives the end of this process; with `durable`, when it survives a power
   * failure too. Throws `exists` when its id is taken, `full` when there is no space.
   */
  append(batch: LoggedBatch, options?: { durable?: boolean }): Promise<void>
  /** Adds what a shadow said too late for `append`; left out if the batch is being sealed. */
  appendLate(batch: string, answers: readonly NewAnswer[]): Promise<void>
  findBatch(id: string): Promise<RecordedBatch | undefined>
  /** Counts predictions that were answered and, by their endpoint's sampling, are not logged. */
  skip(endpoint: string, predictions: number, atMs: number): void
}

/** Where feedback is kept until it is made sense of. */
export interface FeedbackJournal {
  /** Resolves when the feedback survives the end of this process, as `append` does. It may come before its prediction. */
  feedback(endpoint: string, feedback: readonly Feedback[], atMs: number): Promise<void>
}

/** Numbers that are kept as wide as they came. */
export type Floats = Float32Array | Float64Array

/** A matrix of numbers that was answered with numbers, and that nobody named; all of its rows happened at `atMs`. */
export interface MatrixBatch extends Pick<
  NewBatch,
  'id' | 'endpoint' | 'atMs' | 'latencyMs' | 'columns'
> {
  readonly revision: LoggedRevision
  readonly rows: number
  /** Row after row, in the order of the columns. */
  readonly matrix: Floats
  /** For each output a number for each row. */
  readonly outputs: readonly Floats[]
}

/** A batch of nothing but numbers that nobody named, as it is read without an object for each of its rows. */
export interface NumericBatch {
  readonly id: string
  readonly endpoint: string
  readonly atMs: number
  readonly latencyMs: number
  /** The same object for batches of the same columns, as far as that is known. */
  readonly columns: readonly string[]
  readonly revision: LoggedRevision
  readonly rows: number
  /** Row after row: its event time, and its inputs in the order of the columns. */
  readonly inputs: Float64Array
  /** Output after output: a number for each row. */
  readonly outputs: Float64Array
}

/** A batch in the cheapest form that can say it. */
export type LoggedBatch = NewBatch | MatrixBatch

/** What is to be known of a batch without its values. */
export type BatchOutline = Pick<
  NewBatch,
  'id' | 'endpoint' | 'digest' | 'form' | 'atMs' | 'latencyMs' | 'columns'
> & {
  readonly rows: readonly Pick<NewPrediction, 'eventMs' | 'key'>[]
  /** Who answered: the live revision first. */
  readonly answers: readonly Pick<NewAnswer, 'revision'>[]
}

/** A place in the journal: everything before it comes before everything behind it. */
export interface JournalPosition {
  readonly file: number
  readonly offset: number
}

export interface JournalEntries {
  readonly entries: readonly /** `record` is what the journal holds of it, to be kept as it is and read with `batchIn`. */
  (
    | { readonly kind: 'batch'; readonly batch: BatchOutline; readonly record: Uint8Array }
    | { readonly kind: 'late'; readonly batch: string; readonly answers: readonly NewAnswer[] }
    | {
        readonly kind: 'skipped'
        readonly endpoint: string
        readonly predictions: number
        readonly atMs: number
      }
    | {
        readonly kind: 'feedback'
        readonly endpoint: string
        readonly feedback: readonly Feedback[]
        readonly atMs: number
      }
  )[]
  /** Where to go on. */
  readonly next: JournalPosition
}

/** Reads a journal that others write. */
export interface JournalSource {
  /** Where the journal ends now: whatever was appended before this call lies before it. */
  end(): JournalPosition
  /** What comes behind a position, a piece at a time; nothing at the end. Throws for damage. */
  read(from: JournalPosition): JournalEntries
  /** Reads the record of a batch, also one of years ago. */
  batchIn(record: Uint8Array): NewBatch
  /** The same without its values, for much less. */
  outlineIn(record: Uint8Array): BatchOutline
  /** The same by numbers; undefined for a batch that holds anything else. */
  numbersIn(record: Uint8Array): NumericBatch | undefined
  /** Removes the files that lie wholly before a position that will never be asked for again. */
  release(before: JournalPosition): void
}

/** What has been taken out of a journal already, as another process keeps it. */
export interface Ingested {
  position(): JournalPosition
  findBatch(id: string): Promise<RecordedBatch | undefined>
}
