import { fork, type ChildProcess } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import type { EndpointTable, Journal, Plane, Pulse, Recent, Repository, Standing } from '#inference'
import type { Explain } from '#explanations'
import { randomIds } from '#base/ids'
import { openChannel, type Remote } from './channel.ts'
import { explainOver } from './explanations.ts'
import type { Family } from '#protocols/prometheus/index'
import type { Addresses, MemoryOf, PlaneCalls, PlaneSettings, ServerCalls } from './messages.ts'

/** The serving plane in a process of its own, which is started again whenever it ends. */
export interface PlaneProcess extends Plane, Explain {
  /** Starts it, unless the settings say that it starts when it is needed. */
  start(): void
  /** Where it listens. Starts it if need be; throws `unavailable` when it is not there in time. */
  addresses(): Promise<Addresses>
  /** The operating system's number of the process, while there is one. */
  pid(): number | undefined
  /** What an endpoint answered in the last minutes; undefined while no process runs. */
  recent(endpoint: string): Promise<Recent | undefined>
  memory(): Promise<MemoryOf[]>
  /** What is measured there; nothing while no process runs. */
  metrics(): Promise<Family[]>
}

/** Whoever asks waits so long for a process that is being started. */
const UP_MS_MAX = 10_000
/** Starting takes so long at most: it loads no model before it listens. */
const BEGIN_MS_MAX = 30_000
/** A plane that lived this long starts again at once. */
const STEADY_MS = 10_000
const BACKOFF_MS_MAX = 5000
const PING_EVERY_MS = 2000
/** A plane whose loop has not turned for so long is ended. */
const PONG_MS_MAX = 15_000

const refused = async () => {
  throw new Problem('unsupported', 'endpoints are not managed here')
}
const NO_REPOSITORY: Repository = {
  index: async () => [],
  load: refused,
  unload: refused,
  remove: refused,
}

interface Life {
  readonly child: ChildProcess
  readonly plane: Remote<PlaneCalls>
  readonly addresses: Addresses
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
  const tables = new Map<string, EndpointTable>()
  const stood = new Map<string, Standing>()
  let isComplete = false
  let stopped = false
  let before: Addresses | undefined
  let quickDeaths = 0
  let again: NodeJS.Timeout | undefined
  /** The life that is or is being begun; undefined before the first need. */
  let life: Promise<Life> | undefined
  let child: ChildProcess | undefined

  const begin = async (): Promise<Life> => {
    stood.clear()
    const begun = fork(entry(), [], {
      serialization: 'advanced',
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child = begun
    const startedMs = performance.now()
    const { theirs, end } = openChannel<PlaneCalls>(begun, callsOf(dependencies, stood))
    begun.once('exit', (code, signal) => {
      end()
      if (child === begun) over(signal ?? `code ${code}`, performance.now() - startedMs)
    })
    const tooLate = setTimeout(() => begun.kill('SIGKILL'), BEGIN_MS_MAX)
    const addresses = await theirs
      .begin(settings, before, [...tables.values()])
      .finally(() => clearTimeout(tooLate))
    before = addresses
    if (isComplete) await theirs.complete()
    watch(begun, theirs)
    logger.info({ ...addresses, pid: begun.pid }, 'answering predictions')
    return { child: begun, plane: theirs, addresses }
  }
  const over = (reason: string, livedMs: number) => {
    child = undefined
    if (stopped) return
    quickDeaths = livedMs > STEADY_MS ? 0 : quickDeaths + 1
    const waitMs = quickDeaths <= 1 ? 0 : Math.min(BACKOFF_MS_MAX, 100 * 2 ** quickDeaths)
    logger.error({ reason, waitMs }, 'the serving plane ended; starting it again')
    life = new Promise((resolve, reject) => {
      again = setTimeout(() => {
        begin().then(resolve, reject)
      }, waitMs)
    })
    life.catch(() => undefined)
  }
  const up = async (): Promise<Life> => {
    if (stopped) throw new Problem('unavailable', 'the server is being stopped; try again later')
    if (life === undefined) {
      life = begin()
      life.catch(() => undefined)
    }
    return soon(life)
  }
  const call = async <Result>(ask: (plane: Remote<PlaneCalls>) => Promise<Result>) =>
    ask((await up()).plane)
  const isRunning = () => child !== undefined

  return {
    start: () => {
      if (settings.servingPort !== 0) up().catch(noted(logger))
    },
    addresses: async () => (await up()).addresses,
    pid: () => child?.pid,
    prepare: (table) => call((plane) => plane.prepare(table)),
    discard: async (name) => {
      if (isRunning()) await call((plane) => plane.discard(name)).catch(noted(logger))
    },
    tell: async (table) => {
      tables.set(table.name, table)
      // A process that is begun later is told all tables.
      if (isRunning()) await call((plane) => plane.tell(table)).catch(noted(logger))
      else if (table.revisions.length > 0) up().catch(noted(logger))
    },
    forget: async (name) => {
      tables.delete(name)
      stood.delete(name)
      if (isRunning()) await call((plane) => plane.forget(name)).catch(noted(logger))
    },
    complete: async () => {
      isComplete = true
      if (isRunning()) await call((plane) => plane.complete()).catch(noted(logger))
    },
    predict: (name, request) => call((plane) => plane.predict(name, request)),
    describe: (name, pin) => call((plane) => plane.describe(name, pin)),
    score: (placed, rows) => call((plane) => plane.score(placed, rows)),
    explain: (name, request) =>
      call((plane) => explainOver(plane, randomIds.ulid()).explain(name, request)),
    standings: () => [...tables.values()].map((table) => stood.get(table.name) ?? waiting(table)),
    statistics: async (name) => (isRunning() ? call((plane) => plane.statistics(name)) : []),
    traffic: async () => (isRunning() ? call((plane) => plane.traffic()).catch(() => []) : []),
    recent: async (name) => (isRunning() ? call((plane) => plane.recent(name)) : undefined),
    memory: async () => (isRunning() ? call((plane) => plane.memory()).catch(() => []) : []),
    metrics: async () => (isRunning() ? call((plane) => plane.metrics()).catch(() => []) : []),
    stop: async () => {
      stopped = true
      clearTimeout(again)
      const ending = child
      if (ending === undefined) return
      const exited = new Promise((resolve) => ending.once('exit', resolve))
      const late = setTimeout(() => ending.kill('SIGKILL'), settings.drainMs + 5000)
      await life?.then(({ plane }) => plane.stop()).catch(() => undefined)
      if (ending.connected) ending.disconnect()
      await exited
      clearTimeout(late)
    },
  }
}

/** In a checkout the file is TypeScript and Node strips its types; in a build it is JavaScript. */
function entry(): string {
  return fileURLToPath(new URL(`./process${extname(import.meta.url)}`, import.meta.url))
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

/** Ends a process whose loop does not turn any more. */
function watch(child: ChildProcess, plane: Remote<PlaneCalls>): void {
  let answeredMs = performance.now()
  const answered = async (pong: Promise<void>) => {
    try {
      await pong
      answeredMs = performance.now()
    } catch {
      // It has ended, which is seen elsewhere.
    }
  }
  const timer = setInterval(() => {
    if (performance.now() - answeredMs > PONG_MS_MAX) child.kill('SIGKILL')
    void answered(plane.ping())
  }, PING_EVERY_MS).unref()
  child.once('exit', () => clearInterval(timer))
}

async function soon(life: Promise<Life>): Promise<Life> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new Problem(
          'unavailable',
          'the process that answers predictions is not there; it is started again, so try again',
        ),
      )
    }, UP_MS_MAX)
  })
  try {
    return await Promise.race([life, late])
  } finally {
    clearTimeout(timer)
  }
}

/** How an endpoint stands that no process has said anything about. */
function waiting({ name, revisions, failure }: EndpointTable): Standing {
  const live = revisions.find(({ revision }) => revision.role === 'live')
  const state = live !== undefined ? 'loading' : failure === null ? 'undeployed' : 'failed'
  return { endpoint: name, state, reason: failure, revision: live?.revision ?? null }
}

function noted(logger: Logger): (error: unknown) => void {
  return (error) => logger.warn({ error: messageOf(error) }, 'the serving plane was not reached')
}
