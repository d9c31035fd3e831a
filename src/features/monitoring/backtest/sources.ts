import type { MonitorConfig } from '#projects'
import type { PredictionQueries } from '#serving'
import type { Sources } from '../windows/view.ts'

export interface BacktestSources extends Pick<
  Sources,
  'endpoint' | 'monitor' | 'read' | 'reference'
> {
  /** What watches the endpoint now. */
  readonly running: MonitorConfig
  readonly predictions: Pick<PredictionQueries, 'profiles' | 'summaries'>
  readonly since: Since
}

/** A time, or how long before the end of the newest window: where the past is played again, that is long ago. */
export type Since = { readonly fromMs: number } | { readonly lastMs: number }
