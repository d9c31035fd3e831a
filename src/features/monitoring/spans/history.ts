import type { MonitorConfig } from '#projects'
import type { HourProfile } from '#serving'
import { driftSeen } from '../parts/drift.ts'
import type { KnownReference } from '../references/reference.ts'
import type { Window } from '../windows/window.ts'
import { lookAtHours, rowsIn } from './look.ts'

const HOUR_MS = 3_600_000

/** What is to be compared with what. */
export interface History {
  readonly endpoint: string
  /** In order, as the log tells them. */
  readonly hours: AsyncIterable<HourProfile> | Iterable<HourProfile>
  /** Whole hours; windows begin at multiples of it. */
  readonly sizeMs: number
  readonly monitor: Pick<MonitorConfig, 'min_samples' | 'drift'>
  /** What a version's windows are compared with: its training data, or any other reference. */
  reference(modelVersion: string): Promise<KnownReference>
}

/**
 * The windows of a span with their verdicts on drift, as they are found live, from profiles alone: no row is read. Windows
 * without predictions are left out; each holds of one version that answered most of it.
 */
export async function* driftHistory(history: History): AsyncGenerator<Window> {
  const told: Window[] = []
  const byStart = new Map<number, Window>()
  for await (const { startMs, hours } of byWindow(history.hours, history.sizeMs)) {
    const modelVersion = mainVersionIn(hours)
    if (modelVersion === undefined) continue
    const known = await history.reference(modelVersion)
    const look = known.state === 'known' ? lookAtHours(hours, known.reference) : undefined
    const endMs = startMs + history.sizeMs
    const view = {
      modelVersion,
      monitor: history.monitor,
      span: { fromMs: startMs, toMs: endMs },
      earlier: async (limit: number) => told.slice(-limit),
      at: async (ms: number) => byStart.get(ms),
    }
    const window: Window = {
      endpoint: history.endpoint,
      startMs,
      endMs,
      modelVersion,
      predictions: rowsIn(hours),
      drift: await driftSeen(view, known, look),
      performance: null,
    }
    told.push(window)
    byStart.set(startMs, window)
    yield window
  }
}

/** The version that answered most rows, the later one of two that answered equally many. */
export function mainVersionIn(hours: readonly HourProfile[]): string | undefined {
  const rows = new Map<string, number>()
  for (const { modelVersion, rows: count } of hours)
    rows.set(modelVersion, (rows.get(modelVersion) ?? 0) + count)
  let main: [string, number] | undefined
  for (const each of rows) if (main === undefined || each[1] >= main[1]) main = each
  return main?.[0]
}

async function* byWindow(
  hours: History['hours'],
  sizeMs: number,
): AsyncGenerator<{ startMs: number; hours: readonly HourProfile[] }> {
  if (sizeMs % HOUR_MS !== 0) throw new Error('windows of profiles are whole hours')
  let startMs = Number.NaN
  let held: HourProfile[] = []
  for await (const hour of hours) {
    const start = Math.floor(hour.startMs / sizeMs) * sizeMs
    if (start !== startMs) {
      if (held.length > 0) yield { startMs, hours: held }
      startMs = start
      held = []
    }
    held.push(hour)
  }
  if (held.length > 0) yield { startMs, hours: held }
}
