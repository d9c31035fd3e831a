import {
  attributed,
  numericProfileOf,
  type Attribution,
  type ColumnProfile,
  type MovedRow,
} from '#drift'
import type { Actor, Transact } from '#ledger'
import { answersOf, findSlices, SEARCH, taskOf } from '#performance'
import type { PredictionRow } from '#serving'
import type { Cause, Causes, CauseSpan, Happenings } from './causes.ts'
import { alertExplained } from '../facts.ts'
import type { Alert } from './findings.ts'
import { columnsOf, evenly, lossOf } from '../work/slices.ts'
import { scoreOf } from '../sources.ts'
import type { MonitoringWrites } from '../store.ts'
import type { Sources } from '../windows/view.ts'
import type { Task, Window } from '../windows/window.ts'

export interface Explaining extends Sources {
  readonly actor: Actor
  readonly transact: Transact<{ monitoring: MonitoringWrites }>
  readonly happenings: Happenings
}

/** Alerts of one endpoint that are explained at a time; a storm has one cause. */
const ALERTS_MAX = 50

/**
 * Finds why the open alerts of an endpoint that nobody has explained yet were raised, and keeps it with them. Cut
 * off before it is kept, it is done at the next window.
 */
export async function explainAlerts(explaining: Explaining, task: Task): Promise<void> {
  const { endpoint, read, transact, actor } = explaining
  const open = await read.alerts({ endpoint, open: true, limit: ALERTS_MAX })
  const found = new Map<string, Causes>()
  for (const alert of open.filter(({ causes }) => causes === undefined))
    found.set(alert.id, await causesOf(explaining, alert))
  if (found.size === 0) return
  await transact(async ({ monitoring, ledger }) => {
    const still = await monitoring.alerts({ endpoint, open: true, limit: ALERTS_MAX })
    for (const alert of still) {
      const causes = found.get(alert.id)
      if (causes === undefined || alert.causes !== undefined) continue
      await monitoring.saveAlert({ ...alert, causes })
      await ledger.append(actor, [alertExplained(alert, causes, task)])
    }
  })
}

/** Windows that are looked through for when it began. */
const WINDOWS_MAX = 60

/** Calm windows that the window is compared with. */
const CALM_MAX = 3

/** Rows of either side that are looked at, evenly. */
const ROWS_MAX = 5000

async function causesOf(explaining: Explaining, alert: Alert): Promise<Causes> {
  const { endpoint, read } = explaining
  const raised = await read.findWindow(endpoint, alert.raisedWindowMs)
  const earlier = await read.windows(endpoint, {
    limit: WINDOWS_MAX,
    beforeMs: alert.raisedWindowMs,
  })
  if (raised === undefined) throw new Error(`alert ${alert.id} has no window`)
  const same = earlier.filter((each) => each.modelVersion === raised.modelVersion)
  const calm = calmBefore(same, alert)
  const since = [raised, ...same.slice(0, same.indexOf(calm[0] as Window))].toReversed()
  const rows = { before: await rowsOf(explaining, calm), now: await rowsOf(explaining, since) }
  const start = calm[0]?.startMs ?? raised.startMs - (raised.endMs - raised.startMs)
  const { modelVersion, endMs: toMs } = raised
  const events = await eventsIn(explaining, { fromMs: start, toMs, modelVersion })
  const moved = rows.before.length === 0 ? null : movedIn(rows, { alert, raised })
  return {
    before: calm.length === 0 ? null : spanOf(calm.toReversed()),
    since: spanOf(since),
    change:
      moved?.found.outputChange == null ? null : { of: moved.of, by: moved.found.outputChange },
    ranked: [...(moved?.causes ?? driftedIn(raised)), ...events],
    notes: calm.length === 0 ? ['no calm window of this version lies before the alert'] : [],
  }
}

/** The newest windows before the trouble began, newest first. */
function calmBefore(earlier: readonly Window[], alert: Alert): Window[] {
  const first = earlier.findIndex((window) => !isTroubled(window, alert))
  if (first === -1) return []
  return earlier
    .slice(first)
    .filter((window) => !isTroubled(window, alert))
    .slice(0, CALM_MAX)
}

function isTroubled(window: Window, { kind, subject }: Alert): boolean {
  const { drift, performance, estimate, quality, concept, labels } = window
  if (window.predictions === 0) return true
  if (kind === 'performance')
    return performance?.state !== 'measured' || performance.limits.some(isBreached)
  if (kind === 'estimate') return estimate?.state !== 'estimated' || estimate.outside !== 'no'
  if (kind === 'concept') return concept?.state !== 'watched' || concept.drifted
  if (kind === 'labels') return labels?.state !== 'counted' || labels.stopped
  if (kind === 'drift' && subject !== '')
    return drift.state !== 'judged' || drift.drifted.includes(subject)
  if (kind === 'quality')
    return (
      quality?.state !== 'judged' ||
      quality.issues.some(({ column }) => subject === '' || subject.startsWith(column))
    )
  return drift.state !== 'judged' || drift.alarming || drift.drifted.length > 0
}

function isBreached({ breach }: { breach: string }): boolean {
  return breach === 'yes' || breach === 'certainly'
}

async function rowsOf(
  { rows }: Sources,
  windows: readonly Window[],
): Promise<readonly PredictionRow[]> {
  const found: PredictionRow[] = []
  for (const { startMs: fromMs, endMs: toMs, modelVersion, predictions } of windows) {
    const step = Math.max(1, Math.floor((predictions * windows.length) / ROWS_MAX))
    let seen = 0
    for await (const page of rows({ fromMs, toMs }))
      for (const row of page)
        if (row.modelVersion === modelVersion && seen++ % step === 0) found.push(row)
  }
  return evenly(found, ROWS_MAX)
}

function spanOf(windows: readonly Window[]): CauseSpan {
  return {
    fromMs: (windows[0] as Window).startMs,
    toMs: (windows.at(-1) as Window).endMs,
    predictions: windows.reduce((all, { predictions }) => all + predictions, 0),
  }
}

interface Sides {
  readonly before: readonly PredictionRow[]
  readonly now: readonly PredictionRow[]
}

/** Columns and segments with less than this of a change are not worth a look. */
const SHARE_MIN = 0.05
const COLUMNS_TOLD = 5

/** What these tell of is how wrong the answers are, not what they are. */
const LOSSES: ReadonlySet<Alert['kind']> = new Set(['performance', 'concept'])

function movedIn(sides: Sides, of: { alert: Alert; raised: Window }) {
  const losses = LOSSES.has(of.alert.kind) ? lossesIn(sides) : undefined
  const { before, now } = losses?.rows ?? sides
  const outputs = losses?.each ?? {
    before: before.map(({ outputs: each }) => scoreOf(each) ?? null),
    now: now.map(({ outputs: each }) => scoreOf(each) ?? null),
  }
  const columns = columnsOf(before)
  const found = attributed(
    profilesOf(columns),
    movedRows(before, outputs.before),
    movedRows(now, outputs.now),
  )
  const isLoss = losses !== undefined
  const causes = [
    ...(isLoss ? relationOf(found) : []),
    ...columnCauses(found, of.raised, isLoss),
    ...(isLoss ? worseSegments(of.raised) : moreSegments({ before, now })),
  ]
  return { found, causes: promoted(causes), of: isLoss ? ('loss' as const) : ('answer' as const) }
}

function movedRows(
  rows: readonly PredictionRow[],
  outputs: readonly (number | null)[],
): MovedRow[] {
  return rows.map(({ inputs }, index) => ({
    inputs: inputs as MovedRow['inputs'],
    output: outputs[index] ?? null,
  }))
}

/** What each labelled answer lost, on both sides by the same task. */
function lossesIn({ before, now }: Sides) {
  const labelled = [before, now].map((rows) => rows.filter(({ label }) => label !== null))
  const task = taskOf(labelled.flat(), {})?.task
  if (task === undefined) return undefined
  const [one, other] = labelled.map((rows) => {
    const answers = answersOf(rows, task, {})
    const each = lossOf(answers)?.each
    const kept = Array.from(answers.rows, (row) => rows[row] as PredictionRow)
    return each === undefined || each.length === 0 ? undefined : { kept, each }
  })
  if (one === undefined || other === undefined) return undefined
  return {
    rows: { before: one.kept, now: other.kept },
    each: { before: one.each, now: other.each },
  }
}

function profilesOf(columns: ReturnType<typeof columnsOf>): Record<string, ColumnProfile> {
  return Object.fromEntries(
    Object.entries(columns).flatMap(([name, cells]): [string, ColumnProfile][] => {
      const values = cells.filter((cell) => cell !== null && cell !== undefined)
      const numbers = values.filter((cell) => typeof cell === 'number')
      if (numbers.length === values.length) {
        const timed = numbers.map((value) => ({ value, atMs: null }))
        const profile = numericProfileOf(timed, 1)
        return profile === null ? [] : [[name, profile]]
      }
      const counts = Map.groupBy(values.map(String), (category) => category)
      const categories = [...counts]
        .toSorted(([, one], [, two]) => two.length - one.length)
        .map(([category]) => category)
      const none = { bins: [], sums: [], missing: 0 }
      return [
        [
          name,
          { kind: 'categorical', categories: categories.slice(0, 50), counts: none, spread: null },
        ],
      ]
    }),
  )
}

/** The rest of a change that no column explains: the same is answered, and is no longer true. */
function relationOf({ outputChange, explained }: Attribution): Cause[] {
  if (outputChange === null || outputChange <= 0 || explained === null) return []
  const share = 1 - explained
  if (share < SHARE_MIN) return []
  const detail = `answers to the same inputs are worse: ${percent(share)} of the change is in no column, so what is true of such inputs has changed`
  return [{ kind: 'relation', subject: 'inputs and truth', share, detail }]
}

function columnCauses(found: Attribution, raised: Window, isLoss: boolean): Cause[] {
  const rest = isLoss ? (found.explained ?? 1) : 1
  return found.columns
    .filter(({ share }) => share >= SHARE_MIN)
    .slice(0, COLUMNS_TOLD)
    .map(({ column, share, gained, lost, movesOutput, moved }): Cause => {
      const ways = [
        gained === null ? [] : [`more ${gained}`],
        lost === null ? [] : [`fewer ${lost}`],
      ].flat()
      const effect =
        movesOutput === null
          ? ''
          : `; alone it moves the mean ${isLoss ? 'loss' : 'answer'} by ${short(movesOutput)}`
      const issue = issueOf(raised, column)
      const why = issue === undefined ? '' : `; ${issue}`
      const detail = `${column}: ${ways.join(', ')} (${percent(moved)} of rows lie elsewhere)${effect}${why}`
      return { kind: 'column', subject: column, share: share * rest, detail }
    })
}

function issueOf({ quality }: Window, column: string): string | undefined {
  if (quality?.state !== 'judged') return undefined
  return quality.issues.find((issue) => issue.column === column)?.detail
}

/** Where there are more rows than before: only what takes two conditions, for one is a column. */
function moreSegments({ before, now }: Sides): Cause[] {
  const isNow = [...before.map(() => 0), ...now.map(() => 1)]
  const { slices } = findSlices(columnsOf([...before, ...now]), isNow, { ...SEARCH, limit: 3 })
  return slices
    .filter(({ conditions }) => conditions.length > 1)
    .slice(0, 2)
    .map(({ name, rows, loss }): Cause => {
      const then = before.length === 0 ? 0 : (rows * (1 - loss)) / before.length
      const detail = `rows with ${name} are ${percent((rows * loss) / now.length)} of all, and were ${percent(then)}`
      return { kind: 'segment', subject: name, share: null, detail }
    })
}

function worseSegments({ slices: found }: Window): Cause[] {
  if (found?.state !== 'searched') return []
  return found.slices.slice(0, 2).map(({ name, loss, elsewhere, excess }): Cause => {
    const detail = `where ${name} the ${found.loss} is ${short(loss)}, elsewhere ${short(elsewhere)}`
    return { kind: 'segment', subject: name, share: excess, detail }
  })
}

/** The largest share first; what has none keeps its place after those. */
function promoted(causes: readonly Cause[]): Cause[] {
  return causes.toSorted((one, other) => (other.share ?? -1) - (one.share ?? -1))
}

/** Without calm windows: the drifted columns, as they differ from the training data. */
function driftedIn({ drift }: Window): Cause[] {
  if (drift.state !== 'judged') return []
  const found = drift.features.flatMap((each) =>
    each.state === 'drifted'
      ? [{ subject: each.feature, excess: (each.effect ?? 1) / Math.max(each.threshold, 1e-9) }]
      : [],
  )
  const all = found.reduce((sum, { excess }) => sum + excess, 0)
  return found
    .toSorted((one, other) => other.excess - one.excess)
    .slice(0, COLUMNS_TOLD)
    .map(({ subject, excess }): Cause => ({
      kind: 'column',
      subject,
      share: excess / all,
      detail: `${subject} is ${short(excess)} times as far from the training data as it may be`,
    }))
}

const EVENTS_TOLD = 8

async function eventsIn(
  { endpoint, happenings }: Explaining,
  span: Parameters<Happenings>[1],
): Promise<Cause[]> {
  return (await happenings(endpoint, span))
    .slice(0, EVENTS_TOLD)
    .map(({ position, type, detail, atMs }): Cause => ({
      kind: 'event',
      subject: type,
      share: null,
      detail: `${new Date(atMs).toISOString()}: ${detail}`,
      position,
    }))
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}
