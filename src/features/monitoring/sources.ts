import type { Logged } from '#inference'
import type { DataFile, Profile, ProfileRequest, Value } from '#drift'

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

export interface SampledRow {
  readonly atMs: number | null
  readonly values: Readonly<Record<string, Value | null>>
}

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
  rows: readonly Readonly<Record<string, Value | null>>[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>

/**
 * The one number of an answer that ranks rows: of a list, as classifiers give their probabilities, the last one;
 * else an output that is called a probability or score; else the last number.
 */
export function scoreOf(outputs: Readonly<Record<string, Logged>>): number | undefined {
  const all = Object.entries(outputs)
  for (const [, value] of all) {
    const last = Array.isArray(value) ? (value.at(-1) as Logged) : undefined
    if (typeof last === 'number') return last
  }
  const numbers = all.filter((pair): pair is [string, number] => typeof pair[1] === 'number')
  const named = numbers.find(([name]) => /prob|score/i.test(name))
  return (named ?? numbers.at(-1))?.[1]
}

/** Truth as a class: 1, true, "1" and "true" are the event; undefined for what is not one of two classes. */
export function classOf(label: unknown): 0 | 1 | undefined {
  if (label === 1 || label === true || label === '1' || label === 'true') return 1
  if (label === 0 || label === false || label === '0' || label === 'false') return 0
  return undefined
}
