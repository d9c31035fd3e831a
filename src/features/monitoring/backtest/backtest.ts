import { Problem } from '#base/problem'
import type { MonitorConfig } from '#projects'
import type { Alert } from '../alerts/findings.ts'
import { PARTS } from '../parts/index.ts'
import { dueTasks, endsBy, inOrder, taskAt, timingOf } from '../windows/plan.ts'
import type { MonitoringReads } from '../store.ts'
import { lookbackOf, told } from '../alerts/tell.ts'
import type { Task, Window } from '../windows/window.ts'
import { memoryAlerts } from './alerts.ts'
import { judgedAgain, type Judging } from './judged.ts'
import { notesOn } from './notes.ts'
import type { BacktestSources } from './sources.ts'
import { pairsOf, type AlertPair } from './pairs.ts'

/** What a rule would have raised over the past, beside what was raised. */
export interface Backtest {
  readonly endpoint: string
  readonly fromMs: number
  /** As far as windows were judged. */
  readonly toMs: number
  readonly windows: number
  readonly alerts: readonly AlertPair[]
  /** What could not be told from what was kept, and what is told otherwise than live. */
  readonly notes: readonly string[]
}

const HOUR_MS = 3_600_000

/** What returns with the week is known after five of them. */
const WARM_UP_MS = 35 * 24 * HOUR_MS

const WINDOWS_MAX = 6000

/**
 * Runs a rule over the past by the code that judges live: each window is judged anew, from hourly profiles and from what
 * was kept of it, and alerts are raised and cleared in the order of event time. Nothing is written.
 */
export async function backtest(sources: BacktestSources): Promise<Backtest> {
  const { endpoint, monitor, running, read, since } = sources
  const { sizeMs } = timingOf(monitor)
  const isCounted = isByCount(monitor, running)
  if (sizeMs % HOUR_MS !== 0 && sizeMs !== timingOf(running).sizeMs)
    throw new Problem(
      'invalid',
      `windows of ${monitor.window.size} cannot be told from hourly profiles; say whole hours, as 6h`,
    )
  const reachedMs = await reachedOf(read, endpoint, timingOf(running).settleMs)
  const sinceMs =
    'fromMs' in since ? since.fromMs : Math.max(0, (reachedMs ?? since.lastMs) - since.lastMs)
  const empty = { endpoint, fromMs: sinceMs, toMs: reachedMs ?? sinceMs, windows: 0, alerts: [] }
  if (reachedMs === undefined || reachedMs <= sinceMs)
    return { ...empty, notes: ['no window was judged in that time yet'] }
  const beganMs = await beginningOf(sources, reachedMs)
  const fromMs = Math.floor(Math.max(beganMs, sinceMs - WARM_UP_MS) / sizeMs) * sizeMs
  if ((reachedMs - fromMs) / sizeMs > WINDOWS_MAX)
    throw new Problem(
      'invalid',
      `that is more than ${WINDOWS_MAX} windows of ${monitor.window.size}, with ${WARM_UP_MS / 86_400_000} days to warm up; ask for a shorter time`,
    )
  const kept = await keptFrom(read, { endpoint, fromMs, sizeMs: isCounted ? null : sizeMs })
  const tasks = (await tasksOf(sources, { kept, fromMs, reachedMs })).filter(
    ({ startMs }) => startMs >= fromMs,
  )
  const raised = await alertsUntil(read, endpoint, reachedMs)
  const firstMs = tasks[0]?.dueMs ?? reachedMs
  const alerts = memoryAlerts(raised.filter((alert) => isOpenAt(alert, firstMs)))
  const windows = await run({ ...sources, kept, fromMs, alerts }, tasks)
  const isShown = ({ clearedMs, raisedMs }: Alert) =>
    clearedMs === null ? raisedMs <= reachedMs : clearedMs > sinceMs
  const judged = windows.filter(({ endMs }) => endMs > sinceMs)
  return {
    endpoint,
    fromMs: Math.max(sinceMs, beganMs),
    toMs: reachedMs,
    windows: judged.length,
    alerts: pairsOf(alerts.all().filter(isShown), raised.filter(isShown)),
    notes: notesOn({ monitor, running, windows: judged, kept: kept.size > 0 }),
  }
}

/** Whether windows are cut by their predictions. Throws `invalid` where they would be cut otherwise than they were. */
function isByCount({ window }: MonitorConfig, { window: before }: MonitorConfig): boolean {
  if (window.count === before.count && window.longest === before.longest)
    return window.count !== undefined
  throw new Problem(
    'invalid',
    'windows by count are cut by predictions, which hourly profiles do not tell apart; try the rule with the windows that run',
  )
}

/** The month of the first prediction: nothing lies before it. */
async function beginningOf(
  { endpoint, predictions }: BacktestSources,
  reachedMs: number,
): Promise<number> {
  const toMs = Math.floor(reachedMs / HOUR_MS) * HOUR_MS
  const months = await predictions.summaries(endpoint, { toMs, per: 'month' })
  return months[0]?.startMs ?? reachedMs
}

/** Event time up to which all windows that are due were judged. */
async function reachedOf(
  read: MonitoringReads,
  endpoint: string,
  settleMs: number,
): Promise<number | undefined> {
  const { closedMs, settledMs } = await read.progress(endpoint)
  if (closedMs === null) return undefined
  return settledMs === null ? closedMs : Math.max(closedMs, settledMs + settleMs)
}

const PAGE = 200

/** Windows of one length that were kept, or of any, by their starts, oldest first. */
async function keptFrom(
  read: MonitoringReads,
  { endpoint, fromMs, sizeMs }: { endpoint: string; fromMs: number; sizeMs: number | null },
): Promise<Map<number, Window>> {
  const found: Window[] = []
  let beforeMs: number | undefined
  for (;;) {
    const page = await read.windows(endpoint, {
      limit: PAGE,
      ...(beforeMs === undefined ? {} : { beforeMs }),
    })
    found.push(...page.filter(({ startMs }) => startMs >= fromMs))
    beforeMs = page.at(-1)?.startMs
    if (page.length < PAGE || beforeMs === undefined || beforeMs < fromMs) break
  }
  const own = found.filter(({ startMs, endMs }) => sizeMs === null || endMs - startMs === sizeMs)
  return new Map(own.toReversed().map((window) => [window.startMs, window]))
}

/** Windows that were kept are due as they were; where none is of this length, those that have predictions are. */
async function tasksOf(
  { endpoint, monitor, predictions }: BacktestSources,
  of: { kept: ReadonlyMap<number, Window>; fromMs: number; reachedMs: number },
): Promise<Task[]> {
  const { kept, fromMs, reachedMs } = of
  const timing = timingOf(monitor)
  const { settleMs } = timing
  const isCounted = monitor.window.count !== undefined
  const ends = isCounted
    ? { closedMs: reachedMs, settledMs: reachedMs - settleMs }
    : endsBy(reachedMs, timing)
  if (kept.size === 0 && !isCounted) {
    const toMs = Math.floor(reachedMs / HOUR_MS) * HOUR_MS
    const hours = await predictions.summaries(endpoint, { fromMs, toMs, per: HOUR_MS })
    const starts = hours.map(({ startMs }) => startMs)
    return dueTasks(starts, { closedMs: null, settledMs: null }, ends, timing)
  }
  const windows = [...kept.values()]
  // Windows by count are as long as they were.
  const timingIn = (startMs: number, endMs: number) => ({ sizeMs: endMs - startMs, settleMs })
  const closed = windows.filter(({ endMs }) => endMs <= ends.closedMs)
  const settled = windows.filter(({ endMs, predictions: n }) => endMs <= ends.settledMs && n > 0)
  const tasks = [
    ...closed.map(({ startMs, endMs }) => taskAt('closed', startMs, timingIn(startMs, endMs))),
    ...settled.map(({ startMs, endMs }) => taskAt('settled', startMs, timingIn(startMs, endMs))),
  ]
  return tasks.toSorted(inOrder)
}

async function run(judging: Judging, tasks: readonly Task[]): Promise<readonly Window[]> {
  const { monitor, kept, alerts } = judging
  const windows: Window[] = []
  const byStart = new Map<number, Window>()
  for (const task of tasks) {
    const { startMs, due } = task
    const known = byStart.get(startMs)
    const window = known ?? (await judgedAgain(judging, task, { windows, byStart }))
    if (window === undefined) continue
    if (known === undefined) {
      windows.push(window)
      byStart.set(startMs, window)
    }
    if (kept.get(startMs)?.unheard?.includes(due) === true) continue
    const before = windows.findLastIndex((each) => each.startMs < startMs) + 1
    const earlier = windows.slice(Math.max(0, before - lookbackOf(monitor)), before)
    await told(alerts, { window, earlier, monitor, task })
  }
  return windows
}

const KINDS = new Set(PARTS.map(({ kind }) => kind))

async function alertsUntil(
  read: MonitoringReads,
  endpoint: string,
  reachedMs: number,
): Promise<Alert[]> {
  const found: Alert[] = []
  let before: string | undefined
  for (;;) {
    const page = await read.alerts({
      endpoint,
      limit: PAGE,
      ...(before === undefined ? {} : { before }),
    })
    found.push(...page)
    before = page.at(-1)?.id
    if (page.length < PAGE || before === undefined) break
  }
  return found.filter(({ kind, raisedMs }) => KINDS.has(kind) && raisedMs <= reachedMs).toReversed()
}

function isOpenAt({ raisedMs, clearedMs }: Alert, atMs: number): boolean {
  return raisedMs < atMs && (clearedMs === null || clearedMs >= atMs)
}
