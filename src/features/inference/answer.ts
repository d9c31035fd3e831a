import type { OutputForm } from './runtime.ts'
import type { Tensor } from './tensor.ts'

export interface PredictionAnswer {
  /** Name of the request; `<batch>-<row>` names the prediction for a row, counted from 0. */
  readonly batch: string
  readonly revision: number
  /** `flights-late/3` */
  readonly modelVersion: string
  readonly rows: number
  readonly outputs: readonly Tensor[]
  /** What a Python model gave its answer as; absent for models that give named tensors. */
  readonly form?: OutputForm
}

export function predictionId(batch: string, row: number): string {
  return `${batch}-${row}`
}
