import type { Slice } from '#performance'

/** Where answers are worse than elsewhere, found without being asked for. */
export type SlicesVerdict =
  | { readonly state: 'skipped'; readonly reason: string }
  | {
      readonly state: 'searched'
      /** What is higher in the slices. */
      readonly loss: 'share of wrong answers' | 'absolute error'
      readonly rows: number
      /** Slices that were looked at; what is told is adjusted for them. */
      readonly tested: number
      readonly slices: readonly Slice[]
    }
