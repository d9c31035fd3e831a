import type { PredictionRow } from '#serving'
import type { DataFile, Profile, ProfileRequest, Value } from '#drift'
import type { ReferenceDataConfig } from '#projects'
import type { ColumnSketch } from '#sketches'

/** What a version of a model was trained on, or why that is not known. */
export type TrainedOn =
  | {
      readonly state: 'known'
      /** Everything that the run which made the version read, code left out. */
      readonly files: readonly DataFile[]
      /** The columns that the model takes. */
      readonly inputs: readonly string[]
    }
  | { readonly state: 'unknown'; readonly reason: string }

/** Follows lineage from a model version to the bytes it was trained on. */
export interface TrainingData {
  find(model: string, version: number): Promise<TrainedOn>
}

/** What a monitor names: files of rows, or a profile of which nobody has the rows. */
export type NamedTable =
  | { readonly state: 'rows'; readonly files: readonly DataFile[] }
  | {
      readonly state: 'sketched'
      readonly atMs: number
      readonly columns: ReadonlyMap<string, ColumnSketch>
    }

export type KnownData =
  | {
      readonly state: 'known'
      /** Of all that it holds. */
      readonly digest: string
      /** Brings it here. Throws where it cannot be had, or is no table. */
      open(): Promise<NamedTable>
    }
  | { readonly state: 'unknown'; readonly reason: string }

/** Finds what monitors name as their reference. */
export interface NamedData {
  find(of: { endpoint: string; reference: ReferenceDataConfig }): Promise<KnownData>
  /** The columns that a version takes; undefined where nobody said. */
  signature(model: string, version: number): Promise<readonly string[] | undefined>
}

export interface SampledRow {
  readonly atMs: number | null
  readonly values: Readonly<Record<string, SampledValue>>
}

/** Embeddings are lists. */
export type SampledValue = Value | null | readonly SampledValue[]

/** Looks into files of rows. */
export interface Profiler {
  columnNames(file: DataFile): Promise<string[]>
  profile(request: ProfileRequest): Promise<Profile>
  /** Rows evenly spread over the files' time, the same ones each time. */
  sample(request: ProfileRequest & { rowsMax: number }): Promise<SampledRow[]>
}

/** What a model version answers to rows, outside any endpoint. */
export type Score = (
  model: string,
  version: number,
  rows: readonly Readonly<Record<string, SampledValue>>[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>

export { classOf, scoreOf } from '#performance'

/** What a question over rows is answered with; without a number, why there is none. */
export interface RowAnswer {
  readonly value: number | null
  readonly note?: string
}

/** Answers questions in SQL over the table `predictions` that rows are, each by one number. They see nothing else. */
export type AskRows = (
  rows: readonly PredictionRow[],
  questions: Readonly<Record<string, string>>,
) => Promise<Readonly<Record<string, RowAnswer>>>
