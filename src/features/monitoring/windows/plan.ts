import { durationMs, type MonitorConfig } from '#projects'
import type { PeriodSummary } from '#serving'
import type { Counted, Due, KnownWindow, Progress, Task } from './window.ts'

/** How long windows are, and how long after its end a window's labels have to come. */
export interface Timing {
  readonly sizeMs: number
  readonly settleMs: number
}

export function timingOf({ window, settle }: MonitorConfig): Timing {
  return { sizeMs: durationMs(window.size), settleMs: durationMs(settle) }
}

const HOUR_MS = 3_600_000

/** Of windows in a row that have no prediction, so many are told of; from then on nothing is new. */
const EMPTY_MAX = 3

/** The ends of the last windows that are closed and that are settled at this time. */
export function endsBy(
  watermarkMs: number,
  { sizeMs, settleMs }: Timing,
): { closedMs: number; settledMs: number } {
  return {
    closedMs: floorTo(watermarkMs, sizeMs),
    settledMs: floorTo(watermarkMs - settleMs, sizeMs),
  }
}

/**
 * How far event time has come at an endpoint that may have fallen silent. Where event time keeps pace with the
 * clock, an endpoint that nobody asks is late by no more than a window, and then its windows close without it.
 * Where it does not, as when the past is played again, only predictions move it.
 */
export function reachedBy(
  { watermarkMs, closedMs }: { watermarkMs: number; closedMs: number | null },
  nowMs: number,
  { sizeMs, arrival }: { sizeMs: number; arrival: boolean },
): number {
  const pace = Math.max(watermarkMs, closedMs ?? watermarkMs)
  if (nowMs - pace > PACE_WINDOWS * sizeMs) return watermarkMs
  return Math.max(watermarkMs, arrival ? nowMs : nowMs - sizeMs)
}

const PACE_WINDOWS = 3

/** What is due, in the order in which it became so. `hours` are the hours that have predictions. */
export function dueTasks(
  hours: readonly number[],
  progress: Progress,
  ends: { closedMs: number; settledMs: number },
  { sizeMs, settleMs }: Timing,
): Task[] {
  const starts = startsOf(hours, sizeMs)
  const tasksOf = (due: Due, from: readonly number[], fromMs: number | null, untilMs: number) =>
    from
      .filter((startMs) => startMs >= (fromMs ?? startMs) && startMs + sizeMs <= untilMs)
      .map((startMs) => taskAt(due, startMs, { sizeMs, settleMs }))
  const closing = withEmpty(starts, ends.closedMs, sizeMs)
  return [
    ...tasksOf('closed', closing, progress.closedMs, ends.closedMs),
    ...tasksOf('settled', starts, progress.settledMs, ends.settledMs),
  ].toSorted(inOrder)
}

/**
 * Windows that were evaluated and of which there is more now, or other labels; and those that have predictions
 * which came after they should have been evaluated. Windows that are not whole hours take no more once they are
 * over, for predictions and labels are counted by the hour.
 */
export function reopenedTasks(
  hours: readonly PeriodSummary[],
  known: ReadonlyMap<number, KnownWindow>,
  progress: Progress,
  timing: Timing,
): Task[] {
  const { sizeMs } = timing
  if (sizeMs % HOUR_MS !== 0) return []
  const counted = countedBy(hours, sizeMs)
  const tasks: Task[] = []
  for (const [startMs, now] of counted) {
    const endMs = startMs + sizeMs
    if (endMs > (progress.closedMs ?? -Infinity)) continue
    const isSettled = endMs <= (progress.settledMs ?? -Infinity)
    const before = known.get(startMs)
    if (before !== undefined && !hasChanged(before.counted, now, isSettled)) continue
    tasks.push({ ...taskAt(isSettled ? 'settled' : 'closed', startMs, timing), reopened: true })
  }
  return tasks.toSorted(inOrder)
}

/** Predictions and labels of each window that has any. */
export function countedBy(hours: readonly PeriodSummary[], sizeMs: number): Map<number, Counted> {
  const counted = new Map<number, Counted>()
  for (const { startMs, predictions, labels, replaced = 0 } of hours) {
    const start = floorTo(startMs, sizeMs)
    const sum = counted.get(start) ?? { predictions: 0, labels: 0, replaced: 0 }
    counted.set(start, {
      predictions: sum.predictions + predictions,
      labels: sum.labels + labels,
      replaced: sum.replaced + replaced,
    })
  }
  return counted
}

/** Labels count once a window is settled: until then they are expected. */
function hasChanged(before: Counted | null, now: Counted, isSettled: boolean): boolean {
  if (before === null) return false
  if (before.predictions !== now.predictions) return true
  return isSettled && (before.labels !== now.labels || before.replaced !== now.replaced)
}

export function taskAt(due: Due, startMs: number, { sizeMs, settleMs }: Timing): Task {
  const endMs = startMs + sizeMs
  return { due, startMs, endMs, dueMs: due === 'closed' ? endMs : endMs + settleMs }
}

export function inOrder(one: Task, other: Task): number {
  return one.dueMs - other.dueMs || one.startMs - other.startMs
}

/** The starts of the windows that these hours touch. */
function startsOf(hours: readonly number[], sizeMs: number): number[] {
  const starts = new Set<number>()
  for (const hourMs of hours)
    for (let startMs = floorTo(hourMs, sizeMs); startMs < hourMs + HOUR_MS; startMs += sizeMs)
      starts.add(startMs)
  return [...starts].toSorted((one, other) => one - other)
}

/** With the first few of the windows between them, and after them, that nobody asked anything in. */
function withEmpty(starts: readonly number[], untilMs: number, sizeMs: number): number[] {
  return starts.flatMap((startMs, index) => {
    const nextMs = starts[index + 1] ?? untilMs
    const empty = Math.min(EMPTY_MAX, Math.floor((nextMs - startMs) / sizeMs) - 1)
    return Array.from({ length: Math.max(0, empty) + 1 }, (_, each) => startMs + each * sizeMs)
  })
}

function floorTo(ms: number, sizeMs: number): number {
  return Math.floor(ms / sizeMs) * sizeMs
}
