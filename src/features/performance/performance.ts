import {
  aucOf,
  brier,
  calibrationInTheLarge,
  expectedCalibrationError,
  logLoss,
  type Label,
} from '#statistics'

/** How good the predictions of one window were, by the labels that have come. */
export type PerformanceVerdict =
  | { readonly state: 'too-few'; readonly reason: string; readonly labels: number }
  | MeasuredPerformance

export interface MeasuredPerformance {
  readonly state: 'measured'
  readonly labels: number
  readonly positives: number
  readonly auc: number
  readonly ciLow: number
  readonly ciHigh: number
  readonly calibration: Calibration
  /** Below the least that was asked for: `certainly` when the whole interval is. */
  readonly below: 'no' | 'yes' | 'certainly'
}

export interface Calibration {
  readonly logLoss: number
  readonly brier: number
  readonly expectedError: number
  readonly predicted: number
  readonly observed: number
  readonly difference: number
  readonly ciLow: number
  readonly ciHigh: number
}

/** An AUC of fewer labels of either class than this is mostly chance. */
const CLASS_MIN = 10

export function performanceOf(
  labels: readonly Label[],
  scores: readonly number[],
  { samplesMin, aucMin }: { samplesMin: number; aucMin?: number },
): PerformanceVerdict {
  const positives = labels.filter((label) => label === 1).length
  const reason = reasonForTooFew(labels.length, positives, samplesMin)
  const auc = reason === undefined ? aucOf(labels, scores) : undefined
  if (auc === undefined)
    return { state: 'too-few', reason: reason ?? 'one class only', labels: labels.length }
  return {
    state: 'measured',
    labels: labels.length,
    positives,
    auc: auc.auc,
    ciLow: auc.ciLow,
    ciHigh: auc.ciHigh,
    calibration: {
      logLoss: logLoss(labels, scores),
      brier: brier(labels, scores),
      expectedError: expectedCalibrationError(labels, scores),
      ...calibrationInTheLarge(labels, scores),
    },
    below: belowOf(auc, aucMin),
  }
}

function reasonForTooFew(
  labels: number,
  positives: number,
  samplesMin: number,
): string | undefined {
  if (labels < samplesMin) return `${labels} labels are fewer than ${samplesMin}`
  const least = Math.min(positives, labels - positives)
  return least < CLASS_MIN ? `${least} labels of one class are fewer than ${CLASS_MIN}` : undefined
}

function belowOf(
  { auc, ciHigh }: { auc: number; ciHigh: number },
  aucMin: number | undefined,
): MeasuredPerformance['below'] {
  if (aucMin === undefined || auc >= aucMin) return 'no'
  return ciHigh < aucMin ? 'certainly' : 'yes'
}
