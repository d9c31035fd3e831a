import type { CategoricalProfile, Counts, NumericProfile } from '#drift'
import type { Window } from '#monitoring'

/** A window with all that was found of it. */
export type WindowShown = Omit<Window, 'startMs' | 'endMs'> & {
  readonly start: string
  readonly end: string
}

/** How a part of a window stands: an icon and a word. */
export interface PartShown {
  /** Key of the verdict: `drift`, `performance`, `quality` … */
  readonly kind: string
  readonly state: 'good' | 'warning' | 'bad' | 'none'
  readonly words: string
}

/** A metric with its interval, as far as there is one. */
export interface MetricShown {
  readonly metric: string
  readonly value: number | null
  readonly ciLow: number | null
  readonly ciHigh: number | null
}

/** A window in a line of them. */
export interface WindowSummary {
  readonly start: string
  readonly end: string
  readonly modelVersion: string
  readonly predictions: number
  /** Of its predictions, those that are known by profiles of another system alone. */
  readonly profiled: number
  readonly partial: boolean
  readonly parts: readonly PartShown[]
  readonly driftShare: number | null
  /** By truths; null until they have come. */
  readonly performance: (MetricShown & { readonly labels: number }) | null
  /** The same metric where it is estimated, else the first that is. */
  readonly estimate: MetricShown | null
  readonly kpis: readonly (MetricShown & { readonly unit: string | null })[]
  readonly fairness: readonly (MetricShown & { readonly by: string })[]
}

/** What a column was in one window; null where it was not compared. */
export type HeatCell = {
  readonly drifted: boolean
  /** How far, as a multiple of what counts as drift; shares of missing values count too. */
  readonly excess: number
  readonly effect: number | null
  readonly threshold: number
  readonly missing: number
  readonly p: number
  readonly psi: number | null
  readonly values: number
  readonly usual: 'season' | 'beginning' | null
} | null

export interface HeatRow {
  /** Null for what was answered. */
  readonly feature: string | null
  readonly measure: string
  readonly cells: readonly HeatCell[]
}

/** What the monitors found of an endpoint, as the page draws it. */
export interface MonitoringWire {
  readonly endpoint: string
  /** Oldest first. */
  readonly windows: readonly WindowSummary[]
  /** `before` of the next page, which is earlier. */
  readonly next: string | null
  /** Columns by windows, those that moved most first. */
  readonly heat: readonly HeatRow[]
  /** Columns that are not in `heat`, for there are too many. */
  readonly left: number
  readonly limits: {
    readonly driftShare: number
    readonly performance: {
      readonly metric: string
      readonly min: number | null
      readonly max: number | null
    } | null
  }
}

/** One column of a window beside what it is compared with. */
export interface ComparisonWire {
  readonly feature: string | null
  readonly reference: {
    readonly modelVersion: string
    readonly rows: number
    readonly from: string | null
    readonly to: string | null
    readonly column: NumericProfile | CategoricalProfile
  }
  readonly counts: Counts | null
  readonly noiseFloor: number | null
}

/** An alert of the monitors with why it was raised. */
export interface ExplainedAlert {
  readonly id: string
  readonly endpoint: string
  readonly kind: string
  readonly subject: string
  readonly severity: 'warning' | 'critical'
  readonly detail: string
  readonly state: string
  readonly raised: string
  readonly raisedWindow: string
  readonly cleared: string | null
  readonly causes: CausesWire | null
}

export interface CausesWire {
  readonly before: CauseSpanWire | null
  readonly since: CauseSpanWire
  readonly change: { readonly of: 'answer' | 'loss'; readonly by: number } | null
  readonly ranked: readonly {
    readonly kind: string
    readonly subject: string
    readonly share: number | null
    readonly detail: string
    readonly position?: number
  }[]
  readonly notes: readonly string[]
}

interface CauseSpanWire {
  readonly from: string
  readonly to: string
  readonly predictions: number
}
