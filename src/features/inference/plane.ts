import type { Clock } from '#base/clock'
import type { Ids } from '#base/ids'
import { Problem } from '#base/problem'
import type { Pin, PredictionRequest } from './request.ts'
import type { PredictionAnswer } from './answer.ts'
import type { Deployed } from './models/deployment.ts'
import type { Described, Inference, Standing, Statistics } from './inference.ts'
import type { Journal } from './journal.ts'
import { versionName } from './model-source.ts'
import { createPredict } from './predict.ts'
import type { Taken } from './taken.ts'
import { createMeters, type Measured, type Meters } from './meters/meters.ts'
import { createPulses, type Pulse } from './meters/pulse.ts'
import { createRecent, type Recent } from './meters/recent.ts'
import type { Revision } from './revision.ts'
import { routeOf, type Chosen } from './routing/routing.ts'
import { createEviction, type MemoryBudget } from './models/eviction.ts'
import { sooner } from './routing/headers.ts'
import { createQuotas, type Caller } from './routing/quota.ts'
import { createScoring, type Scoring } from './scoring.ts'
import { createShadowing } from './shadows.ts'
import {
  createSlots,
  notReady,
  standingOf,
  type Slot,
  type SlotDependencies,
  type Slots,
} from './models/slots.ts'
import { createStatistics } from './meters/statistics.ts'
import type { EndpointTable } from './table.ts'
import { trafficMeter, type Traffic } from './routing/traffic.ts'
import { watched } from './meters/watched.ts'
import { within } from './models/within.ts'

/**
 * What answers predictions, as the server that declares endpoints sees it: told tables, it loads models and answers.
 * It may be in another process.
 */
export interface Plane {
  /** Loads what a table names, beside what serves. Throws when one does not load or answer, unless it is a shadow. */
  prepare(table: EndpointTable): Promise<void>
  /** Ends what was prepared for an endpoint and is not wanted after all. */
  discard(endpoint: string): Promise<void>
  /** Answers by this table from now on, losing no request; what is not loaded yet is loaded meanwhile. */
  tell(table: EndpointTable): Promise<void>
  forget(endpoint: string): Promise<void>
  /** Says that the tables of all endpoints have been told: what is unknown from now on is not there. */
  complete(): Promise<void>
  predict(endpoint: string, request: PredictionRequest): Promise<PredictionAnswer>
  describe(endpoint: string, pin?: Pin): Promise<Described>
  readonly score: Scoring['score']
  /** How the endpoints stand, as far as is known here. */
  standings(): Standing[]
  statistics(endpoint?: string): Statistics[] | Promise<Statistics[]>
  traffic(): Promise<Traffic[]>
  stop(): Promise<void>
}

/** What answers predictions, in the process that does. */
export interface LocalPlane extends Omit<Plane, keyof Inference>, Inference {
  /** Says that it is not ready from now on; what is asked is answered still. */
  drain(): void
  /** Counts a question that is no prediction against the quota of who asks. Throws `quota` for one too many, and `not-found`. */
  charge(endpoint: string, caller: Caller): Promise<void>
  /** How requests ended at endpoints that several revisions answer, since it was last asked. */
  pulses(): Pulse[]
  /** Requests whose shadows were left out, for want of room. */
  shadowsDropped(): number
  /** What was counted since this process began, and what is loaded. */
  measured(): Measured & { loaded: readonly LoadedRevision[] }
  /** What an endpoint answered in the last minutes; nothing for one that is unknown. */
  recent(endpoint: string): Recent
}

/** A revision that is loaded; several may be in one process. */
export interface LoadedRevision {
  readonly endpoint: string
  readonly revision: number
  readonly modelVersion: string
  readonly pid: number | null
  /** Calls that wait for its process. */
  readonly waiting: number
}

export interface PlaneDependencies extends SlotDependencies {
  readonly log: Journal
  readonly clock: Clock
  readonly ids: Ids
  /** Without it, models that are loaded on demand stay. */
  readonly memory?: MemoryBudget
  /** Numbers from 0 to 1, below 1. */
  readonly draws: () => number
}

/** How long a request waits for the tables to be told. */
const TOLD_MS_MAX = 5000

export function createPlane(dependencies: PlaneDependencies): LocalPlane {
  const { clock, draws } = dependencies
  const meters = createMeters()
  const recent = createRecent()
  const slots = createSlots({
    ...dependencies,
    meters,
    onLoaded: () => eviction?.look(),
    onRestart: countedRestart(meters, dependencies.onRestart),
  })
  const { memory } = dependencies
  const eviction =
    memory && createEviction({ ...dependencies, slots, memory, onEvicted: meters.evicted })
  const [statistics, meter, pulses] = [createStatistics(meters), trafficMeter(), createPulses()]
  const scoring = createScoring(dependencies)
  const shadowing = createShadowing(dependencies)
  const completed = Promise.withResolvers<void>()
  let draining = false

  const { known, take, charge } = finder(slots, { clock, draws, pulses, told: completed.promise })
  const answer = createPredict({
    ...dependencies,
    shadowing,
    endpoints: { known: async (name) => void (await known(name)), take },
    onAnswer: (taken, answered) => {
      const { live, table } = taken
      statistics.note(live.revision, answered)
      if (isByWeight(taken))
        pulses.note(table.routing, { ...answered, revision: live.revision.number })
      if (!answered.failed) meter.note(live.revision.endpoint, answered)
    },
  })
  const isKnown = (name: string) => slots.all.has(name)
  const predict = watched(answer, { meters, recent, clock, isKnown })
  const standings = () => [...slots.all.values()].map(standingOf).toSorted(byEndpoint)

  return {
    prepare: slots.prepare,
    discard: slots.discard,
    tell: async (table) => slots.tell(table),
    forget: async (name) => {
      slots.forget(name)
      for (const each of [statistics, meters, recent]) each.forget(name)
    },
    complete: async () => completed.resolve(),
    predict,
    describe: async (name, pin) => {
      const slot = await known(name)
      const { revision } = routed(slot.table, pin === undefined ? {} : { pin }, draws)
      return described(slot.table, await slots.ready(slot, revision))
    },
    score: scoring.score,
    standings,
    statistics: (name) => statistics.of(liveIn(slots), name),
    traffic: async () => meter.traffic(clock.nowMs()),
    readiness: () => readinessOf(standings(), draining),
    drain: () => {
      draining = true
    },
    charge: async (name, caller) => charge(await known(name), caller),
    pulses: pulses.take,
    measured: () => ({ ...meters.read(), loaded: loadedIn(slots) }),
    recent: (name) => recent.of(name, clock.nowMs()),
    shadowsDropped: shadowing.dropped,
    stop: async () => {
      draining = true
      eviction?.stop()
      await Promise.all([slots.stop(), scoring.stop()])
    },
  }
}

function countedRestart(
  meters: Meters,
  tell: SlotDependencies['onRestart'],
): SlotDependencies['onRestart'] {
  return (endpoint, reason) => {
    meters.restarted(endpoint)
    tell(endpoint, reason)
  }
}

function loadedIn({ all }: Slots): LoadedRevision[] {
  return [...all.values()].flatMap(({ units }) =>
    [...units.values()].flatMap(({ deployed }) => {
      if (deployed === undefined) return []
      const { revision, logged, process } = deployed
      const { pid = null, waiting = 0 } = process
      const { endpoint, number } = revision
      return [{ endpoint, revision: number, modelVersion: logged.modelVersion, pid, waiting }]
    }),
  )
}

function liveIn({ all }: Slots): Revision[] {
  return [...all.values()].flatMap(({ units }) =>
    [...units.values()].flatMap(({ deployed }) =>
      deployed?.revision.role === 'live' ? [deployed.revision] : [],
    ),
  )
}

function readinessOf(
  standings: readonly Standing[],
  draining: boolean,
): ReturnType<Inference['readiness']> {
  const endpoints = standings.map(({ endpoint, state }) => ({ endpoint, state }))
  return { ready: !draining && endpoints.every(({ state }) => state !== 'loading'), endpoints }
}

/** A process that has just begun does not know yet what there is. */
function notTold(): Problem {
  return new Problem(
    'unavailable',
    'the process that answers predictions has just begun and does not know all endpoints yet; try again',
  )
}

/** Finds endpoints, and what answers at them. */
function finder(
  slots: Slots,
  parts: Pick<PlaneDependencies, 'clock' | 'draws'> & {
    pulses: ReturnType<typeof createPulses>
    /** Resolves when the tables of all endpoints have been told. */
    told: Promise<void>
  },
) {
  const { clock, draws, pulses, told } = parts
  const quotas = createQuotas()
  const charge = ({ table }: Slot, caller: Caller): void => {
    const quota = table.settings?.quota
    if (quota) quotas(table.name, quota, caller, clock.nowMs())
  }
  const known = async (name: string): Promise<Slot> => {
    const slot = slots.all.get(name)
    if (slot !== undefined) return slot
    const areAllTold = await within(told, TOLD_MS_MAX)
    const found = slots.all.get(name)
    if (found !== undefined) return found
    throw areAllTold ? noEndpoint(name) : notTold()
  }
  const chosen = (slot: Slot, request: PredictionRequest): Taken | Promise<Taken> => {
    charge(slot, request)
    slot.usedMs = performance.now()
    const route = routed(slot.table, request, draws)
    const live = slot.units.get(route.revision)?.deployed
    if (live !== undefined) {
      refuseCrowd(slot.table, live)
      return takenFrom(slot, live, route)
    }
    const startedMs = performance.now()
    return inTime(slot.table, request, slots.ready(slot, route.revision)).then(
      (ready) => takenFrom(slot, ready, route),
      (error: unknown) => {
        const tookMs = performance.now() - startedMs
        if (isByWeight(route))
          pulses.note(slot.table.routing, { revision: route.revision, tookMs, error })
        throw error
      },
    )
  }
  return {
    known,
    charge,
    take: (name: string, request: PredictionRequest): Taken | Promise<Taken> => {
      const slot = slots.all.get(name)
      if (slot !== undefined) return chosen(slot, request)
      return known(name).then((found) => chosen(found, request))
    },
  }
}

/** Waits for a revision to be loaded as long as its caller does. Throws `unavailable` after that. */
async function inTime(
  table: EndpointTable,
  { deadlineMs }: PredictionRequest,
  ready: Promise<Deployed>,
): Promise<Deployed> {
  const limitMs = sooner(deadlineMs, table.settings?.timeoutMs)
  if (limitMs !== undefined && !(await within(ready, limitMs))) throw notReady(table)
  return ready
}

/** Throws `unavailable` where as many wait as the endpoint permits. */
function refuseCrowd({ name, settings }: EndpointTable, { process }: Deployed): void {
  const { waitingMax = Infinity } = settings ?? {}
  if ((process.waiting ?? 0) < waitingMax) return
  throw new Problem(
    'unavailable',
    `${waitingMax} calls wait at endpoint ${name}, which takes no more; try again later`,
  )
}

/** Who answers. A label is a version by another name. */
function routed(
  table: EndpointTable,
  request: Pick<PredictionRequest, 'pin' | 'stickyKey' | 'route' | 'override'>,
  draws: () => number,
) {
  if (table.routing.revisions.length === 0) throw notReady(table)
  const { pin } = request
  const version = pin?.by === 'label' ? table.labels[pin.label] : undefined
  return version === undefined
    ? routeOf(table.routing, request, draws)
    : routeOf(table.routing, { pin: { by: 'version', version } }, draws)
}

/** Whether chance gave the request to its revision; who chose it says nothing of how revisions compare. */
function isByWeight({ reason }: Pick<Chosen, 'reason'>): boolean {
  return reason === 'draw' || reason === 'key'
}

function takenFrom(slot: Slot, live: Deployed, { reason, shadows }: Chosen): Taken {
  const { table, units } = slot
  if (shadows.length === 0) return { table, live, reason, echoes: [], shadows: [] }
  const { modelVersion } = live.logged
  const isEcho = (number: number) =>
    table.revisions.some(
      ({ revision }) => revision.number === number && versionName(revision) === modelVersion,
    )
  const echoes = shadows.filter(isEcho).map((number) => ({
    number,
    role: 'shadow' as const,
    modelVersion,
    outputs: live.logged.outputs,
  }))
  const asked = shadows.flatMap((number) =>
    isEcho(number) ? [] : (units.get(number)?.deployed ?? []),
  )
  return { table, live, reason, echoes, shadows: asked }
}

function described(table: EndpointTable, { revision, shape, servable }: Deployed): Described {
  const versions = table.revisions
    .filter((each) => each.revision.role === 'live')
    .map((each) => each.revision.version)
  return {
    revision,
    shape,
    columns: servable.columns,
    tensors: servable.tensors ?? null,
    monitored: [table.monitor?.key, table.monitor?.window.by].filter((name) => name !== undefined),
    versions: [...new Set(versions)],
    labels: table.labels,
    flavor: servable.flavor ?? 'onnx',
    example: servable.example,
  }
}

function noEndpoint(name: string): Problem {
  return new Problem(
    'not-found',
    `there is no endpoint ${name}; "orrery endpoints" lists those that there are`,
  )
}

function byEndpoint({ endpoint: one }: Standing, { endpoint: other }: Standing): number {
  return one < other ? -1 : one > other ? 1 : 0
}
