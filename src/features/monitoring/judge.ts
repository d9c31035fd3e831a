import type { MonitorConfig } from '#projects'
import type { Logged } from '#inference'
import type { PredictionRow } from '#serving'
import { driftOf, type FeatureVerdict } from '#drift'
import { performanceOf, type PerformanceVerdict } from '#performance'
import { countsOf, type Counts, type Profile, type Value } from '#drift'
import type { KnownReference } from './reference.ts'
import type { Reference } from './store.ts'
import { classOf, scoreOf } from './sources.ts'
import type { Label } from '#statistics'
import type { WindowDrift } from './window.ts'

/** The version that answered most rows, the later one of two that answered equally many. */
export function mainVersion(rows: readonly PredictionRow[]): string | undefined {
  const counts = new Map<string, number>()
  for (const { modelVersion } of rows) counts.set(modelVersion, (counts.get(modelVersion) ?? 0) + 1)
  return [...counts].reduce<[string, number] | undefined>(
    (most, each) => (most === undefined || each[1] >= most[1] ? each : most),
    undefined,
  )?.[0]
}

/** Compares what an endpoint was asked, and what its main version answered, with that version's training data. */
export function driftIn(
  rows: readonly PredictionRow[],
  known: KnownReference,
  monitor: MonitorConfig,
): WindowDrift {
  if (known.state === 'unknown')
    return { state: 'skipped', reason: `there is no reference: ${known.reason}` }
  if (rows.length < monitor.min_samples)
    return {
      state: 'skipped',
      reason: `${rows.length} predictions are fewer than ${monitor.min_samples}`,
    }
  const { reference } = known
  const options = { samplesMin: monitor.min_samples }
  const verdict = driftOf(reference.profile, inputCounts(reference.profile, rows), options)
  const prediction = predictionVerdict(rows, reference, options)
  const { alert_share: alertShare } = monitor.drift
  const alarming =
    (verdict.compared > 0 && verdict.share > 0 && verdict.share >= alertShare) ||
    prediction?.state === 'drifted'
  return { state: 'judged', ...verdict, prediction, alarming }
}

/** Measures the live answers by the labels that have come, whichever version gave them. */
export function performanceIn(
  rows: readonly PredictionRow[],
  monitor: MonitorConfig,
): PerformanceVerdict {
  const labels: Label[] = []
  const scores: number[] = []
  for (const row of rows) {
    const label = classOf(row.label)
    const score = scoreOf(row.outputs)
    if (label === undefined || score === undefined) continue
    labels.push(label)
    scores.push(score)
  }
  const aucMin = monitor.performance?.min
  return performanceOf(labels, scores, {
    samplesMin: monitor.min_samples,
    ...(aucMin === undefined ? {} : { aucMin }),
  })
}

function inputCounts(profile: Profile, rows: readonly PredictionRow[]): Map<string, Counts> {
  const counts = new Map<string, Counts>()
  for (const [feature, column] of Object.entries(profile.columns))
    if (column.kind !== 'other' && rows.some(({ inputs }) => feature in inputs))
      counts.set(
        feature,
        countsOf(
          column,
          rows.map(({ inputs }) => plain(inputs[feature])),
        ),
      )
  return counts
}

const PREDICTION = 'prediction'

function predictionVerdict(
  rows: readonly PredictionRow[],
  { modelVersion, prediction, profile }: Reference,
  options: { samplesMin: number },
): FeatureVerdict | null {
  if (prediction === null) return null
  const scores = rows
    .filter((row) => row.modelVersion === modelVersion)
    .map(({ outputs }) => scoreOf(outputs))
  const { features } = driftOf(
    { ...profile, columns: { [PREDICTION]: prediction } },
    new Map([[PREDICTION, countsOf(prediction, scores)]]),
    options,
  )
  return features[0] ?? null
}

/** A list is no value that a column's bins know. */
function plain(value: Logged | undefined): Value | null {
  return value === undefined || typeof value === 'object' ? null : value
}
