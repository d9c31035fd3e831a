/** The way profiles are made; what was kept by another way is made anew. */
export const PROFILE_VERSION = 2

/** What a version of a table holds, column by column. It says of every figure whether it is exact. */
export interface TableProfile {
  readonly version: typeof PROFILE_VERSION
  readonly rows: number
  readonly files: number
  readonly sizeBytes: number
  /** Quantiles, histograms and top values are of so many rows, chosen by chance; of all where it is as many. */
  readonly sampledRows: number
  /** Fields of structs are columns too, named with dots. */
  readonly columns: readonly ColumnProfile[]
}

export interface ColumnProfile {
  readonly name: string
  /** The engine's name of the type. */
  readonly type: string
  readonly kind: ColumnKind
  readonly nulls: number
  readonly distinct: {
    readonly count: number
    readonly isExact: boolean
    /** How far an estimate may be off, as a share of it, 19 times of 20; 0 for what is exact. */
    readonly within: number
  } | null
  /** As numbers where a number says it exactly, else as text; null where there is no value or no order. */
  readonly min: number | string | null
  readonly max: number | string | null
  /** Of finite values. */
  readonly mean: number | null
  readonly std: number | null
  /** NaN and the infinities; null for what cannot be such. */
  readonly nonFinite: number | null
  /** Values that are true; null for what is not boolean. */
  readonly trues: number | null
  /** Characters of texts, bytes of binaries, elements of lists and maps. */
  readonly lengths: { readonly min: number; readonly max: number; readonly mean: number } | null
  /** By share, such as 0.5; times as ISO text. */
  readonly quantiles: readonly { readonly share: number; readonly value: number | string }[]
  readonly histogram: Histogram | null
  /** The most frequent values of the sample, with their counts in it. */
  readonly top: readonly { readonly value: string; readonly count: number }[]
}

export type ColumnKind =
  | 'number'
  | 'text'
  | 'boolean'
  | 'time'
  | 'binary'
  | 'list'
  | 'map'
  | 'struct'
  | 'other'

/** Bins of equal width from the least to the greatest value; counts are of the sample. */
export interface Histogram {
  readonly from: number | string
  readonly to: number | string
  readonly counts: readonly number[]
}

/** Profiles that were made, by the digest of their table. */
export interface ProfileStore {
  find(digest: string): Promise<TableProfile | undefined>
  save(digest: string, profile: TableProfile): Promise<void>
}
