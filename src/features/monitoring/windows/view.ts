import type { MonitorConfig } from '#projects'
import type { HourProfile, PredictionQueries, PredictionRow } from '#serving'
import type { Roles } from '#performance'
import type { Usage } from '#usage'
import type { LiveContracts } from '../contract/contract.ts'
import type { View } from '../parts/part.ts'
import { answersIn } from '../service/answers.ts'
import type { KnownEstimator } from '../parts/estimate-verdict.ts'
import type { KnownReference } from '../references/reference.ts'
import type { AskRows } from '../sources.ts'
import { mainVersionIn } from '../spans/history.ts'
import { lookAtHours, rowsIn, type Look } from '../spans/look.ts'

import type { MonitoringReads, Reference } from '../store.ts'
import type { KnownStructure } from '../references/structures.ts'
import type { Counted, Task, Verdicts } from './window.ts'
import { workshopHere, type Workbench, type Workshop } from '../work/workshop.ts'

/** Of windows with more rows than this so many are looked at one by one, evenly over the window. */
const ROWS_MAX = 200_000

/** Where views get what they show. */
export interface Sources {
  readonly endpoint: string
  readonly monitor: MonitorConfig
  readonly read: MonitoringReads
  /** What a version's predictions in a span are compared with. */
  reference(
    version: { model: string; version: number },
    span: { fromMs: number; toMs: number },
  ): Promise<KnownReference>
  estimator(modelVersion: string, roles: Roles): Promise<KnownEstimator>
  structure(
    version: { model: string; version: number },
    span: { fromMs: number; toMs: number },
  ): Promise<KnownStructure>
  readonly askRows: AskRows
  readonly contracts?: LiveContracts
  readonly usage?: Usage['hours']
  /** Without it all is done in the caller's thread. */
  readonly workshop?: Workshop
  /** The live rows of a span, in pages. */
  rows(span: { fromMs: number; toMs: number }): AsyncIterable<readonly PredictionRow[]>
  readonly predictions: Pick<PredictionQueries, 'profiles'>
}

/** A window's rows, and the profiles of its hours; each when it is asked for, and once. */
export interface Held {
  rows(): Promise<readonly PredictionRow[]>
  /** Undefined where the window is no whole hours, or nobody profiled them. */
  hours(): Promise<readonly HourProfile[] | undefined>
  /** The rows where long works are done. */
  bench(): Promise<Workbench>
  /** Lets go of what is held elsewhere. */
  close(): Promise<void>
}

export function heldIn(sources: Sources, task: Task, { predictions }: Counted): Held {
  const rows = once(() => rowsOf(sources, task, predictions))
  let taken: Promise<Workbench> | undefined
  return {
    rows,
    hours: once(() => hoursOf(sources, task)),
    bench: () => (taken ??= rows().then((all) => (sources.workshop ?? workshopHere).take(all))),
    close: async () => {
      // Whoever waited for it has heard of what went wrong.
      const bench = await taken?.catch(() => undefined)
      bench?.close()
    },
  }
}

/** How many predictions a window has, and the version that answered most of them. */
export async function sizeOf(
  held: Held,
): Promise<{ predictions: number; version: string | undefined }> {
  const hours = await held.hours()
  if (hours !== undefined) return { predictions: rowsIn(hours), version: mainVersionIn(hours) }
  const rows = await held.rows()
  return { predictions: rows.length, version: mainVersion(rows) }
}

/** How many of the predictions are known by profiles alone, and why a window that has no others is not judged by rows. */
export async function profiledIn(held: Held): Promise<{ profiled: number; reason?: string }> {
  const hours = (await held.hours()) ?? []
  const profiled = rowsIn(hours.filter(({ told }) => told === true))
  if (profiled === 0 || profiled < rowsIn(hours)) return { profiled }
  const reason = `its ${profiled} predictions are known by profiles alone; tell of the predictions themselves to have them looked at one by one`
  return { profiled, reason }
}

export function viewOf(
  {
    endpoint,
    monitor,
    read,
    reference,
    estimator,
    structure,
    askRows,
    contracts = NO_CONTRACTS,
    usage,
  }: Sources,
  of: {
    task: Task
    modelVersion: string
    held: Held
    found: Partial<Verdicts>
  },
): View {
  const { task, modelVersion, held, found } = of
  const { startMs: fromMs, endMs: toMs } = task
  const looks = new Map<Reference, Promise<Look>>()
  const look = (known: Reference) => {
    const made = looks.get(known) ?? lookAt(held, known)
    looks.set(known, made)
    return made
  }
  return {
    endpoint,
    monitor,
    span: { fromMs, toMs },
    modelVersion,
    found,
    rows: held.rows,
    work: async (name, input) => (await held.bench()).do(name, input),
    look,
    answers: once(() => answersIn(held)),
    usage: once(async () => (isWholeHours(task) ? usage?.(endpoint, { fromMs, toMs }) : undefined)),
    ask: async (questions) => askRows(await held.rows(), questions),
    reference: once(() => reference(versionIn(modelVersion), { fromMs, toMs })),
    estimator: (roles) => estimator(modelVersion, roles),
    structure: once(() => structure(versionIn(modelVersion), { fromMs, toMs })),
    contract: () => contracts.find({ endpoint, modelVersion, named: monitor.contract }),
    checks: contracts.check,
    earlier: async (limit) =>
      (await read.windows(endpoint, { limit, beforeMs: fromMs })).toReversed(),
    at: (startMs) => read.findWindow(endpoint, startMs),
  }
}

const NO_CONTRACTS: LiveContracts = { find: async () => ({ state: 'none' }), check: async () => [] }

async function lookAt(held: Held, reference: Reference): Promise<Look> {
  const hours = await held.hours()
  return hours === undefined
    ? (await held.bench()).do('look', reference)
    : lookAtHours(hours, reference)
}

const HOUR_MS = 3_600_000

async function hoursOf(
  { endpoint, predictions }: Sources,
  { startMs: fromMs, endMs: toMs }: Task,
): Promise<HourProfile[] | undefined> {
  if (!isWholeHours({ startMs: fromMs, endMs: toMs })) return undefined
  const hours = await Array.fromAsync(predictions.profiles(endpoint, { fromMs, toMs }))
  return hours.length === 0 ? undefined : hours
}

function isWholeHours({ startMs, endMs }: Pick<Task, 'startMs' | 'endMs'>): boolean {
  return startMs % HOUR_MS === 0 && endMs % HOUR_MS === 0
}

async function rowsOf(
  { rows }: Sources,
  { startMs, endMs }: Task,
  predictions: number,
): Promise<PredictionRow[]> {
  const step = Math.max(1, predictions / ROWS_MAX)
  const found: PredictionRow[] = []
  let seen = 0
  for await (const page of rows({ fromMs: startMs, toMs: endMs }))
    for (const row of page) if (seen++ >= found.length * step) found.push(row)
  return found
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

/** The version that answered most rows, the later one of two that answered equally many. */
function mainVersion(rows: readonly PredictionRow[]): string | undefined {
  const counts = new Map<string, number>()
  for (const { modelVersion } of rows) counts.set(modelVersion, (counts.get(modelVersion) ?? 0) + 1)
  return [...counts].reduce<[string, number] | undefined>(
    (most, each) => (most === undefined || each[1] >= most[1] ? each : most),
    undefined,
  )?.[0]
}

/** `flights-late/3` in its parts; a version that is not registered here has a name alone. */
export function versionIn(name: string): { model: string; version: number } {
  const [, model, version] = /^(.+)\/([1-9]\d*)$/s.exec(name) ?? []
  return model === undefined ? { model: name, version: 0 } : { model, version: Number(version) }
}
