import type { WorkInput, WorkName } from '#monitoring'
import type { PredictionRow } from '#serving'

/** What the thread that judges is told; everything is plain data. */
export type Order =
  | { readonly kind: 'rows'; readonly bench: number; readonly rows: readonly PredictionRow[] }
  | {
      readonly kind: 'work'
      readonly work: number
      readonly bench: number
      readonly name: WorkName
      readonly input: WorkInput<WorkName>
    }
  | { readonly kind: 'close'; readonly bench: number }

export type Answer =
  | { readonly work: number; readonly result: unknown }
  | { readonly work: number; readonly error: Error }
