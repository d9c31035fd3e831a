import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import {
  instantMs,
  keyOf,
  redacted,
  type NewAnswer,
  type NewPrediction,
  type TensorType,
  type Value,
} from '#inference'
import type { Endpoint } from './endpoint.ts'
import type { PredictionLog, Told, ToldBatch, ToldRecorded, Truth } from './log.ts'
import { toldDigest, toldShapes, type ToldShape } from './told-digest.ts'
import type { ToldRevision, ToldRevisions } from './told-revisions.ts'

/** A prediction that another system made, as it tells of it. */
export interface ToldPrediction {
  readonly endpoint: string
  /** What its system calls it: told again it is known. Without, it is kept as often as it is told. */
  readonly id: string | null
  /** `fraud/3`, `models:/fraud/3`, or whatever its system calls the model. */
  readonly modelVersion: string | null
  readonly timeMs: number | null
  readonly key: string | null
  readonly inputs: Readonly<Record<string, Value>>
  readonly outputs: Readonly<Record<string, Value>>
  readonly label: Truth['label'] | null
  readonly latencyMs: number | null
}

/** Predictions in one report; more are sent in several. */
export const TOLD_MAX = 10_000

/** A prediction further ahead of the clock than this is a mistake; it would close every window before it. */
const AHEAD_MS_MAX = 2 * 86_400_000

/** Columns of one prediction. */
const COLUMNS_MAX = 2000

export interface ToldPredictions {
  /**
   * Keeps predictions of systems that Orrery watches, all of them or none. Gives the id of each, in their order. Throws
   * `not-found` for an endpoint that there is not, `exists` for an id that was told with other contents.
   */
  record(
    actor: Actor,
    told: readonly ToldPrediction[],
  ): Promise<ToldRecorded & { ids: readonly string[] }>
}

export function createToldPredictions(dependencies: {
  log: PredictionLog
  revisions: ToldRevisions
  clock: Clock
  ids: Ids
  endpoint(name: string): Promise<Endpoint>
}): ToldPredictions {
  const { log, revisions, clock, ids } = dependencies
  const one = async (
    actor: Actor,
    endpoint: Endpoint,
    told: readonly Numbered[],
  ): Promise<{ told: Told; ids: Map<number, string> }> => {
    const nowMs = clock.nowMs()
    const named = distinct(endpoint, told)
    const batches: ToldBatch[] = []
    const all = new Map<number, string>()
    const truths: Truth[] = []
    for (const alike of groupsOf(named)) {
      const first = alike[0] as Named
      const revision = await revisions.of(actor, endpoint, first.modelVersion)
      const batch = batchOf(endpoint, alike, { id: ids.ulid(), revision, nowMs })
      batches.push({ ...redacted(batch, endpoint.log ?? null), told: batch.told })
      for (const [row, { at, id, label }] of alike.entries()) {
        const known = id ?? `${batch.id}-${row}`
        all.set(at, known)
        if (label !== null)
          truths.push({ ref: { by: 'prediction', value: known }, label, timeMs: null })
      }
    }
    // What was said twice in one report has the id that it said.
    for (const { at, id } of told) if (id !== null) all.set(at, id)
    return { told: { endpoint: endpoint.name, batches, truths }, ids: all }
  }
  return {
    record: async (actor, told) => {
      if (told.length > TOLD_MAX)
        throw new Problem('limit', `a report has at most ${TOLD_MAX} predictions; send several`)
      const numbered = told.map((each, at): Numbered => ({ ...each, at }))
      const reports: Told[] = []
      const known = new Map<number, string>()
      for (const [name, theirs] of grouped(numbered, ({ endpoint }) => endpoint)) {
        const endpoint = await dependencies.endpoint(name)
        assertElsewhere(endpoint)
        const report = await one(actor, endpoint, theirs)
        reports.push(report.told)
        for (const [at, id] of report.ids) known.set(at, id)
      }
      const { accepted } = await log.recordTold(reports, clock.nowMs())
      const inOrder = numbered.map(({ at }) => known.get(at) as string)
      return { accepted, unchanged: told.length - accepted, ids: inOrder }
    },
  }
}

interface Numbered extends ToldPrediction {
  /** Its place in the report. */
  readonly at: number
}

function assertElsewhere({ name, elsewhere }: Endpoint): void {
  if (elsewhere === true) return
  throw new Problem(
    'conflict',
    `endpoint ${name} is served here, and what it answers is logged by itself; declare another one with "elsewhere: true" for predictions of other systems`,
  )
}

/** Each prediction once. Throws `invalid` for an id with two meanings. */
function distinct({ name }: Endpoint, told: readonly Numbered[]): Named[] {
  const known = new Map<string, string>()
  const once: Named[] = []
  const shapeOf = toldShapes()
  for (const each of told) {
    const shape = shapeOf(each.inputs, each.outputs)
    const digest = toldDigest(each, shape)
    const before = each.id === null ? undefined : known.get(each.id)
    if (before !== undefined && before !== digest)
      throw new Problem(
        'invalid',
        `prediction ${each.at} has the id ${each.id} of another one in the same report, with other contents; nothing was kept: give each prediction of ${name} an id of its own`,
      )
    if (before !== undefined) continue
    if (each.id !== null) known.set(each.id, digest)
    once.push({ ...each, digest, shape })
  }
  return once
}

interface Named extends Numbered {
  readonly digest: string
  readonly shape: ToldShape
}

/** Those that can be rows of one batch. */
function groupsOf(told: readonly Named[]): Named[][] {
  const shapes = [...grouped(told, ({ shape }) => shape).values()]
  const kind = ({ modelVersion, latencyMs }: Named) =>
    modelVersion === null ? latencyMs : `${latencyMs} ${modelVersion}`
  return shapes.flatMap((alike) => Array.from(grouped(alike, kind).values()))
}

function grouped<T, Name>(all: readonly T[], by: (one: T) => Name): Map<Name, T[]> {
  const groups = new Map<Name, T[]>()
  for (const one of all) {
    const name = by(one)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [one])
    else group.push(one)
  }
  return groups
}

function batchOf(
  endpoint: Endpoint,
  told: readonly Named[],
  { id, revision, nowMs }: { id: string; revision: ToldRevision; nowMs: number },
): ToldBatch {
  const first = told[0] as Named
  const { inputs: columns, outputs, types } = first.shape
  if (columns.length + outputs.length > COLUMNS_MAX)
    throw new Problem('limit', `a prediction has at most ${COLUMNS_MAX} inputs and outputs`)
  const answer: NewAnswer = {
    revision: {
      ...revision,
      role: 'live',
      outputs: outputs.map((name, at) => ({ name, type: types[at] as TensorType })),
    },
    outputs: outputs.map((name) => told.map((each) => each.outputs[name] ?? null)),
  }
  return {
    id,
    endpoint: endpoint.name,
    digest: null,
    atMs: nowMs,
    latencyMs: first.latencyMs ?? 0,
    columns,
    rows: told.map((each) => ({
      ...subjectOf(endpoint, each, nowMs),
      inputs: columns.map((column) => each.inputs[column] ?? null),
    })),
    answers: [answer],
    told: told.map(({ id: name, digest }) => (name === null ? null : { id: name, digest })),
  }
}

/** When it happened and what it is about: as it is said, or else as the endpoint's monitor finds them in the inputs. */
function subjectOf(
  { monitor }: Endpoint,
  { at, timeMs, key, inputs }: Numbered,
  nowMs: number,
): Pick<NewPrediction, 'eventMs' | 'key'> {
  const by = monitor?.window.by
  const said = by === undefined ? undefined : inputs[by]
  const foundMs = timeMs === null && said != null ? instantMs(said) : (timeMs ?? nowMs)
  if (foundMs === undefined)
    throw new Problem(
      'invalid',
      `prediction ${at} has ${JSON.stringify(said).slice(0, 100)} for ${by}, which is no time; write RFC 3339 (UTC if it names no zone) or milliseconds since 1970`,
    )
  if (foundMs > nowMs + AHEAD_MS_MAX)
    throw new Problem(
      'invalid',
      `prediction ${at} is of ${new Date(foundMs).toISOString()}, which lies in the future; set the clock of the system that made it`,
    )
  const about = monitor?.key === undefined ? null : (inputs[monitor.key] ?? null)
  return { eventMs: foundMs, key: key ?? keyOf(about) }
}
