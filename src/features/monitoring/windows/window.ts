import type { Ref } from '#ledger'
import type { ComparedFeature, DriftVerdict, FeatureVerdict } from '#drift'
import type { FairnessVerdict, PerformanceVerdict } from '#performance'
import type { ConceptVerdict } from '../concept/errors.ts'
import type {
  KpiVerdict,
  LabelsVerdict,
  MultivariateVerdict,
  TrafficVerdict,
} from '../parts/verdicts.ts'
import type { ServiceVerdict } from '../service/verdict.ts'
import type { EstimateVerdict } from '../parts/estimate-verdict.ts'
import type { QualityVerdict } from '../quality/verdict.ts'
import type { SlicesVerdict } from '../parts/slices-verdict.ts'

/** What parts find of a window. Those that came later are absent from windows that were judged before them. */
export interface Verdicts {
  readonly drift: WindowDrift
  /** Null until the labels have had their time to come. */
  readonly performance: PerformanceVerdict | null
  readonly traffic?: TrafficVerdict
  readonly quality?: QualityVerdict
  readonly estimate?: EstimateVerdict
  readonly slices?: SlicesVerdict
  readonly fairness?: FairnessVerdict
  readonly kpis?: KpiVerdict
  readonly concept?: ConceptVerdict
  readonly multivariate?: MultivariateVerdict
  readonly labels?: LabelsVerdict
  readonly service?: ServiceVerdict
}

/** A span of event time at an endpoint, and what was found of the predictions in it. */
export interface Window extends Verdicts {
  readonly endpoint: string
  readonly startMs: number
  /** Exclusive. */
  readonly endMs: number
  /** The version that answered most of it. */
  readonly modelVersion: string
  readonly predictions: number
  /** What there was of it when it was judged; with more, or other labels, it is judged anew. */
  readonly counted?: Counted
  /** Parts that could not be judged, with the fault that kept them from it: all others were. */
  readonly failed?: Readonly<Record<string, string>>
  /** The endpoint was first asked within it, so that a part of it is missing. */
  readonly partial?: true
  /** So many of the predictions are known by profiles that other systems made: what needs rows is judged without them. */
  readonly profiled?: number
  /** When it was judged, and nobody told, for its version no longer answered or it lay in the past. */
  readonly unheard?: readonly Due[]
}

/** How much there is of a span: two equal counts are of the same predictions and labels. */
export interface Counted {
  readonly predictions: number
  readonly labels: number
  readonly replaced: number
}

/** A window that was evaluated, without what was found. */
export interface KnownWindow {
  readonly startMs: number
  readonly endMs: number
  readonly counted: Counted | null
}

export type WindowDrift =
  | (DriftVerdict & {
      readonly state: 'judged'
      /** The same verdict on what was predicted. */
      readonly prediction: FeatureVerdict | null
      /** Enough features have drifted, or the prediction has. */
      readonly alarming: boolean
      /** Effects in the first windows of the version, by feature, where the training data has no time to learn from. */
      readonly firsts?: Readonly<Record<string, readonly number[]>>
      /** Features that are far from the training data, and no farther than is usual here, and why so. */
      readonly usual?: Readonly<Record<string, 'season' | 'beginning'>>
    })
  | { readonly state: 'skipped'; readonly reason: string }

/** At a window's end, or when its labels had their time to come. */
export type Due = 'closed' | 'settled'

/** What is to be found out about a window, and since when it can be. */
export interface Task {
  readonly due: Due
  readonly startMs: number
  readonly endMs: number
  readonly dueMs: number
  /** It was evaluated before, or should have been, and predictions or labels have come since. */
  readonly reopened?: true
}

/** How far an endpoint's windows have been evaluated; both are ends of windows. */
export interface Progress {
  readonly closedMs: number | null
  readonly settledMs: number | null
}

/** A window in the lineage graph: `flights-late/2013-07-01T00:00:00.000Z`. */
export function windowRef({ endpoint, startMs }: { endpoint: string; startMs: number }): Ref {
  return { kind: 'window', id: `${endpoint}/${new Date(startMs).toISOString()}` }
}

/** The drifted features, those that exceed their thresholds most first. */
export function driftedFeatures(drift: WindowDrift): ComparedFeature[] {
  if (drift.state === 'skipped') return []
  return drift.features
    .filter((each): each is ComparedFeature => each.state === 'drifted')
    .toSorted((one, other) => excessOf(other) - excessOf(one))
}

function excessOf({ effect, threshold, missing }: ComparedFeature): number {
  return Math.max((effect ?? 0) / threshold, missing.difference / missing.threshold)
}
