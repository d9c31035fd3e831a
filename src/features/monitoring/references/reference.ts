import type { Clock } from '#base/clock'
import { messageOf, Problem } from '#base/problem'
import type { Transact } from '#ledger'
import type { Logged } from '#inference'
import { numericProfileOf, type DataFile, type ProfileRequest, type TimedNumber } from '#drift'
import {
  scoreOf,
  type Profiler,
  type SampledRow,
  type Score,
  type TrainingData,
} from '../sources.ts'
import type { MonitoringReads, MonitoringWrites, Reference } from '../store.ts'

export type KnownReference =
  | { readonly state: 'known'; readonly reference: Reference }
  | { readonly state: 'unknown'; readonly reason: string }

/** How references are cut into windows: as the endpoint that they are for. */
export interface Cut {
  readonly timeColumn: string | null
  readonly windowMs: number
}

export interface References {
  of(version: { model: string; version: number }, cut: Cut): Promise<KnownReference>
  /** Rows that a version was trained on, evenly over them; none where these are not known. */
  sample(
    version: { model: string; version: number },
    cut: Cut,
    rowsMax: number,
  ): Promise<SampledRow[]>
}

/** Rows of the training data that a version is asked about to learn how its answers are spread. */
export const SCORED_ROWS_MAX = 20_000

/** Data that could not be found is looked for again after this time. */
const UNKNOWN_MS = 60_000

export function createReferences(dependencies: {
  read: MonitoringReads
  transact: Transact<{ monitoring: MonitoringWrites }>
  trainingData: TrainingData
  profiler: Profiler
  score: Score
  clock: Clock
}): References {
  const kept = keptReferences(dependencies)
  return {
    of: (version, cut) => {
      const key = [version.model, version.version, cut.timeColumn ?? '', cut.windowMs].join('/')
      return kept(key, () => make(dependencies, version, cut))
    },
    sample: async ({ model, version }, cut, rowsMax) => {
      const { trainingData, profiler } = dependencies
      const trained = await trainingData.find(model, version)
      if (trained.state === 'unknown' || trained.inputs.length === 0) return []
      const found = await usable(profiler, trained.files, trained.inputs, cut)
      if (found.files.length === 0) return []
      return profiler.sample({ ...requestFor(found, trained.inputs, cut), rowsMax })
    },
  }
}

/** Makes a reference once, and keeps it; one that cannot be made is tried again after a while. */
export function keptReferences({
  read,
  transact,
  clock,
}: {
  read: Pick<MonitoringReads, 'findReference'>
  transact: Transact<{ monitoring: MonitoringWrites }>
  clock: Clock
}): (key: string, anew: () => Promise<KnownReference>) => Promise<KnownReference> {
  const making = new Map<string, Promise<KnownReference>>()
  const unknown = new Map<string, { reason: string; untilMs: number }>()
  const made = async (
    key: string,
    anew: () => Promise<KnownReference>,
  ): Promise<KnownReference> => {
    const found = await anew()
    if (found.state === 'known')
      await transact(({ monitoring }) => monitoring.saveReference(key, found.reference))
    else unknown.set(key, { reason: found.reason, untilMs: clock.nowMs() + UNKNOWN_MS })
    return found
  }
  return async (key, anew) => {
    const kept = await read.findReference(key)
    if (kept !== undefined) return { state: 'known', reference: kept }
    const missed = unknown.get(key)
    if (missed !== undefined && clock.nowMs() < missed.untilMs)
      return { state: 'unknown', reason: missed.reason }
    const running = making.get(key) ?? made(key, anew)
    making.set(key, running)
    return running.finally(() => making.delete(key))
  }
}

/** Data that cannot be read makes a reference unknown; what may be over in a while is thrown. */
async function make(
  dependencies: Parameters<typeof createReferences>[0],
  { model, version }: { model: string; version: number },
  cut: Cut,
): Promise<KnownReference> {
  const { trainingData, profiler } = dependencies
  try {
    const trained = await trainingData.find(model, version)
    if (trained.state === 'unknown') return trained
    if (trained.inputs.length === 0)
      return { state: 'unknown', reason: `${model}:${version} has no signature of columns` }
    const { files, timed } = await usable(profiler, trained.files, trained.inputs, cut)
    if (files.length === 0)
      return {
        state: 'unknown',
        reason: `no data that the training read has the columns ${trained.inputs.join(', ')}`,
      }
    const request = requestFor({ files, timed }, trained.inputs, cut)
    const profile = await profiler.profile(request)
    const scores = await scoresOf(dependencies, { model, version }, request)
    return {
      state: 'known',
      reference: {
        modelVersion: `${model}/${version}`,
        profile,
        prediction: numericProfileOf(scores, cut.windowMs),
        trainedUntilMs: profile.time?.toMs ?? null,
      },
    }
  } catch (error) {
    if (isPassing(error)) throw error
    return { state: 'unknown', reason: `its training data could not be read: ${messageOf(error)}` }
  }
}

function requestFor(
  { files, timed }: { files: readonly DataFile[]; timed: boolean },
  columns: readonly string[],
  { timeColumn, windowMs }: Cut,
): ProfileRequest {
  return {
    files,
    columns,
    ...(timed && timeColumn !== null ? { time: { column: timeColumn, windowMs } } : {}),
  }
}

/** What the version answers to rows, as those that it was trained on; nothing when it refuses them. */
export async function scoresOf(
  { profiler, score }: { profiler: Profiler; score: Score },
  { model, version }: { model: string; version: number },
  request: ProfileRequest,
): Promise<TimedNumber[]> {
  const rows = await profiler.sample({ ...request, rowsMax: SCORED_ROWS_MAX })
  try {
    const answers = await score(
      model,
      version,
      rows.map((row) => row.values),
    )
    return answers.flatMap((answer, index): TimedNumber[] => {
      const value = scoreOf(answer as Readonly<Record<string, Logged>>)
      return value === undefined ? [] : [{ value, atMs: rows[index]?.atMs ?? null }]
    })
  } catch (error) {
    if (isPassing(error)) throw error
    return []
  }
}

export function isPassing(error: unknown): boolean {
  return error instanceof Problem && (error.code === 'unavailable' || error.code === 'timeout')
}

/** The files that hold all columns of the model; those with event time, if any has it. */
async function usable(
  profiler: Profiler,
  files: readonly DataFile[],
  inputs: readonly string[],
  { timeColumn }: Cut,
): Promise<{ files: DataFile[]; timed: boolean }> {
  const whole: { file: DataFile; timed: boolean }[] = []
  for (const file of files) {
    const columns = new Set(await profiler.columnNames(file))
    if (inputs.every((input) => columns.has(input)))
      whole.push({ file, timed: timeColumn !== null && columns.has(timeColumn) })
  }
  const timed = whole.filter((each) => each.timed)
  const chosen = timed.length > 0 ? timed : whole
  return { files: chosen.map(({ file }) => file), timed: timed.length > 0 }
}
