import type { MonitorConfig } from '#projects'
import type { Slice } from '#performance'
import { lasting, lastingCondition, sameVersion } from '../alerts/conditions.ts'
import type { Condition } from '../alerts/findings.ts'
import type { Part, View } from './part.ts'
import type { SlicesVerdict } from './slices-verdict.ts'
import type { Window } from '../windows/window.ts'
import { rolesAt } from './performance.ts'

/** Once the labels have had their time. */
export const slices: Part = {
  kind: 'slices',
  due: 'settled',
  judge: async (view) => ({ slices: await searched(view) }),
  withoutRows: (reason) => ({ slices: { state: 'skipped', reason } }),
  told: (window) => ({ worstSlice: slicesIn(window)[0]?.name ?? null }),
  lookback: (monitor) => (monitor.slices?.find?.alert === true ? PERSISTENCE.of : 0),
  conditions: sliceConditions,
}

async function searched(view: View): Promise<SlicesVerdict> {
  const { depth, support } = view.monitor.slices?.find ?? {}
  return view.work('slices', {
    roles: await rolesAt(view),
    ...(depth === undefined ? {} : { depth }),
    ...(support === undefined ? {} : { support }),
  })
}

const PERSISTENCE = { windows: 3, of: 5 }

/** Every model is worse somewhere; only who asks is alerted to it, and to what lasts. */
function sliceConditions(
  window: Window,
  earlier: readonly Window[],
  monitor: MonitorConfig,
): readonly Condition[] | 'unjudged' {
  if (monitor.slices?.find?.alert !== true) return []
  if (window.slices?.state !== 'searched') return 'unjudged'
  const windows = sameVersion(window, earlier)
  const keys = new Set(windows.flatMap((each) => slicesIn(each).map(keyOf)))
  return [...keys].map((subject) => {
    const flags = windows.map((each) =>
      each.slices?.state === 'searched'
        ? slicesIn(each).some((slice) => keyOf(slice) === subject)
        : null,
    )
    const last = windows.flatMap(slicesIn).findLast((slice) => keyOf(slice) === subject)
    const detail = `answers are worse where ${last?.name}: ${told(last?.loss)} and ${told(last?.elsewhere)} elsewhere, ${lasting(PERSISTENCE)}`
    return lastingCondition(flags, PERSISTENCE, { subject, severity: 'warning', detail })
  })
}

function slicesIn({ slices: found }: Window): readonly Slice[] {
  return found?.state === 'searched' ? found.slices : []
}

/** Edges of numbers move a little from window to window; the slice stays the one over these columns. */
function keyOf({ conditions }: Slice): string {
  return conditions
    .map((condition) =>
      'is' in condition ? `${condition.column} = ${condition.is}` : condition.column,
    )
    .toSorted()
    .join(' and ')
}

function told(value: number | undefined): string {
  return value === undefined ? 'unknown' : String(Number(value.toPrecision(3)))
}
