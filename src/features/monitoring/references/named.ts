import { sha256 } from '#base/digest'
import { messageOf } from '#base/problem'
import type { MonitorConfig, ReferenceDataConfig } from '#projects'
import type { Transact } from '#ledger'
import type { Clock } from '#base/clock'
import { versionName } from '#inference'
import { numericProfileOf, type ProfileRequest, type TimedNumber, type TimedRow } from '#drift'
import type { HourProfile } from '#serving'
import type { NamedData, NamedTable, Profiler, Score } from '../sources.ts'
import { scoreOf } from '../sources.ts'
import { referenceOfSpan } from '../spans/reference.ts'
import type { MonitoringReads, MonitoringWrites, Reference } from '../store.ts'
import { emptySketch } from '#sketches'
import { timingOf } from '../windows/plan.ts'
import { rolesIn, type ColumnRoles } from './columns.ts'
import {
  isPassing,
  keptReferences,
  SCORED_ROWS_MAX,
  scoresOf,
  type KnownReference,
} from './reference.ts'

/** What a window is compared with where its monitor names data. */
interface Asked {
  readonly monitor: MonitorConfig
  readonly reference: ReferenceDataConfig
  readonly version: { readonly model: string; readonly version: number }
}

interface Signed {
  readonly asked: Asked
  /** The columns that the version takes; undefined where nobody said. */
  readonly signature: readonly string[] | undefined
}

/** References on data that monitors name. */
export interface NamedReferences {
  of(endpoint: string, asked: Asked): Promise<KnownReference>
  /** Rows of it, evenly over them; none of a profile. */
  sample(endpoint: string, asked: Asked, rowsMax: number): Promise<readonly TimedRow[]>
}

type Rows = Extract<NamedTable, { state: 'rows' }>
type Sketches = Extract<NamedTable, { state: 'sketched' }>

interface Dependencies {
  readonly read: Pick<MonitoringReads, 'findReference'>
  readonly transact: Transact<{ monitoring: MonitoringWrites }>
  readonly namedData?: NamedData
  readonly profiler: Profiler
  readonly score: Score
  readonly clock: Clock
}

const NOWHERE: NamedData = {
  find: async () => ({ state: 'unknown', reason: 'there is nothing that finds data by name' }),
  signature: async () => undefined,
}

/** Each is profiled once for what it holds and for what its columns are, whichever endpoint or name asks for it. */
export function namedReferences(dependencies: Dependencies): NamedReferences {
  const { namedData = NOWHERE, profiler } = dependencies
  const kept = keptReferences(dependencies)
  const found = async (endpoint: string, { reference, version }: Asked) => {
    const [data, signature] = await Promise.all([
      namedData.find({ endpoint, reference }),
      namedData.signature(version.model, version.version),
    ])
    return { data, signature }
  }
  return {
    of: async (endpoint, asked) => {
      const { data, signature } = await found(endpoint, asked)
      if (data.state === 'unknown') return data
      const modelVersion = versionName(asked.version)
      const key = keyOf(asked, { digest: data.digest, signature })
      const known = await kept(key, () =>
        readable(asked.reference.data, async () => {
          const table = await data.open()
          return table.state === 'sketched'
            ? ofSketches(table, asked, signature)
            : ofRows(dependencies, table, { asked, signature })
        }),
      )
      // The same data stands for what every version answered.
      return known.state === 'known'
        ? { state: 'known', reference: { ...known.reference, modelVersion } }
        : known
    },
    sample: async (endpoint, asked, rowsMax) => {
      const { data, signature } = await found(endpoint, asked)
      // The profile is kept longer than the data may be.
      const table = data.state === 'known' ? await opened(data) : undefined
      if (table?.state !== 'rows') return []
      const roles = await rolesOf(profiler, table, { asked, signature })
      if (typeof roles === 'string') return []
      return profiler.sample({ ...requestOf(table, roles, asked.monitor), rowsMax })
    },
  }
}

function keyOf(
  { monitor, reference, version }: Asked,
  { digest, signature }: { digest: string; signature: readonly string[] | undefined },
): string {
  const { data: _, project: __, ...roles } = reference
  // Where the data has no answers, those of the version are part of the reference.
  const asked = roles.outputs === undefined ? version : null
  const { by } = monitor.window
  const said = [digest, roles, signature, asked, by, monitor.label, timingOf(monitor).sizeMs]
  return `data/${sha256(JSON.stringify(said))}`
}

/** What cannot be had is nothing; what may be had in a while is thrown. */
async function opened({ open }: { open(): Promise<NamedTable> }): Promise<NamedTable | undefined> {
  try {
    return await open()
  } catch (error) {
    if (isPassing(error)) throw error
    return undefined
  }
}

/** Data that cannot be read makes a reference unknown; what may be over in a while is thrown. */
async function readable(data: string, make: () => Promise<KnownReference>) {
  try {
    return await make()
  } catch (error) {
    if (isPassing(error)) throw error
    return { state: 'unknown', reason: `${data} could not be read: ${messageOf(error)}` } as const
  }
}

async function rolesOf(
  profiler: Profiler,
  { files }: Rows,
  { asked: { monitor, reference }, signature }: Signed,
): Promise<ColumnRoles | string> {
  const columns = new Set<string>()
  for (const file of files)
    for (const column of await profiler.columnNames(file)) columns.add(column)
  return rolesIn([...columns], monitor, { reference, signature })
}

function requestOf({ files }: Rows, roles: ColumnRoles, monitor: MonitorConfig) {
  const windowMs = timingOf(monitor).sizeMs
  const time = roles.time === null ? {} : { time: { column: roles.time, windowMs } }
  return { files, columns: roles.inputs, ...time } satisfies ProfileRequest
}

async function ofRows(
  dependencies: Dependencies,
  data: Rows,
  { asked, signature }: Signed,
): Promise<KnownReference> {
  const { profiler } = dependencies
  const { monitor, reference, version } = asked
  const roles = await rolesOf(profiler, data, { asked, signature })
  if (typeof roles === 'string') return { state: 'unknown', reason: roles }
  const request = requestOf(data, roles, monitor)
  const profile = await profiler.profile(request)
  if (profile.rows === 0) return { state: 'unknown', reason: `${reference.data} has no rows` }
  const scores =
    roles.outputs.length > 0
      ? await answersIn(profiler, { ...request, columns: roles.outputs })
      : signature === undefined
        ? []
        : await scoresOf(dependencies, version, request)
  return {
    state: 'known',
    reference: {
      modelVersion: versionName(version),
      profile,
      prediction: numericProfileOf(scores, timingOf(monitor).sizeMs),
      trainedUntilMs: null,
    },
  }
}

/** What was predicted, as the data has it. */
async function answersIn(profiler: Profiler, request: ProfileRequest): Promise<TimedNumber[]> {
  const rows = await profiler.sample({ ...request, rowsMax: SCORED_ROWS_MAX })
  return rows.flatMap(({ atMs, values }): TimedNumber[] => {
    const value = scoreOf(values)
    return value === undefined ? [] : [{ value, atMs }]
  })
}

function ofSketches(
  data: Sketches,
  asked: Asked,
  signature: readonly string[] | undefined,
): KnownReference {
  const { monitor, reference, version } = asked
  const roles = rolesIn([...data.columns.keys()], monitor, { reference, signature })
  if (typeof roles === 'string') return { state: 'unknown', reason: roles }
  const chosen = (names: readonly string[]) =>
    new Map(names.map((name) => [name, data.columns.get(name) ?? emptySketch()]))
  const rows = Math.max(0, ...[...data.columns.values()].map((sketch) => sketch.rows))
  if (rows === 0) return { state: 'unknown', reason: `${reference.data} has no rows` }
  const modelVersion = versionName(version)
  const hour: HourProfile = {
    startMs: data.atMs,
    revision: 0,
    modelVersion,
    rows,
    inputs: chosen(roles.inputs),
    outputs: chosen(roles.outputs),
    latencyMs: emptySketch(),
  }
  const windowMs = timingOf(monitor).sizeMs
  const made = referenceOfSpan([hour], { modelVersion, windowMs }) as Reference
  // One profile is one window: it does not say how windows differ among themselves.
  const whole = { ...made, profile: { ...made.profile, time: null }, trainedUntilMs: null }
  return { state: 'known', reference: whole }
}
