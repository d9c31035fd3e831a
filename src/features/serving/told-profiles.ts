import type { Clock } from '#base/clock'
import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import { durationMs } from '#projects'
import type { ColumnSketch } from '#sketches'
import type { Endpoint } from './endpoint.ts'
import type { PredictionLog, ToldRecorded } from './log.ts'
import type { ToldRevisions } from './told-revisions.ts'

/** What predictions of another system looked like, as it tells of them. */
export interface ProfileTold {
  readonly endpoint: string
  /** Of its bytes. */
  readonly digest: string
  readonly columns: ReadonlyMap<string, ColumnSketch>
  /** What the predictions are of. */
  readonly startMs: number
  /** How long they took; event time has come to the start alone where nobody says. */
  readonly spanMs: number | null
  readonly modelVersion: string | null
  readonly outputs: readonly string[]
  /** All columns that have no other part, where nobody names them. */
  readonly inputs: readonly string[] | null
  /** Columns of another part: ids, truths. */
  readonly without: readonly string[]
}

const HOUR_MS = 3_600_000
const AHEAD_MS_MAX = 2 * 86_400_000
const COLUMNS_MAX = 2000

/** Takes in profiles of systems that Orrery watches, each once. Throws `conflict` where windows are not told by the hour. */
export function createToldProfiles(dependencies: {
  log: Pick<PredictionLog, 'recordToldProfile'>
  revisions: ToldRevisions
  clock: Clock
  endpoint(name: string): Promise<Endpoint>
}): (actor: Actor, told: ProfileTold) => Promise<ToldRecorded> {
  const { log, revisions, clock } = dependencies
  return async (actor, told) => {
    const endpoint = await dependencies.endpoint(told.endpoint)
    assertByHours(endpoint, told)
    const { startMs, digest, spanMs } = told
    if (!(startMs > 0) || startMs + (spanMs ?? 0) > clock.nowMs() + AHEAD_MS_MAX)
      throw new Problem(
        'invalid',
        `the profile is of ${timeIn(startMs)}, which lies in the future or is no time; say when its predictions were made`,
      )
    const { inputs, outputs } = partsOf(endpoint, told)
    const rows = Math.max(0, ...[...told.columns.values()].map((sketch) => sketch.rows))
    if (rows === 0)
      throw new Problem('invalid', 'the profile is of no rows, so there is nothing to take in')
    const revision = await revisions.of(actor, endpoint, told.modelVersion)
    const names = [[...inputs.keys()], [...outputs.keys()]]
    return log.recordToldProfile({
      endpoint: endpoint.name,
      digest,
      said: sha256(JSON.stringify([startMs, told.modelVersion, ...names])).slice(0, 32),
      startMs,
      untilMs: startMs + (spanMs ?? 0),
      revision: revision.number,
      modelVersion: revision.modelVersion,
      rows,
      inputs,
      outputs,
    })
  }
}

/** A profile lies in the hour in which it begins, so windows that it is to be in are whole hours and no shorter than it. */
function assertByHours({ name, elsewhere, monitor }: Endpoint, { spanMs }: ProfileTold): void {
  if (elsewhere !== true)
    throw new Problem(
      'conflict',
      `endpoint ${name} is served here, and what it answers is profiled by itself; declare another one with "elsewhere: true" for profiles of other systems`,
    )
  const { size = '1d', count } = monitor?.window ?? {}
  const sizeMs = durationMs(size)
  if (count !== undefined || sizeMs % HOUR_MS !== 0)
    throw new Problem(
      'conflict',
      `windows of ${name} are cut by its predictions, of which a profile has none; say whole hours: window: { size: 1d }`,
    )
  if (spanMs !== null && spanMs > sizeMs)
    throw new Problem(
      'conflict',
      `the profile is longer than the windows of ${name} (${size}); make longer windows, or shorter profiles`,
    )
}

interface Parts {
  readonly inputs: Map<string, ColumnSketch>
  readonly outputs: Map<string, ColumnSketch>
}

function partsOf({ log = null }: Endpoint, told: ProfileTold): Parts {
  const { columns, outputs, without } = told
  const others = new Set([...outputs, ...without])
  const inputs = told.inputs ?? [...columns.keys()].filter((column) => !others.has(column))
  const lacking = [...inputs, ...outputs, ...without].filter((column) => !columns.has(column))
  if (lacking.length > 0)
    throw new Problem(
      'invalid',
      `the profile has no column ${lacking.join(', ')}; it has ${[...columns.keys()].join(', ')}`,
    )
  if (inputs.length + outputs.length > COLUMNS_MAX)
    throw new Problem('limit', `a profile has at most ${COLUMNS_MAX} inputs and outputs`)
  const isLogged = (column: string) =>
    log === null || !(log.drop_inputs || log.redact.includes(column))
  const chosen = (names: readonly string[]) =>
    new Map(names.map((column) => [column, columns.get(column) as ColumnSketch]))
  return { inputs: chosen(inputs.filter(isLogged)), outputs: chosen(outputs) }
}

function timeIn(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString()
}
