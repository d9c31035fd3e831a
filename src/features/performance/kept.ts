import type { Breach } from './limits.ts'
import type { MeasuredPerformance, PerformanceVerdict } from './performance.ts'
import type { Metric } from './tasks.ts'

/** A verdict as windows had it when there was nothing but the area under the ROC curve. */
interface AreaVerdict {
  readonly state: 'measured'
  readonly labels: number
  readonly auc: number
  readonly ciLow: number
  readonly ciHigh: number
  readonly calibration: Readonly<Record<string, number>>
  readonly below: Exclude<Breach, 'unknown'>
}

/** A verdict that was kept, of whatever age. */
export function keptPerformance(
  verdict: PerformanceVerdict | AreaVerdict | null,
): PerformanceVerdict | null {
  if (verdict === null || verdict.state === 'too-few' || 'metrics' in verdict) return verdict
  return ofArea(verdict)
}

function ofArea({
  labels,
  auc,
  ciLow,
  ciHigh,
  calibration,
  below,
}: AreaVerdict): MeasuredPerformance {
  const roc_auc: Metric = { value: auc, ciLow, ciHigh }
  const bare = (name: string): Metric => ({
    value: calibration[name] ?? null,
    ciLow: null,
    ciHigh: null,
  })
  return {
    state: 'measured',
    task: 'binary',
    because: 'it was the only one that was measured',
    labels,
    unread: 0,
    main: 'roc_auc',
    metrics: {
      roc_auc,
      log_loss: bare('logLoss'),
      brier: bare('brier'),
      ece: bare('expectedError'),
      calibration_difference: {
        value: calibration['difference'] ?? null,
        ciLow: calibration['ciLow'] ?? null,
        ciHigh: calibration['ciHigh'] ?? null,
      },
    },
    limits: [{ metric: 'roc_auc', ...roc_auc, of: null, labels, breach: below }],
    confusion: null,
    classes: null,
    reliability: null,
    slices: [],
  }
}
