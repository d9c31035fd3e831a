import type { Ref } from '#ledger'
import type { ComparedFeature, DriftVerdict, FeatureVerdict } from '#drift'
import type { PerformanceVerdict } from '#performance'
import type { QualityVerdict } from './quality/verdict.ts'

/** What parts find of a window. Those that came later are absent from windows that were judged before them. */
export interface Verdicts {
  readonly drift: WindowDrift
  /** Null until the labels have had their time to come. */
  readonly performance: PerformanceVerdict | null
  readonly quality?: QualityVerdict
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
}

export type WindowDrift =
  | (DriftVerdict & {
      readonly state: 'judged'
      /** The same verdict on what was predicted. */
      readonly prediction: FeatureVerdict | null
      /** Enough features have drifted, or the prediction has. */
      readonly alarming: boolean
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
}

/** How far an endpoint's windows have been evaluated; both are ends of windows. */
export interface Progress {
  readonly closedMs: number | null
  readonly settledMs: number | null
}

const HOUR_MS = 3_600_000

/** The ends of the last windows that are closed and that are settled at this time. */
export function endsBy(
  watermarkMs: number,
  { sizeMs, settleMs }: { sizeMs: number; settleMs: number },
): { closedMs: number; settledMs: number } {
  return {
    closedMs: floorTo(watermarkMs, sizeMs),
    settledMs: floorTo(watermarkMs - settleMs, sizeMs),
  }
}

/** What is due, in the order in which it became so. `hours` are the hours that have predictions. */
export function dueTasks(
  hours: readonly number[],
  progress: Progress,
  ends: { closedMs: number; settledMs: number },
  { sizeMs, settleMs }: { sizeMs: number; settleMs: number },
): Task[] {
  const starts = startsOf(hours, sizeMs)
  const tasksOf = (due: Due, fromMs: number | null, untilMs: number, waitMs: number) =>
    starts
      .filter((startMs) => startMs >= (fromMs ?? startMs) && startMs + sizeMs <= untilMs)
      .map((startMs) => ({
        due,
        startMs,
        endMs: startMs + sizeMs,
        dueMs: startMs + sizeMs + waitMs,
      }))
  return [
    ...tasksOf('closed', progress.closedMs, ends.closedMs, 0),
    ...tasksOf('settled', progress.settledMs, ends.settledMs, settleMs),
  ].toSorted((one, other) => one.dueMs - other.dueMs || one.startMs - other.startMs)
}

/** The starts of the windows that these hours touch. */
function startsOf(hours: readonly number[], sizeMs: number): number[] {
  const starts = new Set<number>()
  for (const hourMs of hours)
    for (let startMs = floorTo(hourMs, sizeMs); startMs < hourMs + HOUR_MS; startMs += sizeMs)
      starts.add(startMs)
  return [...starts].toSorted((one, other) => one - other)
}

function floorTo(ms: number, sizeMs: number): number {
  return Math.floor(ms / sizeMs) * sizeMs
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
