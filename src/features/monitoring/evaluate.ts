import { durationMs, type MonitorConfig } from '#projects'
import type { Actor, Fact, LedgerWrites, Transact } from '#ledger'
import type { PredictionQueries, PredictionRow } from '#serving'
import {
  alertCleared,
  alertRaised,
  driftDetected,
  performanceFell,
  windowEvaluated,
} from './facts.ts'
import {
  driftCondition,
  performanceCondition,
  type Alert,
  type AlertKind,
  type Condition,
} from './findings.ts'
import { driftIn, mainVersion, performanceIn } from './judge.ts'
import type { KnownReference } from './reference.ts'
import type { MonitoringReads, MonitoringWrites } from './store.ts'
import { dueTasks, windowRef, type Task, type Window } from './window.ts'

/** Everything that one endpoint's evaluation needs. */
export interface Evaluation {
  readonly endpoint: string
  readonly monitor: MonitorConfig
  /** Windows up to these ends are evaluated. */
  readonly ends: { readonly driftMs: number; readonly performanceMs: number }
  readonly signal: AbortSignal
  readonly actor: Actor
  readonly read: MonitoringReads
  readonly transact: Transact<{ monitoring: MonitoringWrites }>
  readonly predictions: PredictionQueries
  reference(version: { model: string; version: number }): Promise<KnownReference>
  /** The live rows of a span, in pages. */
  rows(span: { fromMs: number; toMs: number }): AsyncIterable<readonly PredictionRow[]>
  /** The version that answers now. */
  liveVersion(): Promise<string | undefined>
}

/** More rows than this of one window are not looked at. */
const ROWS_MAX = 200_000

/**
 * Evaluates the windows of an endpoint that are due, each in a transaction with its findings and the place
 * reached: cut off anywhere, it goes on with the next window.
 */
export async function evaluate(evaluation: Evaluation): Promise<void> {
  const { endpoint, monitor, ends, read, transact, predictions, signal } = evaluation
  const progress = await read.progress(endpoint)
  const fromMs = Math.min(progress.driftMs ?? -Infinity, progress.performanceMs ?? -Infinity)
  const summaries = await predictions.summaries(endpoint, {
    ...(Number.isFinite(fromMs) ? { fromMs } : {}),
    toMs: ends.driftMs,
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
  const rows = await rowsOf(evaluation, task)
  const version = mainVersion(rows)
  // An hour can have predictions of which none lies in this window.
  if (version === undefined) return
  const known = await read.findWindow(endpoint, task.startMs)
  const window = await judged(evaluation, { task, rows, version, known })
  const isLive = (await evaluation.liveVersion()) === window.modelVersion
  await transact(async ({ monitoring, ledger }) => {
    const done = await monitoring.progress(endpoint)
    const reached = task.part === 'drift' ? done.driftMs : done.performanceMs
    if (reached !== null && reached >= task.endMs) return
    await monitoring.saveWindow(window)
    await ledger.append(evaluation.actor, [windowEvaluated(window, task)])
    // What is found of a version that no longer answers asks nobody to do anything.
    if (isLive) await tellFindings(evaluation, { monitoring, ledger }, window, task)
    const end = task.endMs
    await advance(
      monitoring,
      endpoint,
      task.part === 'drift' ? { driftMs: end } : { performanceMs: end },
    )
  })
}

async function judged(
  { endpoint, monitor, reference }: Evaluation,
  found: {
    task: Task
    rows: readonly PredictionRow[]
    version: string
    known: Window | undefined
  },
): Promise<Window> {
  const { task, rows, version, known } = found
  const { startMs, endMs } = task
  const modelVersion = known?.modelVersion ?? version
  const drift = known?.drift ?? driftIn(rows, await reference(versionIn(modelVersion)), monitor)
  return {
    endpoint,
    startMs,
    endMs,
    modelVersion,
    predictions: rows.length,
    drift,
    performance: task.part === 'performance' ? performanceIn(rows, monitor) : null,
  }
}

async function rowsOf({ rows }: Evaluation, { startMs, endMs }: Task): Promise<PredictionRow[]> {
  const found: PredictionRow[] = []
  for await (const page of rows({ fromMs: startMs, toMs: endMs })) {
    found.push(...page)
    if (found.length >= ROWS_MAX) break
  }
  return found
}

/** Tells what lasts, and raises or clears the alert that it makes. */
async function tellFindings(
  { endpoint, monitor, actor }: Evaluation,
  tx: { monitoring: MonitoringWrites; ledger: LedgerWrites },
  window: Window,
  task: Task,
): Promise<void> {
  const { drift, performance } = monitor
  const longest = Math.max(drift.persistence.of, performance?.persistence.of ?? 0)
  const earlier = await tx.monitoring.windows(endpoint, {
    limit: EARLIER_PER_WINDOW * longest,
    beforeMs: task.startMs,
  })
  const before = earlier.toReversed()
  const facts: Fact[] = []
  if (task.part === 'drift') {
    const condition = driftCondition(window, before, drift.persistence)
    if (condition.state === 'holds') facts.push(driftDetected(window, condition.detail, task))
    facts.push(...(await transition(tx.monitoring, { kind: 'drift', window, task, condition })))
  } else if (performance !== undefined) {
    const condition = performanceCondition(window, before, performance)
    if (condition.state === 'holds')
      facts.push(performanceFell(window, { min: performance.min, detail: condition.detail }, task))
    facts.push(
      ...(await transition(tx.monitoring, { kind: 'performance', window, task, condition })),
    )
  }
  if (facts.length > 0) await tx.ledger.append(actor, facts)
}

/** Windows that could not be judged lie between those that could. */
const EARLIER_PER_WINDOW = 4

async function transition(
  monitoring: MonitoringWrites,
  at: { kind: AlertKind; window: Window; task: Task; condition: Condition },
): Promise<Fact[]> {
  const { kind, window, task, condition } = at
  const open = await monitoring.openAlert(window.endpoint, kind)
  if (condition.state === 'holds' && open === undefined) {
    const alert: Alert = {
      id: `${kind}/${windowRef(window).id}`,
      endpoint: window.endpoint,
      kind,
      detail: condition.detail,
      raisedWindowMs: window.startMs,
      raisedMs: task.dueMs,
      clearedWindowMs: null,
      clearedMs: null,
    }
    await monitoring.saveAlert(alert)
    return [alertRaised(alert)]
  }
  if (condition.state !== 'over' || open === undefined) return []
  await monitoring.saveAlert({
    ...open,
    clearedWindowMs: window.startMs,
    clearedMs: task.dueMs,
  })
  return [alertCleared(open, { kind, window, dueMs: task.dueMs })]
}

/** Moves the place reached forward, never back. */
async function advance(
  monitoring: MonitoringWrites,
  endpoint: string,
  to: { driftMs?: number; performanceMs?: number },
): Promise<void> {
  const { driftMs, performanceMs } = await monitoring.progress(endpoint)
  await monitoring.saveProgress(endpoint, {
    driftMs: later(driftMs, to.driftMs),
    performanceMs: later(performanceMs, to.performanceMs),
  })
}

function later(one: number | null, other: number | undefined): number | null {
  if (one === null || other === undefined) return other ?? one
  return Math.max(one, other)
}

/** `flights-late/3` in its parts. */
function versionIn(name: string): { model: string; version: number } {
  const slash = name.lastIndexOf('/')
  return { model: name.slice(0, slash), version: Number(name.slice(slash + 1)) }
}
