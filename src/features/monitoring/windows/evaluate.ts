import { messageOf, Problem } from '#base/problem'
import { durationMs, type MonitorConfig } from '#projects'
import type { LedgerWrites } from '#ledger'
import type { PeriodSummary, PredictionQueries } from '#serving'
import { countedTasks, countingOf } from './counting.ts'
import { explainAlerts, type Explaining } from '../alerts/explain.ts'
import { windowEvaluated } from '../facts.ts'
import { PARTS } from '../parts/index.ts'
import type { Part } from '../parts/part.ts'
import { plainFact } from '../plain.ts'
import { countedBy, dueTasks, reopenedTasks, timingOf, type Timing } from './plan.ts'
import type { MonitoringReads, MonitoringWrites } from '../store.ts'
import { lookbackOf, told } from '../alerts/tell.ts'
import { heldIn, profiledIn, sizeOf, viewOf, type Held } from './view.ts'
import type { Counted, Due, Progress, Task, Verdicts, Window } from './window.ts'

/** Everything that one endpoint's evaluation needs. */
export interface Evaluation extends Explaining {
  /** Windows up to these ends are evaluated. */
  readonly ends: { readonly closedMs: number; readonly settledMs: number }
  readonly signal: AbortSignal
  /** Whether it was tried so often that a part which fails again is told of as failed, and the others go on. */
  readonly isTriedOften: boolean
  readonly predictions: PredictionQueries
  /** Whether a version is one that answers now. */
  isLive(modelVersion: string): Promise<boolean>
}

/**
 * Evaluates the windows of an endpoint that are due, each in a transaction with its findings and the place
 * reached: cut off anywhere, it goes on with the next window. Then those again of which more has come since.
 */
export async function evaluate(evaluation: Evaluation): Promise<void> {
  const { endpoint, read, transact, signal } = evaluation
  const { tasks, counted, ends } = await planOf(evaluation, await read.progress(endpoint))
  for (const task of tasks) {
    signal.throwIfAborted()
    await evaluateOne(evaluation, task, counted.get(task.startMs) ?? NOTHING)
  }
  await transact(({ monitoring }) => advance(monitoring, endpoint, ends))
}

/** What is due, how much there is of each window, and how far all is evaluated after it. */
async function planOf(
  evaluation: Evaluation,
  progress: Progress,
): Promise<{ tasks: Task[]; counted: ReadonlyMap<number, Counted>; ends: Partial<Progress> }> {
  const { endpoint, monitor, ends } = evaluation
  const timing = timingOf(monitor)
  const counting = countingOf(monitor)
  if (counting !== undefined)
    return countedTasks(evaluation, {
      endpoint,
      counting,
      progress,
      reachedMs: ends.closedMs,
      settleMs: timing.settleMs,
    })
  const hours = await hoursOf(evaluation, progress, ends.closedMs)
  const reopened = await reopenedOf(evaluation, { hours, progress, timing })
  const starts = hours.map(({ startMs }) => startMs)
  return {
    tasks: [...dueTasks(starts, progress, ends, timing), ...reopened],
    counted: countedBy(hours, timing.sizeMs),
    ends,
  }
}

/** Whether more has come of windows that were evaluated. */
export async function hasLateness(
  evaluation: Pick<Evaluation, 'endpoint' | 'monitor' | 'read' | 'predictions'>,
): Promise<boolean> {
  const progress = await evaluation.read.progress(evaluation.endpoint)
  // Windows by count take no more once their truths are judged.
  if (progress.closedMs === null || countingOf(evaluation.monitor) !== undefined) return false
  const { soFar } = evaluation.predictions
  const hours = await hoursOf({ ...evaluation, predictions: soFar }, progress, progress.closedMs)
  const timing = timingOf(evaluation.monitor)
  return (await reopenedOf(evaluation, { hours, progress, timing })).length > 0
}

/** What comes later than this after its window is kept in the log, and changes no window. */
const LATE = '90d'

const HOUR_MS = 3_600_000
const NOTHING: Counted = { predictions: 0, labels: 0, replaced: 0 }

/** The hours that have predictions, from what is not evaluated yet or may still be evaluated anew. */
async function hoursOf(
  {
    endpoint,
    monitor,
    predictions,
  }: Pick<Evaluation, 'endpoint' | 'monitor'> & {
    predictions: Pick<PredictionQueries, 'summaries'>
  },
  { closedMs, settledMs }: Progress,
  toMs: number,
): Promise<PeriodSummary[]> {
  const fromMs = lateFromMs(monitor, closedMs)
  const earliest = Math.min(fromMs, closedMs ?? -Infinity, settledMs ?? -Infinity)
  return predictions.summaries(endpoint, {
    ...(Number.isFinite(earliest) ? { fromMs: earliest } : {}),
    toMs,
    per: HOUR_MS,
  })
}

function lateFromMs(monitor: MonitorConfig, closedMs: number | null): number {
  const { sizeMs } = timingOf(monitor)
  const fromMs = (closedMs ?? -Infinity) - durationMs(monitor.window.late ?? LATE)
  return Math.floor(fromMs / sizeMs) * sizeMs
}

async function reopenedOf(
  { endpoint, monitor, read }: Pick<Evaluation, 'endpoint' | 'monitor' | 'read'>,
  of: { hours: readonly PeriodSummary[]; progress: Progress; timing: Timing },
): Promise<Task[]> {
  const { hours, progress, timing } = of
  if (progress.closedMs === null) return []
  const fromMs = lateFromMs(monitor, progress.closedMs)
  const windows = await read.knownWindows(endpoint, { fromMs, toMs: progress.closedMs })
  const known = new Map(windows.map((window) => [window.startMs, window]))
  const late = hours.filter(({ startMs }) => startMs >= fromMs)
  return reopenedTasks(late, known, progress, timing)
}

async function evaluateOne(evaluation: Evaluation, task: Task, counted: Counted): Promise<void> {
  const { endpoint, read, transact } = evaluation
  const held = heldIn(evaluation, task, counted)
  const known = await read.findWindow(endpoint, task.startMs)
  const before = (await read.windows(endpoint, { limit: 1, beforeMs: task.startMs }))[0]
  const version =
    known !== undefined && known.predictions > 0
      ? known.modelVersion
      : ((await sizeOf(held)).version ?? before?.modelVersion)
  if (version === undefined) return
  const window = await judged(evaluation, {
    task,
    held,
    version,
    known,
    counted,
    isPartial: isPartial(evaluation, counted, before === undefined),
  }).finally(held.close)
  const isLive = await evaluation.isLive(window.modelVersion)
  await transact(async ({ monitoring, ledger }) => {
    if (await isDone(monitoring, task, { known, endpoint })) return
    const isHeard = isLive && (await isLast(monitoring, endpoint, task))
    await monitoring.saveWindow({ ...window, ...unheardIn({ task, known, isHeard }) })
    if (task.reopened === true && saysTheSame(known, window)) return
    await ledger.append(evaluation.actor, [plainFact(windowEvaluated(window, PARTS, task))])
    // What is found of a version that no longer answers, or of the past, asks nobody to do anything.
    if (isHeard) await tellFindings(evaluation, { monitoring, ledger }, window, task)
    if (task.reopened === true) return
    const { endMs } = task
    await advance(
      monitoring,
      endpoint,
      task.due === 'closed' ? { closedMs: endMs } : { settledMs: endMs },
    )
  })
  await explainAlerts(evaluation, task)
}

/** Somebody else was here since: another server, or this one before it was cut off. */
async function isDone(
  monitoring: MonitoringReads,
  task: Task,
  { known, endpoint }: { known: Window | undefined; endpoint: string },
): Promise<boolean> {
  if (task.reopened === true) {
    const now = await monitoring.findWindow(endpoint, task.startMs)
    return JSON.stringify(now?.counted) !== JSON.stringify(known?.counted)
  }
  const done = await monitoring.progress(endpoint)
  const reached = task.due === 'closed' ? done.closedMs : done.settledMs
  return reached !== null && reached >= task.endMs
}

/** Only the newest window raises and clears alerts. */
async function isLast(monitoring: MonitoringReads, endpoint: string, task: Task): Promise<boolean> {
  if (task.reopened !== true) return true
  const { closedMs, settledMs } = await monitoring.progress(endpoint)
  return task.endMs === (task.due === 'closed' ? closedMs : settledMs)
}

function saysTheSame(known: Window | undefined, window: Window): boolean {
  if (known === undefined) return false
  return (
    JSON.stringify({ ...known, counted: null }) === JSON.stringify({ ...window, counted: null })
  )
}

/** What is kept of a window that was told to nobody when it was judged first: a rule that is tried on it tells nobody either. */
function unheardIn(of: {
  task: Task
  known: Window | undefined
  isHeard: boolean
}): Pick<Window, 'unheard'> {
  const { task, known, isHeard } = of
  if (isHeard || (task.reopened === true && known !== undefined)) return {}
  // What should have been judged before, and was not, missed both of its turns.
  const missed: Due[] = task.reopened === true && task.due === 'settled' ? ['closed'] : []
  return { unheard: [...(known?.unheard ?? []), ...missed, task.due] }
}

/** The window with the verdicts that are due, and those that it had. */
async function judged(
  evaluation: Evaluation,
  of: {
    task: Task
    held: Held
    version: string
    known: Window | undefined
    counted: Counted
    isPartial: boolean
  },
): Promise<Window> {
  const { task, held, version: modelVersion, known, counted, isPartial: isPart } = of
  const { startMs, endMs } = task
  const found: Partial<Verdicts> = { ...known }
  const view = viewOf(evaluation, { task, modelVersion, held, found })
  const isNew = known === undefined || known.counted?.predictions !== counted.predictions
  const failed = new Map(Object.entries(known?.failed ?? {}))
  const { profiled, reason } = await profiledIn(held)
  for (const part of PARTS.filter((each) => isDue(each, { task, isNew }))) {
    const fault = await faultOf(evaluation, async () => {
      const without = reason && part.withoutRows?.(reason, evaluation.monitor)
      Object.assign(found, without || (await part.judge(view)))
    })
    if (fault === undefined) failed.delete(part.kind)
    else failed.set(part.kind, fault)
  }
  const { failed: _, ...verdicts } = found as Partial<Window>
  return {
    drift: { state: 'skipped', reason: 'it was not looked at' },
    performance: null,
    ...verdicts,
    ...(failed.size === 0 ? {} : { failed: Object.fromEntries(failed) }),
    endpoint: evaluation.endpoint,
    startMs,
    endMs,
    modelVersion,
    predictions: (await sizeOf(held)).predictions,
    counted,
    ...(isPart ? { partial: true } : {}),
    ...(profiled === 0 ? {} : { profiled }),
  }
}

/**
 * What kept a part from a verdict; undefined when it has one. What may be over in a while is thrown, and tried again
 * with the whole window; but a part that keeps failing must not keep the others, and all later windows, from theirs.
 */
async function faultOf(
  { isTriedOften, signal }: Pick<Evaluation, 'isTriedOften' | 'signal'>,
  judge: () => Promise<void>,
): Promise<string | undefined> {
  try {
    await judge()
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    const isFinal = error instanceof Problem && LASTING.has(error.code)
    if (!isTriedOften && !isFinal) throw error
    return messageOf(error)
  }
}

/** What is wrong today is wrong tomorrow. */
const LASTING: ReadonlySet<string> = new Set(['invalid', 'conflict'])

/** Before its first window nobody asked the endpoint: it began somewhere in there. One by count began with it. */
function isPartial(
  { monitor }: Pick<Evaluation, 'monitor'>,
  { predictions }: Counted,
  isFirst: boolean,
): boolean {
  const { count } = countingOf(monitor) ?? {}
  return count === undefined ? isFirst : predictions < count
}

/** What is found at a window's end is found later where it was not found then, or where more rows have come. */
function isDue(part: Part, { task, isNew }: { task: Task; isNew: boolean }): boolean {
  return part.due === task.due || (part.due === 'closed' && isNew)
}

/** Tells what holds, and raises and clears the alerts that it makes. */
async function tellFindings(
  { endpoint, monitor, actor }: Evaluation,
  tx: { monitoring: MonitoringWrites; ledger: LedgerWrites },
  window: Window,
  task: Task,
): Promise<void> {
  const earlier = await tx.monitoring.windows(endpoint, {
    limit: lookbackOf(monitor),
    beforeMs: task.startMs,
  })
  const facts = await told(tx.monitoring, {
    window,
    earlier: earlier.toReversed(),
    monitor,
    task,
  })
  if (facts.length > 0) await tx.ledger.append(actor, facts.map(plainFact))
}

/** Moves the place reached forward, never back. */
async function advance(
  monitoring: MonitoringWrites,
  endpoint: string,
  to: Partial<Progress>,
): Promise<void> {
  const { closedMs, settledMs } = await monitoring.progress(endpoint)
  await monitoring.saveProgress(endpoint, {
    closedMs: later(closedMs, to.closedMs),
    settledMs: later(settledMs, to.settledMs),
  })
}

function later(one: number | null, other: number | null | undefined): number | null {
  if (one === null || other === null || other === undefined) return other ?? one
  return Math.max(one, other)
}
