import { durationMs, type MonitorConfig } from '#projects'
import type { PredictionQueries } from '#serving'
import { inOrder } from './plan.ts'
import type { MonitoringReads } from '../store.ts'
import type { Counted, Progress, Task } from './window.ts'

/** A window that is over, and the predictions in it. */
export interface CutWindow {
  readonly startMs: number
  /** Exclusive. */
  readonly endMs: number
  readonly predictions: number
}

/** Windows of so many predictions each, in the order of event time. */
export interface Counting {
  readonly count: number
  /** What lasts longer than this is over, however few predictions it has. */
  readonly longestMs: number | undefined
}

/** How windows are counted; undefined where they go by time. */
export function countingOf({ window }: Pick<MonitorConfig, 'window'>): Counting | undefined {
  const { count, longest } = window
  if (count === undefined) return undefined
  return { count, longestMs: longest === undefined ? undefined : durationMs(longest) }
}

/** Rows of the log that are read at a time. */
const PAGE = 5000

/**
 * Cuts what an endpoint was asked since its last window into windows. Predictions of one moment stay together, so that
 * each window is a span of event time: it ends right after its last prediction, and the next begins there. What comes
 * later for a window that is over counts in it until its truths are judged.
 */
export async function cutWindows(
  predictions: Pick<PredictionQueries, 'window'>,
  endpoint: string,
  how: Counting & { fromMs: number | null; reachedMs: number },
): Promise<{ windows: CutWindow[]; missing: number }> {
  const cut = cutter(how)
  let after: string | undefined
  do {
    const page = await predictions.window(endpoint, {
      fromMs: how.fromMs ?? 0,
      toMs: how.reachedMs + 1,
      role: 'live',
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    })
    for (const { eventMs } of page.rows) cut.add(eventMs)
    after = page.next ?? undefined
  } while (after !== undefined)
  return cut.end()
}

/** Takes event times in order. */
function cutter({ count, longestMs, fromMs, reachedMs }: Parameters<typeof cutWindows>[2]) {
  const windows: CutWindow[] = []
  let startMs = fromMs
  let firstMs: number | undefined
  let lastMs = -Infinity
  let size = 0
  const close = (endMs: number) => {
    windows.push({ startMs: startMs as number, endMs, predictions: size })
    startMs = endMs
    firstMs = undefined
    size = 0
  }
  const closeOld = (nowMs: number) => {
    if (firstMs === undefined || longestMs === undefined) return
    if (nowMs >= firstMs + longestMs) close(firstMs + longestMs)
  }
  return {
    add: (eventMs: number) => {
      if (size >= count && eventMs > lastMs) close(lastMs + 1)
      closeOld(eventMs)
      startMs ??= eventMs
      firstMs ??= eventMs
      lastMs = eventMs
      size++
    },
    end: () => {
      // Another prediction of the same moment may be on its way: the clock has to have moved on.
      if (size >= count && reachedMs > lastMs) close(lastMs + 1)
      closeOld(reachedMs)
      return { windows, missing: Math.max(1, count - size) }
    },
  }
}

/** What is due of windows by count: those that are full, and those whose truths have had their time. */
export async function countedTasks(
  sources: { read: MonitoringReads; predictions: PredictionQueries },
  of: {
    endpoint: string
    counting: Counting
    progress: Progress
    reachedMs: number
    settleMs: number
  },
): Promise<{ tasks: Task[]; counted: Map<number, Counted>; ends: Partial<Progress> }> {
  const { endpoint, counting, progress, reachedMs, settleMs } = of
  const { windows } = await cutWindows(sources.predictions, endpoint, {
    ...counting,
    fromMs: progress.closedMs,
    reachedMs,
  })
  const known = await sources.read.knownWindows(endpoint, {
    fromMs: progress.settledMs ?? 0,
    toMs: progress.closedMs ?? 0,
  })
  const before = known.map(({ startMs, endMs, counted }) => ({
    startMs,
    endMs,
    predictions: counted?.predictions ?? 0,
  }))
  const task = (due: Task['due'], { startMs, endMs }: CutWindow): Task => ({
    due,
    startMs,
    endMs,
    dueMs: due === 'closed' ? endMs : endMs + settleMs,
  })
  const settling = [...before, ...windows].filter(({ endMs }) => endMs + settleMs <= reachedMs)
  const tasks = [
    ...windows.map((window) => task('closed', window)),
    ...settling.map((window) => task('settled', window)),
  ].toSorted(inOrder)
  const closedMs = windows.at(-1)?.endMs
  const settledMs = settling.at(-1)?.endMs
  return {
    tasks,
    counted: new Map(
      [...before, ...windows].map(({ startMs, predictions }) => [
        startMs,
        { predictions, labels: 0, replaced: 0 },
      ]),
    ),
    ends: {
      ...(closedMs === undefined ? {} : { closedMs }),
      ...(settledMs === undefined ? {} : { settledMs }),
    },
  }
}

/**
 * Says whether windows by count may be due, without reading the log each time: only when as many predictions have come
 * as the last look found missing, or a window that is over may settle or has lasted long enough.
 */
export function countedLooks(sources: {
  read: MonitoringReads
  predictions: PredictionQueries
}): (of: Parameters<typeof countedTasks>[1]) => Promise<{ total: number } | undefined> {
  const looked = new Map<string, { total: number; missing: number }>()
  return async (of) => {
    const { endpoint, counting, progress, reachedMs } = of
    const fromMs = progress.closedMs === null ? undefined : floorToHour(progress.closedMs)
    const hours = await sources.predictions.soFar.summaries(endpoint, {
      ...(fromMs === undefined ? {} : { fromMs }),
      per: HOUR_MS,
    })
    const total = hours.reduce((sum, { predictions }) => sum + predictions, 0)
    const key = JSON.stringify([endpoint, progress, counting])
    const last = looked.get(key)
    const isSettling = await mayChange(sources.read, of)
    const isFull = last === undefined || total >= last.total + last.missing
    if (!isFull && !isSettling && counting.longestMs === undefined) return undefined
    const { tasks } = await countedTasks(sources, of)
    if (tasks.length > 0) return { total }
    const { missing } = await cutWindows(sources.predictions, endpoint, {
      ...counting,
      fromMs: progress.closedMs,
      reachedMs,
    })
    looked.delete(key)
    looked.set(key, { total, missing })
    for (const oldest of looked.keys()) if (looked.size > LOOKED_MAX) looked.delete(oldest)
    return undefined
  }
}

const HOUR_MS = 3_600_000
const LOOKED_MAX = 10_000

function floorToHour(ms: number): number {
  return Math.floor(ms / HOUR_MS) * HOUR_MS
}

/** Whether a window that is over has had its time. */
async function mayChange(
  read: MonitoringReads,
  { endpoint, progress, reachedMs, settleMs }: Parameters<typeof countedTasks>[1],
): Promise<boolean> {
  if (progress.closedMs === null) return false
  const known = await read.knownWindows(endpoint, {
    fromMs: progress.settledMs ?? 0,
    toMs: progress.closedMs,
  })
  return known.some(({ endMs }) => endMs + settleMs <= reachedMs)
}
