import type { ModelVersion } from './model.ts'

/** What a deletion took out of the registry and kept aside, under the position of the entry that tells of it. */
export interface KeptAside {
  readonly model: string
  /** Whether the model itself was deleted, or versions of it alone. */
  readonly isModel: boolean
  readonly versions: readonly { readonly version: number; readonly aliases: readonly string[] }[]
}

export interface BinReads {
  findAside(position: number): Promise<KeptAside | undefined>
  /** Those of the digests that no file of a run, a model or a version has any more. */
  unreferred(digests: readonly string[]): Promise<string[]>
}

export interface BinWrites {
  /** Keeps a version, with its files and tags, beside the registry. */
  keepVersionAside(position: number, version: ModelVersion): Promise<void>
  /** Keeps a model with all its versions beside the registry. */
  keepModelAside(position: number, model: string): Promise<void>
  /** Puts what was kept aside into its old place, but for aliases. */
  takeBack(position: number): Promise<void>
}
