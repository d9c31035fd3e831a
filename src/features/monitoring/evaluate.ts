import { durationMs } from '#projects'
import type { Actor, Fact, LedgerWrites, Transact } from '#ledger'
import type { PredictionQueries, PredictionRow } from '#serving'
import { transitions } from './alerts.ts'
import { windowEvaluated } from './facts.ts'
import { PARTS } from './parts/index.ts'
import type { Part } from './part.ts'
import type { MonitoringWrites } from './store.ts'
import { mainVersion, once, rowsOf, viewOf, type Sources } from './view.ts'
import { dueTasks, type Progress, type Task, type Verdicts, type Window } from './window.ts'

/** Everything that one endpoint's evaluation needs. */
export interface Evaluation extends Sources {
  /** Windows up to these ends are evaluated. */
  readonly ends: { readonly closedMs: number; readonly settledMs: number }
  readonly signal: AbortSignal
  readonly actor: Actor
  readonly transact: Transact<{ monitoring: MonitoringWrites }>
  readonly predictions: PredictionQueries
  /** Whether a version is one that answers now. */
  isLive(modelVersion: string): Promise<boolean>
}

/**
 * Evaluates the windows of an endpoint that are due, each in a transaction with its findings and the place
 * reached: cut off anywhere, it goes on with the next window.
 */
export async function evaluate(evaluation: Evaluation): Promise<void> {
  const { endpoint, monitor, ends, read, transact, predictions, signal } = evaluation
  const progress = await read.progress(endpoint)
  const fromMs = Math.min(progress.closedMs ?? -Infinity, progress.settledMs ?? -Infinity)
  const summaries = await predictions.summaries(endpoint, {
    ...(Number.isFinite(fromMs) ? { fromMs } : {}),
    toMs: ends.closedMs,
    per: HOUR_MS,
  })
  const hours = summaries.map(({ startMs }) => startMs)
  const timing = {
    sizeMs: durationMs(monitor.window.size),
    settleMs: durationMs(monitor.settle),
  }
  for (const task of dueTasks(hours, progress, ends, timing)) {
    signal.throwIfAborted()
    await evaluateOne(evaluation, task)
  }
  await transact(({ monitoring }) => advance(monitoring, endpoint, ends))
}

const HOUR_MS = 3_600_000

async function evaluateOne(evaluation: Evaluation, task: Task): Promise<void> {
  const { endpoint, read, transact } = evaluation
  const rows = once(() => rowsOf(evaluation, task))
  const known = await read.findWindow(endpoint, task.startMs)
  const version = known?.modelVersion ?? mainVersion(await rows())
  // An hour can have predictions of which none lies in this window.
  if (version === undefined) return
  const window = await judged(evaluation, { task, rows, version, known })
  const isLive = await evaluation.isLive(window.modelVersion)
  await transact(async ({ monitoring, ledger }) => {
    const done = await monitoring.progress(endpoint)
    const reached = task.due === 'closed' ? done.closedMs : done.settledMs
    if (reached !== null && reached >= task.endMs) return
    await monitoring.saveWindow(window)
    await ledger.append(evaluation.actor, [windowEvaluated(window, PARTS, task)])
    // What is found of a version that no longer answers asks nobody to do anything.
    if (isLive) await tellFindings(evaluation, { monitoring, ledger }, window, task)
    const end = task.endMs
    await advance(
      monitoring,
      endpoint,
      task.due === 'closed' ? { closedMs: end } : { settledMs: end },
    )
  })
}

/** The window with the verdicts that are due, and those that it had. */
async function judged(
  evaluation: Evaluation,
  of: {
    task: Task
    rows: () => Promise<readonly PredictionRow[]>
    version: string
    known: Window | undefined
  },
): Promise<Window> {
  const { task, rows, version: modelVersion, known } = of
  const { startMs, endMs } = task
  const found: Partial<Verdicts> = { ...known }
  const view = viewOf(evaluation, { task, modelVersion, rows, found })
  const due = PARTS.filter((part) => isDue(part, { task, known }))
  for (const part of due) Object.assign(found, await part.judge(view))
  return {
    drift: { state: 'skipped', reason: 'it was not looked at' },
    performance: null,
    ...found,
    endpoint: evaluation.endpoint,
    startMs,
    endMs,
    modelVersion,
    predictions: (await rows()).length,
  }
}

/** What is found at a window's end is found later where it was not found then. */
function isDue(part: Part, { task, known }: { task: Task; known: Window | undefined }): boolean {
  return part.due === task.due || (part.due === 'closed' && known === undefined)
}

/** Tells what holds, and raises and clears the alerts that it makes. */
async function tellFindings(
  { endpoint, monitor, actor }: Evaluation,
  tx: { monitoring: MonitoringWrites; ledger: LedgerWrites },
  window: Window,
  task: Task,
): Promise<void> {
  const longest = Math.max(...PARTS.map((part) => part.lookback(monitor)))
  const earlier = await tx.monitoring.windows(endpoint, {
    limit: EARLIER_PER_WINDOW * longest,
    beforeMs: task.startMs,
  })
  const before = earlier.toReversed()
  const facts: Fact[] = []
  for (const part of PARTS.filter(({ due }) => due === task.due)) {
    const conditions = part.conditions(window, before, monitor)
    if (conditions === 'unjudged') continue
    for (const condition of conditions)
      if (condition.state === 'holds' && part.finding !== undefined)
        facts.push(part.finding(window, condition, { monitor, task }))
    facts.push(...(await transitions(tx.monitoring, part, conditions, { window, task })))
  }
  if (facts.length > 0) await tx.ledger.append(actor, facts)
}

/** Windows that could not be judged lie between those that could. */
const EARLIER_PER_WINDOW = 4

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
