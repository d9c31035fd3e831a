import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import type { EndpointTable, Journal, Plane, Pulse, Recent, Repository, Standing } from '#inference'
import type { Explain } from '#explanations'
import { randomIds } from '#base/ids'
import type { Remote } from './channel.ts'
import { explainOver } from './explanations.ts'
import type { Counted } from '#usage'
import type { Family } from '#protocols/prometheus/index'
import { keepAlive, type Told } from './lives.ts'
import type { Addresses, MemoryOf, PlaneCalls, PlaneSettings, ServerCalls } from './messages.ts'

/** The serving plane in a process of its own, which is started again whenever it ends. */
export interface PlaneProcess extends Plane, Explain {
  /** Starts it, unless the settings say that it starts when it is needed. */
  start(): void
  /** Where it listens. Starts it if need be; throws `unavailable` when it is not there in time. */
  addresses(): Promise<Addresses>
  /** Is not ready from now on, so that no new callers are sent to it; what is asked is answered still. */
  drain(): Promise<void>
  /** The operating system's number of the process, while there is one. */
  pid(): number | undefined
  /** What an endpoint answered in the last minutes; undefined while no process runs. */
  recent(endpoint: string): Promise<Recent | undefined>
  memory(): Promise<MemoryOf[]>
  /** What is measured there; nothing while no process runs. */
  metrics(): Promise<Family[]>
  /** What was counted there; undefined while no process runs. */
  usage(): Promise<Counted | undefined>
}

const refused = async () => {
  throw new Problem('unsupported', 'endpoints are not managed here')
}
const NO_REPOSITORY: Repository = {
  index: async () => [],
  load: refused,
  unload: refused,
  remove: refused,
}

interface Dependencies {
  readonly settings: PlaneSettings
  /** Knows predictions that left the plane's journal long ago. */
  readonly log: Pick<Journal, 'findBatch'>
  /** Without it endpoints are neither listed nor loaded by prediction protocols. */
  readonly repository?: Repository
  readonly logger: Logger
  readonly onRestart: (endpoint: string, reason: string) => void
  readonly onPulse: (pulses: readonly Pulse[]) => void
}

export function supervisePlane(dependencies: Dependencies): PlaneProcess {
  const { settings, logger } = dependencies
  const told: Told = { tables: new Map(), isComplete: false }
  const stood = new Map<string, Standing>()
  const lives = keepAlive({
    settings,
    logger,
    told,
    calls: callsOf(dependencies, stood),
    onBegin: () => stood.clear(),
  })
  const call = async <Result>(ask: (plane: Remote<PlaneCalls>) => Promise<Result>) =>
    ask((await lives.up()).plane)
  /** A process that is begun later is told all tables, so nothing is missed by not being told now. */
  const callIfRunning = async (ask: (plane: Remote<PlaneCalls>) => Promise<unknown>) => {
    if (lives.isRunning()) await call(ask).catch(noted(logger))
  }

  return {
    start: () => {
      if (settings.servingPort !== 0) lives.up().catch(noted(logger))
    },
    addresses: async () => (await lives.up()).addresses,
    pid: lives.pid,
    prepare: (table) => call((plane) => plane.prepare(table)),
    discard: (name) => callIfRunning((plane) => plane.discard(name)),
    tell: async (table) => {
      told.tables.set(table.name, table)
      if (!lives.isRunning() && table.revisions.length > 0) lives.up().catch(noted(logger))
      else await callIfRunning((plane) => plane.tell(table))
    },
    forget: async (name) => {
      told.tables.delete(name)
      stood.delete(name)
      await callIfRunning((plane) => plane.forget(name))
    },
    complete: async () => {
      told.isComplete = true
      await callIfRunning((plane) => plane.complete())
    },
    predict: (name, request) => call((plane) => plane.predict(name, request)),
    describe: (name, pin) => call((plane) => plane.describe(name, pin)),
    score: (placed, rows) => call((plane) => plane.score(placed, rows)),
    explain: (name, request) =>
      call((plane) => explainOver(plane, randomIds.ulid()).explain(name, request)),
    standings: () =>
      [...told.tables.values()].map((table) => stood.get(table.name) ?? waiting(table)),
    statistics: async (name) => (lives.isRunning() ? call((plane) => plane.statistics(name)) : []),
    traffic: async () =>
      lives.isRunning() ? call((plane) => plane.traffic()).catch(() => []) : [],
    recent: async (name) => (lives.isRunning() ? call((plane) => plane.recent(name)) : undefined),
    memory: async () => (lives.isRunning() ? call((plane) => plane.memory()).catch(() => []) : []),
    metrics: async () =>
      lives.isRunning() ? call((plane) => plane.metrics()).catch(() => []) : [],
    usage: async () =>
      lives.isRunning() ? call((plane) => plane.usage()).catch(() => undefined) : undefined,
    drain: () => callIfRunning((plane) => plane.drain()),
    stop: lives.stop,
  }
}

function callsOf(
  { log, repository, onRestart, onPulse }: Dependencies,
  stood: Map<string, Standing>,
): ServerCalls {
  return {
    findBatch: (id) => log.findBatch(id),
    stand: (standings) => {
      for (const standing of standings) stood.set(standing.endpoint, standing)
    },
    restarted: onRestart,
    ...(repository ?? NO_REPOSITORY),
    pulse: onPulse,
  }
}

/** How an endpoint stands that no process has said anything about. */
function waiting({ name, revisions, failure, awaiting }: EndpointTable): Standing {
  const live = revisions.find(({ revision }) => revision.role === 'live')
  const isLoading = live !== undefined || awaiting !== undefined
  const state = isLoading ? 'loading' : failure === null ? 'undeployed' : 'failed'
  return { endpoint: name, state, reason: awaiting ?? failure, revision: live?.revision ?? null }
}

function noted(logger: Logger): (error: unknown) => void {
  return (error) => logger.warn({ error: messageOf(error) }, 'the serving plane was not reached')
}
