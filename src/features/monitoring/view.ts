import type { MonitorConfig } from '#projects'
import type { Logged } from '#inference'
import type { PredictionRow } from '#serving'
import { countsOf, type Counts, type Profile, type Value } from '#drift'
import type { View } from './part.ts'
import type { KnownReference } from './reference.ts'
import type { MonitoringReads } from './store.ts'
import type { Task, Verdicts } from './window.ts'

/** More rows than this of one window are not looked at. */
const ROWS_MAX = 200_000

/** Where views get what they show. */
export interface Sources {
  readonly endpoint: string
  readonly monitor: MonitorConfig
  readonly read: MonitoringReads
  reference(version: { model: string; version: number }): Promise<KnownReference>
  /** The live rows of a span, in pages. */
  rows(span: { fromMs: number; toMs: number }): AsyncIterable<readonly PredictionRow[]>
}

export function viewOf(
  { endpoint, monitor, read, reference }: Sources,
  of: {
    task: Task
    modelVersion: string
    rows: () => Promise<readonly PredictionRow[]>
    found: Partial<Verdicts>
  },
): View {
  const { task, modelVersion, rows, found } = of
  const { startMs: fromMs, endMs: toMs } = task
  const counted = new Map<Profile, Promise<ReadonlyMap<string, Counts>>>()
  const counts = async ({ profile }: { profile: Profile }) => {
    const made = counted.get(profile) ?? rows().then((all) => inputCounts(profile, all))
    counted.set(profile, made)
    return made
  }
  return {
    endpoint,
    monitor,
    span: { fromMs, toMs },
    modelVersion,
    found,
    rows,
    counts,
    reference: once(() => reference(versionIn(modelVersion))),
    earlier: async (limit) =>
      (await read.windows(endpoint, { limit, beforeMs: fromMs })).toReversed(),
    at: (startMs) => read.findWindow(endpoint, startMs),
  }
}

export async function rowsOf(
  { rows }: Sources,
  { startMs, endMs }: Task,
): Promise<PredictionRow[]> {
  const found: PredictionRow[] = []
  for await (const page of rows({ fromMs: startMs, toMs: endMs })) {
    for (const row of page) found.push(row)
    if (found.length >= ROWS_MAX) break
  }
  return found
}

export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

/** The version that answered most rows, the later one of two that answered equally many. */
export function mainVersion(rows: readonly PredictionRow[]): string | undefined {
  const counts = new Map<string, number>()
  for (const { modelVersion } of rows) counts.set(modelVersion, (counts.get(modelVersion) ?? 0) + 1)
  return [...counts].reduce<[string, number] | undefined>(
    (most, each) => (most === undefined || each[1] >= most[1] ? each : most),
    undefined,
  )?.[0]
}

function inputCounts(profile: Profile, rows: readonly PredictionRow[]): Map<string, Counts> {
  const counts = new Map<string, Counts>()
  for (const [feature, column] of Object.entries(profile.columns))
    if (column.kind !== 'other' && rows.some(({ inputs }) => feature in inputs))
      counts.set(
        feature,
        countsOf(
          column,
          rows.map(({ inputs }) => plain(inputs[feature])),
        ),
      )
  return counts
}

/** A list is no value that a column's bins know. */
function plain(value: Logged | undefined): Value | null {
  return value === undefined || typeof value === 'object' ? null : value
}

/** `flights-late/3` in its parts. */
function versionIn(name: string): { model: string; version: number } {
  const slash = name.lastIndexOf('/')
  return { model: name.slice(0, slash), version: Number(name.slice(slash + 1)) }
}
