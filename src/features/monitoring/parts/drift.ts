import type { Json } from '#base/json'
import type { MonitorConfig } from '#projects'
import type { ComparedFeature } from '#drift'
import { aloneConditions } from './alone.ts'
import { lasting, lastingCondition, sameVersion } from '../alerts/conditions.ts'
import { driftVerdict } from './drift-verdict.ts'
import type { Condition } from '../alerts/findings.ts'
import type { Part, View } from './part.ts'
import type { KnownReference } from '../references/reference.ts'
import type { Look } from '../spans/look.ts'
import { judgedOf, rhythmsOf, withUsual, type Past } from '../references/usual.ts'
import { driftedFeatures, windowRef, type Window, type WindowDrift } from '../windows/window.ts'

/** Whether what was asked and what was answered look other than the training data. */
export const drift: Part = {
  kind: 'drift',
  due: 'closed',
  judge: async (view) => ({ drift: await driftIn(view) }),
  again: ({ drift: kept, predictions }, monitor) => ({ drift: again(kept, predictions, monitor) }),
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

/** Which features drifted does not depend on how many of them it takes. */
function again(
  kept: WindowDrift,
  predictions: number,
  { min_samples: least, drift: { alert_share: alertShare } }: MonitorConfig,
): WindowDrift {
  if (kept.state === 'skipped') return kept
  if (predictions < least)
    return { state: 'skipped', reason: `${predictions} predictions are fewer than ${least}` }
  const { share, prediction } = kept
  const alarming = (share > 0 && share >= alertShare) || prediction?.state === 'drifted'
  return { ...kept, alarming }
}

async function driftIn(view: View): Promise<WindowDrift> {
  const known = await view.reference()
  const look = known.state === 'known' ? await view.look(known.reference) : undefined
  return driftSeen(view, known, look)
}

/** What a verdict is made of besides what is compared: what is configured, and the windows before. */
export interface DriftView extends Pick<View, 'modelVersion' | 'span' | 'earlier' | 'at'> {
  readonly monitor: Pick<MonitorConfig, 'min_samples' | 'drift'>
}

/** The verdict on a window with what the windows before it tell, live and when history is told anew. */
export async function driftSeen(
  view: DriftView,
  known: KnownReference,
  look: Look | undefined,
): Promise<WindowDrift> {
  const { monitor } = view
  const verdict = driftVerdict(known, { monitor, look })
  if (verdict.state === 'skipped') return verdict
  return withUsual(verdict, await pastOf(view, verdict), monitor.drift.alert_share)
}

/** Windows before the last one of the version, of which some could not be judged. */
const BEFORE_MAX = 8

async function pastOf(view: DriftView, { features, prediction }: DriftVerdict): Promise<Past> {
  const { modelVersion, monitor, span } = view
  const before = judgedOf(await view.earlier(BEFORE_MAX), modelVersion).at(-1)
  const hasDrift = [...features, prediction].some((each) => each?.state === 'drifted')
  const starts = hasDrift && monitor.drift.seasonality !== false ? rhythmsOf(span) : []
  const windows = async (at: readonly number[]) =>
    judgedOf(await Promise.all(at.map((startMs) => view.at(startMs))), modelVersion)
  const rhythms = await Promise.all(
    starts.map(async ({ on, off }) => ({ on: await windows(on), off: await windows(off) })),
  )
  return { before, rhythms }
}

type DriftVerdict = Extract<WindowDrift, { state: 'judged' }>

/** Only windows of the same model version count, for another version has another reference. */
function driftConditions(
  window: Window,
  earlier: readonly Window[],
  monitor: MonitorConfig,
): readonly Condition[] | 'unjudged' {
  if (window.drift.state === 'skipped') return 'unjudged'
  const { persistence } = monitor.drift
  const flags = sameVersion(window, earlier).map(({ drift: each }) =>
    each.state === 'judged' ? each.alarming : null,
  )
  const names = driftedFeatures(window.drift).map(({ feature }) => feature)
  const features = `${names.length} of ${window.drift.compared} features drifted (${shortList(names)})`
  const isPredicted = window.drift.prediction?.state === 'drifted'
  const found =
    names.length === 0
      ? `${lastingFeatures(window)} drifted`
      : `${isPredicted ? 'what is predicted has drifted; ' : ''}${features}`
  const detail = `${found}, ${lasting(persistence)}`
  const whole = lastingCondition(flags, persistence, { subject: '', severity: 'warning', detail })
  return [whole, ...aloneConditions(window, earlier, { monitor, whole })]
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
