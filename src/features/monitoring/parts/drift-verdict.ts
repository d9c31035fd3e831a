import type { MonitorConfig } from '#projects'
import { driftOf, type Counts, type FeatureVerdict } from '#drift'
import type { KnownReference } from '../references/reference.ts'
import type { Look } from '../spans/look.ts'
import type { Reference } from '../store.ts'
import type { WindowDrift } from '../windows/window.ts'

/** Compares what an endpoint was asked, and what its main version answered, with a reference. */
export function driftVerdict(
  known: KnownReference,
  of: {
    readonly monitor: Pick<MonitorConfig, 'min_samples' | 'drift'>
    /** There where the reference is known. */
    readonly look: Look | undefined
  },
): WindowDrift {
  const { monitor, look } = of
  if (known.state === 'unknown' || look === undefined)
    return {
      state: 'skipped',
      reason: `there is no reference: ${known.state === 'unknown' ? known.reason : 'it was not looked at'}`,
    }
  if (look.predictions < monitor.min_samples)
    return {
      state: 'skipped',
      reason: `${look.predictions} predictions are fewer than ${monitor.min_samples}`,
    }
  const { reference } = known
  const options = { samplesMin: monitor.min_samples }
  const verdict = driftOf(reference.profile, look.inputs, options)
  const prediction = predictionVerdict(look.scores, reference, options)
  const { alert_share: alertShare } = monitor.drift
  const alarming =
    (verdict.compared > 0 && verdict.share > 0 && verdict.share >= alertShare) ||
    prediction?.state === 'drifted'
  return { state: 'judged', ...verdict, prediction, alarming }
}

const PREDICTION = 'prediction'

function predictionVerdict(
  scores: Counts | null,
  { prediction, profile }: Reference,
  options: { samplesMin: number },
): FeatureVerdict | null {
  if (prediction === null || scores === null) return null
  const columns = { [PREDICTION]: prediction }
  const counts = new Map([[PREDICTION, scores]])
  return driftOf({ ...profile, columns }, counts, options).features[0] ?? null
}
