import type { HourProfile } from '#serving'
import { driftSeen, type DriftView } from '../parts/drift.ts'
import { PARTS } from '../parts/index.ts'
import { mainVersionIn } from '../spans/history.ts'
import { lookAtHours, rowsIn } from '../spans/look.ts'
import { versionIn } from '../windows/view.ts'
import type { Task, Window, WindowDrift } from '../windows/window.ts'
import type { BacktestSources } from './sources.ts'
import type { MemoryAlerts } from './alerts.ts'

export interface Judging extends BacktestSources {
  /** Windows of this length that were kept, by their starts. */
  readonly kept: ReadonlyMap<number, Window>
  /** Where history begins to be judged anew: what lies before was. */
  readonly fromMs: number
  readonly alerts: MemoryAlerts
}

/** Windows that were judged anew so far, oldest first. */
interface Past {
  readonly windows: readonly Window[]
  readonly byStart: ReadonlyMap<number, Window>
}

/**
 * A window under another rule: its drift is judged anew, what was measured of it is held against the limits that hold now,
 * and what does not depend on rules stays. Undefined where nobody asked and nothing was kept.
 */
export async function judgedAgain(
  judging: Judging,
  task: Task,
  past: Past,
): Promise<Window | undefined> {
  const { endpoint, monitor, kept } = judging
  const { startMs, endMs } = task
  const hours = await hoursOf(judging, task)
  const window =
    kept.get(startMs) ?? bareWindow({ endpoint, startMs, endMs }, hours, past.windows.at(-1))
  if (window === undefined) return undefined
  const verdicts = PARTS.map((part) => part.again?.(window, monitor) ?? {})
  const again: Window = Object.assign({ ...window }, ...verdicts)
  // Without profiles, as in windows that are no whole hours, what was found of each feature stays.
  if (hours.length === 0 && window.predictions > 0) return again
  return { ...again, drift: await driftAgain(judging, { window, hours, past }) }
}

async function hoursOf(
  { endpoint, predictions }: Judging,
  { startMs: fromMs, endMs: toMs }: Task,
): Promise<HourProfile[]> {
  if (fromMs % HOUR_MS !== 0 || toMs % HOUR_MS !== 0) return []
  return Array.fromAsync(predictions.profiles(endpoint, { fromMs, toMs }))
}

const HOUR_MS = 3_600_000

/** A window of a length that nobody has looked at, before anything is found of it. */
function bareWindow(
  at: Pick<Window, 'endpoint' | 'startMs' | 'endMs'>,
  hours: readonly HourProfile[],
  before: Window | undefined,
): Window | undefined {
  const modelVersion = mainVersionIn(hours) ?? before?.modelVersion
  if (modelVersion === undefined) return undefined
  const predictions = rowsIn(hours)
  return {
    ...at,
    modelVersion,
    predictions,
    drift: { state: 'skipped', reason: 'it was not looked at' },
    performance: null,
  }
}

async function driftAgain(
  judging: Judging,
  of: { window: Window; hours: readonly HourProfile[]; past: Past },
): Promise<WindowDrift> {
  const { window, hours, past } = of
  const { monitor, endpoint, read, kept, fromMs } = judging
  const { modelVersion } = window
  const span = { fromMs: window.startMs, toMs: window.endMs }
  const view: DriftView = {
    monitor,
    modelVersion,
    span,
    at: async (ms) =>
      past.byStart.get(ms) ??
      (ms < fromMs && kept.size > 0 ? read.findWindow(endpoint, ms) : undefined),
    earlier: async (limit) => {
      const own = past.windows.filter(({ startMs }) => startMs < window.startMs).slice(-limit)
      if (own.length === limit || kept.size === 0) return own
      const before = await read.windows(endpoint, { limit: limit - own.length, beforeMs: fromMs })
      return [...before.toReversed(), ...own]
    },
  }
  const known = await judging.reference(versionIn(modelVersion), span)
  const look = known.state === 'known' ? lookAtHours(hours, known.reference) : undefined
  return driftSeen(view, known, look)
}
