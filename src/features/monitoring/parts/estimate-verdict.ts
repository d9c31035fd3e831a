import type { Estimate, Estimator } from '#performance'

/** How good answers probably were, before their truths are known, and how right that was once they are. */
export type EstimateVerdict =
  | { readonly state: 'skipped'; readonly reason: string }
  | {
      readonly state: 'estimated'
      /** By the confidence of a classifier, or by the loss of a regressor that was learnt. */
      readonly method: 'cbpe' | 'dle'
      readonly predictions: number
      readonly estimates: readonly Estimate[]
      readonly fittedOn: { readonly rows: number; readonly fromMs: number; readonly toMs: number }
      readonly limit: EstimateLimit | null
      /** Outside the limit: `certainly` when the whole interval is. */
      readonly outside: 'no' | 'yes' | 'certainly'
      /** Null until the labels have had their time to come. */
      readonly scored: Scored | null
    }

/** What the estimate is held against: what was asked for, or what was usual where it was fitted. */
export interface EstimateLimit {
  readonly metric: string
  readonly min: number | null
  readonly max: number | null
  readonly from: 'config' | 'usual'
}

/** The estimate beside the truth. */
export interface Scored {
  readonly labels: number
  readonly metrics: Readonly<
    Record<string, { readonly realised: number; readonly error: number; readonly within: boolean }>
  >
}

/** What estimates the performance of a version at an endpoint, with the span of the predictions that it was fitted on. */
export interface KeptEstimator {
  readonly estimator: Estimator
  readonly fromMs: number
  readonly toMs: number
}

export type KnownEstimator =
  | (KeptEstimator & { readonly state: 'known' })
  | { readonly state: 'unknown'; readonly reason: string }
