import type { MonitorConfig } from '#projects'
import type { PredictionRow } from '#serving'
import type { Label } from '#statistics'
import { performanceOf, type PerformanceVerdict } from '#performance'
import { lasting, lastingCondition, sameVersion } from '../conditions.ts'
import type { Condition } from '../findings.ts'
import type { Part } from '../part.ts'
import { classOf, scoreOf } from '../sources.ts'
import { windowRef, type Window } from '../window.ts'

/** How good the answers were, by the labels that have come. */
export const performance: Part = {
  kind: 'performance',
  due: 'settled',
  judge: async (view) => ({ performance: performanceIn(await view.rows(), view.monitor) }),
  told: ({ performance: found }) => {
    const measured = found?.state === 'measured' ? found : null
    return {
      labels: found?.labels ?? 0,
      auc: measured?.auc ?? null,
      ciLow: measured?.ciLow ?? null,
      ciHigh: measured?.ciHigh ?? null,
      calibration: measured === null ? null : { ...measured.calibration },
      performanceSkipped: found?.state === 'too-few' ? found.reason : null,
    }
  },
  lookback: (monitor) => monitor.performance?.persistence.of ?? 0,
  conditions: performanceConditions,
  finding: (window, { detail }, { monitor, task }) => {
    const { performance: found } = window
    return {
      type: 'performance-fell',
      data: {
        endpoint: window.endpoint,
        window: windowRef(window).id,
        modelVersion: window.modelVersion,
        metric: 'roc_auc',
        value: found?.state === 'measured' ? found.auc : null,
        ciLow: found?.state === 'measured' ? found.ciLow : null,
        ciHigh: found?.state === 'measured' ? found.ciHigh : null,
        min: monitor.performance?.min ?? null,
        detail,
      },
      eventMs: task.dueMs,
    }
  },
}

/** Measures the live answers by the labels that have come, whichever version gave them. */
function performanceIn(rows: readonly PredictionRow[], monitor: MonitorConfig): PerformanceVerdict {
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

/** Performance lies below the least that was asked for: lastingly, or in this window beyond doubt. */
function performanceConditions(
  window: Window,
  earlier: readonly Window[],
  monitor: MonitorConfig,
): readonly Condition[] | 'unjudged' {
  if (monitor.performance === undefined) return []
  const { min, persistence } = monitor.performance
  const { performance: found } = window
  if (found === null || found.state === 'too-few') return 'unjudged'
  const flags = sameVersion(window, earlier).map(({ performance: each }) =>
    each === null || each.state === 'too-few' ? null : each.below !== 'no',
  )
  const { auc, ciLow, ciHigh, below, labels } = found
  const value = `ROC-AUC ${digits(auc)} (${digits(ciLow)} to ${digits(ciHigh)}, ${labels} labels)`
  if (below === 'certainly') {
    const detail = `${value} is below ${min} beyond doubt`
    return [{ state: 'holds', subject: '', severity: 'critical', detail }]
  }
  const detail = `${value}; below ${min}, ${lasting(persistence)}`
  return [lastingCondition(flags, persistence, { subject: '', severity: 'warning', detail })]
}

function digits(value: number): string {
  return value.toFixed(3)
}
