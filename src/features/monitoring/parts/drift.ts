import type { Json } from '#base/json'
import type { MonitorConfig } from '#projects'
import type { PredictionRow } from '#serving'
import { countsOf, driftOf, type ComparedFeature, type Counts, type FeatureVerdict } from '#drift'
import { lasting, lastingCondition, sameVersion } from '../conditions.ts'
import type { Condition } from '../findings.ts'
import type { Part, View } from '../part.ts'
import { scoreOf } from '../sources.ts'
import type { Reference } from '../store.ts'
import { driftedFeatures, windowRef, type Window, type WindowDrift } from '../window.ts'

/** Whether what was asked and what was answered look other than the training data. */
export const drift: Part = {
  kind: 'drift',
  due: 'closed',
  judge: async (view) => ({ drift: await driftIn(view) }),
  told: (window) => {
    const { drift: found } = window
    return {
      driftShare: found.state === 'judged' && found.compared > 0 ? found.share : null,
      drifted: toldFeatures(window),
      prediction: found.state === 'judged' ? (found.prediction?.state ?? null) : null,
      driftSkipped: found.state === 'skipped' ? found.reason : null,
    }
  },
  lookback: (monitor) => monitor.drift.persistence.of,
  conditions: driftConditions,
  finding: (window, { detail }, { task }) => ({
    type: 'drift-detected',
    data: {
      endpoint: window.endpoint,
      window: windowRef(window).id,
      modelVersion: window.modelVersion,
      share: window.drift.state === 'judged' ? window.drift.share : null,
      features: toldFeatures(window),
      detail,
    },
    eventMs: task.dueMs,
  }),
}

/** Compares what an endpoint was asked, and what its main version answered, with that version's training data. */
async function driftIn(view: View): Promise<WindowDrift> {
  const { monitor } = view
  const known = await view.reference()
  if (known.state === 'unknown')
    return { state: 'skipped', reason: `there is no reference: ${known.reason}` }
  const rows = await view.rows()
  if (rows.length < monitor.min_samples)
    return {
      state: 'skipped',
      reason: `${rows.length} predictions are fewer than ${monitor.min_samples}`,
    }
  const { reference } = known
  const options = { samplesMin: monitor.min_samples }
  const verdict = driftOf(reference.profile, await view.counts(reference), options)
  const prediction = predictionVerdict(rows, reference, options)
  const { alert_share: alertShare } = monitor.drift
  const alarming =
    (verdict.compared > 0 && verdict.share > 0 && verdict.share >= alertShare) ||
    prediction?.state === 'drifted'
  return { state: 'judged', ...verdict, prediction, alarming }
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
  const counts: [string, Counts] = [PREDICTION, countsOf(prediction, scores)]
  const columns = { [PREDICTION]: prediction }
  return driftOf({ ...profile, columns }, new Map([counts]), options).features[0] ?? null
}

/** Only windows of the same model version count, for another version has another reference. */
function driftConditions(
  window: Window,
  earlier: readonly Window[],
  { drift: { persistence } }: MonitorConfig,
): readonly Condition[] | 'unjudged' {
  if (window.drift.state === 'skipped') return 'unjudged'
  const flags = sameVersion(window, earlier).map(({ drift: each }) =>
    each.state === 'judged' ? each.alarming : null,
  )
  const names = driftedFeatures(window.drift).map(({ feature }) => feature)
  const found =
    names.length === 0
      ? `${lastingFeatures(window)} drifted`
      : `${names.length} of ${window.drift.compared} features drifted (${shortList(names)})`
  const detail = `${found}, ${lasting(persistence)}`
  return [lastingCondition(flags, persistence, { subject: '', severity: 'warning', detail })]
}

/** The persistence can hold although this window itself is calm. */
function lastingFeatures({ drift: found }: Window): string {
  return found.state === 'judged' && found.prediction?.state === 'drifted'
    ? 'what is predicted has'
    : 'features of the windows before'
}

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}

/** A fact stays small: the window itself has all features. */
const FEATURES_TOLD = 10

function toldFeatures({ drift: found }: Window): Json[] {
  return driftedFeatures(found).slice(0, FEATURES_TOLD).map(toldFeature)
}

function toldFeature({ feature, effect, threshold, measure, missing }: ComparedFeature): Json {
  const gone = missing.difference > missing.threshold
  return gone && (effect ?? 0) <= threshold
    ? {
        feature,
        value: missing.difference,
        threshold: missing.threshold,
        statistic: 'missing-share',
      }
    : { feature, value: effect, threshold, statistic: measure }
}
