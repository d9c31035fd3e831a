import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import { deploy, type Deployed } from './deployment.ts'
import type { Standing, State } from '../inference.ts'
import type { Meters } from '../meters/meters.ts'
import { versionName } from '../model-source.ts'
import type { Runtime } from '../runtime.ts'
import type { EndpointTable, PlacedRevision } from '../table.ts'
import { within } from './within.ts'

const RETRY_FIRST_MS = 500
const RETRY_MS_MAX = 60_000
/** Models that are loaded on demand at the same time. */
const LOADS_MAX = 4
/** A model that could not be loaded on demand is not tried again for so long. */
const FAILURE_MS = 5000

/** A revision at an endpoint: loaded, being loaded, or neither. */
export interface Unit {
  readonly placed: PlacedRevision
  deployed: Deployed | undefined
  /** Why it could not be loaded on demand, until it is; who asks soon after is told of that. */
  failed: { readonly error: unknown; readonly untilMs: number } | undefined
  /** The load that is under way, as often as it takes. */
  loading: Promise<void> | undefined
  /** It is in the table no more. */
  ended: boolean
}

/** An endpoint as this process has it. */
export interface Slot {
  table: EndpointTable
  /** By the numbers of their revisions. */
  units: Map<number, Unit>
  /** Loaded for a table that has not been told yet. */
  prepared: Map<number, Unit>
  /** When it was last asked, on the clock of this process. */
  usedMs: number
  /** What a load that takes long is doing. */
  doing: string | undefined
}

export interface Slots {
  readonly all: ReadonlyMap<string, Slot>
  /** Loads what a table names beside what serves. Throws when one does not load or answer, unless it is a shadow. */
  prepare(table: EndpointTable): Promise<void>
  /** Ends what was prepared and is not wanted after all. */
  discard(name: string): Promise<void>
  /** Answers by this table from now on. What it names no more ends when its last request is answered. */
  tell(table: EndpointTable): void
  forget(name: string): void
  /** Ends what is loaded, when its last request is answered; the next request loads it again. */
  letGo(slot: Slot): Promise<void>
  /** A revision that answers, loading it if need be. Throws `unavailable` when that takes too long. */
  ready(slot: Slot, number: number): Promise<Deployed>
  stop(): Promise<void>
}

export interface SlotDependencies {
  readonly runtime: Runtime
  readonly logger: Logger
  readonly timeoutMs: number
  /** A process of an endpoint ended unexpectedly. */
  readonly onRestart: (endpoint: string, reason: string) => void
  /** How an endpoint stands has changed. */
  readonly onChange: () => void
  /** Something was loaded on demand. */
  readonly onLoaded?: () => void
  /** Counts what models do. */
  readonly meters?: Meters
}

export function createSlots(dependencies: SlotDependencies): Slots {
  const { logger, timeoutMs, onChange } = dependencies
  const all = new Map<string, Slot>()
  const load = loader({
    ...dependencies,
    onProgress: (endpoint, doing) => {
      const slot = all.get(endpoint)
      if (slot === undefined || slot.doing === doing) return
      slot.doing = doing
      onChange()
    },
  })
  const end = (unit: Unit) => {
    unit.ended = true
    // Nobody waits for its last requests; they were promised their answers.
    unit.deployed?.retire().catch((error: unknown) => {
      logger.warn({ error: messageOf(error) }, 'a serving process could not be ended')
    })
  }
  const letGo = async (slot: Slot) => {
    const units = [...slot.units.values()]
    slot.units = new Map(units.map(({ placed }) => [placed.revision.number, newUnit(placed)]))
    for (const unit of units) unit.ended = true
    await Promise.allSettled(units.map(async ({ deployed }) => deployed?.retire()))
    onChange()
  }
  const discard = async (name: string) => {
    const slot = all.get(name)
    if (slot === undefined) return
    for (const unit of slot.prepared.values()) end(unit)
    slot.prepared.clear()
  }
  const slotOf = (table: EndpointTable): Slot => {
    const slot = all.get(table.name) ?? emptySlot(table)
    all.set(table.name, slot)
    return slot
  }

  return {
    all,
    prepare: async (table) => {
      await discard(table.name)
      const slot = slotOf(unrouted(table))
      try {
        await prepareUnits(slot, table, { load, logger })
      } catch (error) {
        await discard(table.name)
        throw error
      }
    },
    discard,
    tell: (table) => {
      const slot = slotOf(table)
      for (const unit of adopt(slot, table)) end(unit)
      const kept = keptOf(table)
      for (const unit of slot.units.values())
        if (unit.deployed === undefined && kept === 'pinned') void load.again(unit)
      if (kept === 'unloaded') void letGo(slot)
      onChange()
    },
    letGo,
    forget: (name) => {
      for (const unit of all.get(name)?.units.values() ?? []) end(unit)
      void discard(name)
      all.delete(name)
      onChange()
    },
    ready: (slot, number) => readyUnit(slot, number, { load, timeoutMs }),
    stop: () => stopAll(all),
  }
}

async function readyUnit(
  slot: Slot,
  number: number,
  { load, timeoutMs }: { load: ReturnType<typeof loader>; timeoutMs: number },
): Promise<Deployed> {
  slot.usedMs = performance.now()
  const unit = slot.units.get(number)
  if (unit?.deployed !== undefined) return unit.deployed
  const kept = keptOf(slot.table)
  if (unit === undefined || kept === 'unloaded') throw notReady(slot.table)
  await within(kept === 'pinned' ? load.again(unit) : load.onDemand(unit), timeoutMs)
  if (unit.deployed === undefined) throw notReady(slot.table)
  return unit.deployed
}

async function stopAll(all: ReadonlyMap<string, Slot>): Promise<void> {
  const units: Unit[] = []
  for (const slot of all.values()) units.push(...slot.units.values(), ...slot.prepared.values())
  for (const unit of units) unit.ended = true
  await Promise.allSettled(units.map(async ({ deployed }) => deployed?.process.stop()))
}

/** Loads what a table names and a slot does not have. Throws when one that answers does not load. */
async function prepareUnits(
  { units, prepared }: Slot,
  table: EndpointTable,
  { load, logger }: { load: Pick<ReturnType<typeof loader>, 'once'>; logger: Logger },
): Promise<void> {
  const loaded = async (placed: PlacedRevision) => {
    const unit = newUnit(placed)
    unit.deployed = await load.once(unit)
    prepared.set(placed.revision.number, unit)
  }
  const wanted = asked(table).filter(
    ({ revision }) => units.get(revision.number)?.deployed === undefined,
  )
  // All of them are waited for, so that none is loaded after the failure of another was told.
  const results = await Promise.allSettled(wanted.filter(isLive).map(loaded))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  for (const placed of wanted.filter((each) => !isLive(each)))
    await loaded(placed).catch((error: unknown) => {
      logger.warn({ model: versionName(placed.revision), error }, 'a shadow is left out')
    })
}

/** Gives a slot a new table, and gives the units that it has no use for any more. */
function adopt(slot: Slot, table: EndpointTable): Unit[] {
  const { units: before, prepared } = slot
  slot.table = table
  slot.units = new Map()
  for (const placed of asked(table)) {
    const { number } = placed.revision
    slot.units.set(number, prepared.get(number) ?? before.get(number) ?? newUnit(placed))
  }
  const kept = new Set(slot.units.values())
  const left = [...before.values(), ...prepared.values()].filter((unit) => !kept.has(unit))
  prepared.clear()
  return left
}

function emptySlot(table: EndpointTable): Slot {
  return { table, units: new Map(), prepared: new Map(), usedMs: 0, doing: undefined }
}

/** The table of an endpoint that is known and cannot answer yet. */
function unrouted(table: EndpointTable): EndpointTable {
  return {
    ...table,
    routing: { ...table.routing, revisions: [], shadows: [] },
    revisions: [],
  }
}

function newUnit(placed: PlacedRevision): Unit {
  return { placed, deployed: undefined, failed: undefined, loading: undefined, ended: false }
}

/** What is loaded: all, but for shadows of the only model that answers, which would say what it says. */
function asked({ revisions }: EndpointTable): readonly PlacedRevision[] {
  const names = new Set(revisions.filter(isLive).map(({ revision }) => versionName(revision)))
  const [only] = names
  return revisions.filter(
    (each) => isLive(each) || names.size > 1 || versionName(each.revision) !== only,
  )
}

function isLive({ revision }: PlacedRevision): boolean {
  return revision.role === 'live'
}

/** Loads units, once or until it succeeds. */
function loader(
  dependencies: SlotDependencies & {
    onProgress: (endpoint: string, doing: string | undefined) => void
  },
) {
  const { onLoaded, logger, onChange, onRestart, onProgress } = dependencies
  const once = ({ placed }: Unit) => {
    const { endpoint } = placed.revision
    return deploy(dependencies, placed, {
      onRestart: (reason) => {
        onRestart(endpoint, reason)
        onChange()
      },
      onProgress: (doing) => onProgress(endpoint, doing),
    }).finally(() => onProgress(endpoint, undefined))
  }
  const untilLoaded = async (unit: Unit) => {
    for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)) {
      try {
        const deployed = await once(unit)
        if (unit.ended) return await deployed.retire()
        unit.deployed = deployed
        return undefined
      } catch (error) {
        const { endpoint } = unit.placed.revision
        logger.error(
          { endpoint, error: messageOf(error), waitMs },
          'an endpoint could not be loaded; it is tried again',
        )
        onProgress(endpoint, `it could not be loaded and is tried again: ${messageOf(error)}`)
        await new Promise((resolve) => setTimeout(resolve, waitMs).unref())
        if (unit.ended) return undefined
      }
    }
  }
  const inTurn = limitedTo(LOADS_MAX)
  const demanded = async (unit: Unit) => {
    const { failed } = unit
    if (failed !== undefined && failed.untilMs > performance.now()) throw failed.error
    try {
      const deployed = await inTurn(() => once(unit))
      unit.failed = undefined
      if (unit.ended) await deployed.retire()
      else unit.deployed = deployed
    } catch (error) {
      unit.failed = { error, untilMs: performance.now() + FAILURE_MS }
      throw error
    }
  }
  return {
    once,
    /** Loads it once; who asks soon after a failure is told of that. */
    onDemand: (unit: Unit): Promise<void> => {
      unit.loading ??= demanded(unit).finally(() => {
        unit.loading = undefined
        onChange()
        onLoaded?.()
      })
      return unit.loading
    },
    again: (unit: Unit): Promise<void> => {
      unit.loading ??= untilLoaded(unit).finally(() => {
        unit.loading = undefined
        onChange()
      })
      return unit.loading
    },
  }
}

export function standingOf({ table, units, doing }: Slot): Standing {
  const live = table.revisions.filter(isLive)
  const stands = stateOf(table, live, units)
  const state = stands === 'undeployed' && doing !== undefined ? 'loading' : stands
  const failed = failureOf(live, units)
  const reason = state === 'ready' ? null : (doing ?? failed ?? table.awaiting ?? table.failure)
  return { endpoint: table.name, state, reason, revision: live[0]?.revision ?? null }
}

function stateOf(
  table: EndpointTable,
  live: readonly PlacedRevision[],
  units: ReadonlyMap<number, Unit>,
): State {
  const { failure, awaiting } = table
  if (awaiting !== undefined) return 'loading'
  if (live.length === 0) return failure === null ? 'undeployed' : 'failed'
  const kept = keptOf(table)
  const ready = live.every(
    ({ revision }) => units.get(revision.number)?.deployed?.process.state === 'ready',
  )
  if (ready) return 'ready'
  if (kept === 'pinned') return 'loading'
  return failureOf(live, units) === null ? 'unloaded' : 'failed'
}

/** Why the newest load on demand of what answers came to nothing. */
function failureOf(
  live: readonly PlacedRevision[],
  units: ReadonlyMap<number, Unit>,
): string | null {
  const failed = live
    .map(({ revision }) => units.get(revision.number)?.failed)
    .find((each) => each !== undefined)
  return failed === undefined ? null : messageOf(failed.error)
}

/** Why an endpoint whose revision is not loaded cannot answer. */
export function notReady(table: EndpointTable): Problem {
  const { name, revisions, failure, awaiting } = table
  const first = revisions.find(isLive)
  if (awaiting !== undefined)
    return new Problem(
      'unavailable',
      `endpoint ${name} cannot answer: the files of its model cannot be had and are fetched again (${awaiting}); try again later`,
    )
  if (keptOf(table) === 'unloaded')
    return new Problem(
      'unavailable',
      `endpoint ${name} was unloaded; load it with "orrery endpoint load ${name}"`,
    )
  const why =
    first !== undefined
      ? `version ${versionName(first.revision)} is being loaded`
      : failure === null
        ? 'no model version is deployed to it yet'
        : `its first rollout failed: ${failure}`
  return new Problem('unavailable', `endpoint ${name} cannot answer: ${why}; try again later`)
}

/** Runs so many at the same time, the others in their turn. */
function limitedTo(most: number) {
  let running = 0
  const waiting: (() => void)[] = []
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running < most) running += 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      // Whoever is next takes the place.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}

function keptOf({ settings }: EndpointTable): 'pinned' | 'on-demand' | 'unloaded' {
  if (settings?.unloaded === true) return 'unloaded'
  return settings?.keep ?? 'pinned'
}
