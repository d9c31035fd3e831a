import type { Check, Dataset } from '#contracts'
import type { Logged } from '#inference'

/** What is promised of the data that a version was trained on, as far as it can be told of what the version is asked. */
export type KnownContract =
  /** Nobody promises anything. */
  | { readonly state: 'none' }
  | { readonly state: 'unknown'; readonly reason: string }
  | {
      readonly state: 'known'
      /** Where the promises are written. */
      readonly file: string
      readonly dataset: Dataset
      /** Rules that the training data does not keep itself, by their ids: what it has in their place. */
      readonly unkept: Readonly<Record<string, string>>
    }

/** Finds the contract of a version's training data, and holds what was asked against one. */
export interface LiveContracts {
  find(of: {
    readonly endpoint: string
    /** `flights-late/3`. */
    readonly modelVersion: string
    /** The file that the endpoint names itself. */
    readonly named: string | undefined
  }): Promise<KnownContract>
  /** Examples say their row by its place among `rows`. */
  check(
    rows: readonly Readonly<Record<string, Logged>>[],
    dataset: Dataset,
  ): Promise<readonly Check[]>
}
