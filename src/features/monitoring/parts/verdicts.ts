import type { TogetherVerdict } from '#drift'
import type { JudgedLimit, Kpi } from '#performance'

/** Whether anybody asked. */
export interface TrafficVerdict {
  readonly state: 'asked' | 'silent'
  /** Predictions of the same window a week before, and a day before; null where that was not evaluated. */
  readonly before: { readonly week: number | null; readonly day: number | null }
}

/** The figures that the business knows, of one window. */
export interface KpiVerdict {
  readonly kpis: readonly Kpi[]
  readonly limits: readonly JudgedLimit[]
}

/** What was found of how a window's columns hang together, or why nothing was. */
export type MultivariateVerdict =
  | ({ readonly state: 'judged' } & TogetherVerdict)
  | { readonly state: 'skipped'; readonly reason: string }

/** Whether what turned out to be true still comes. */
export type LabelsVerdict =
  | {
      readonly state: 'counted'
      /** Share of the predictions that had a label when the window was settled first; later ones change nothing. */
      readonly share: number
      /** The least that it was in the windows before that were as they should be; null while too few are known. */
      readonly usual: number | null
      readonly stopped: boolean
    }
  | { readonly state: 'skipped'; readonly reason: string }
