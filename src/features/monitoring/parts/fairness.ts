import { fairnessAgain } from '#performance'
import { sameVersion } from '../alerts/conditions.ts'
import type { Part } from './part.ts'
import { windowRef } from '../windows/window.ts'
import { findIn, limitConditions, limitWith, rolesAt } from './performance.ts'

/** How differently groups were treated, by the labels that have come. */
export const fairness: Part = {
  kind: 'fairness',
  due: 'settled',
  withoutRows: (reason, { fairness: asked }) =>
    asked === undefined ? {} : { fairness: { state: 'skipped', reason } },
  judge: async (view) => {
    const { fairness: asked } = view.monitor
    if (asked === undefined) return {}
    return {
      fairness: await view.work('fairness', {
        roles: await rolesAt(view),
        by: asked.by,
        groupMin: asked.min_group,
        limits: asked.metrics,
      }),
    }
  },
  again: ({ fairness: kept }, { fairness: asked }) =>
    kept === undefined || asked === undefined
      ? {}
      : { fairness: fairnessAgain(kept, { by: asked.by, limits: asked.metrics }) },
  lookback: (monitor) => monitor.fairness?.persistence.of ?? 0,
  conditions: (window, earlier, monitor) => {
    const { fairness: asked } = monitor
    const { fairness: found } = window
    if (asked === undefined || asked.metrics.length === 0) return []
    if (found === undefined || found.state === 'skipped') return 'unjudged'
    const windows = sameVersion(window, earlier)
    return limitConditions(
      found.limits,
      (limit) =>
        windows.map(({ fairness: each }) =>
          each?.state === 'measured' ? findIn(each.limits, limit) : undefined,
        ),
      asked.persistence,
    )
  },
  finding: (window, { subject, detail, severity }, { task }) => {
    const { fairness: found } = window
    const limit = found?.state === 'measured' ? limitWith(found.limits, subject) : undefined
    return {
      type: 'fairness-broke',
      data: {
        endpoint: window.endpoint,
        window: windowRef(window).id,
        modelVersion: window.modelVersion,
        metric: limit?.metric ?? subject,
        by: limit?.of ?? null,
        value: limit?.value ?? null,
        ciLow: limit?.ciLow ?? null,
        ciHigh: limit?.ciHigh ?? null,
        min: limit?.min ?? null,
        max: limit?.max ?? null,
        severity,
        detail,
      },
      eventMs: task.dueMs,
    }
  },
}
