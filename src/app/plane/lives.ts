import type { ChildProcess } from 'node:child_process'
import type { Logger } from '#base/logger'
import { Problem } from '#base/problem'
import type { EndpointTable } from '#inference'
import { openChannel, type Remote } from './channel.ts'
import { forked } from './fork.ts'
import type { Addresses, PlaneCalls, PlaneSettings, ServerCalls } from './messages.ts'

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

/** What each life of the plane is told when it begins. */
export interface Told {
  readonly tables: Map<string, EndpointTable>
  /** Whether these are all endpoints that there are. */
  isComplete: boolean
}

export interface Life {
  readonly plane: Remote<PlaneCalls>
  readonly addresses: Addresses
}

export interface Lives {
  /** The life that is under way. Begins one if need be; throws `unavailable` when it is not there in time. */
  up(): Promise<Life>
  isRunning(): boolean
  pid(): number | undefined
  stop(): Promise<void>
}

interface Parts {
  readonly settings: PlaneSettings
  readonly logger: Logger
  readonly told: Told
  readonly calls: ServerCalls
  readonly onBegin: () => void
}

/** Begins the plane's process when it is needed, and again whenever it ends. */
export function keepAlive(parts: Parts): Lives {
  const { settings, logger } = parts
  const backoffMs = backoff()
  let stopped = false
  let before: Addresses | undefined
  let again: NodeJS.Timeout | undefined
  let child: ChildProcess | undefined
  /** The life that is or is being begun; undefined before the first need. */
  let life: Promise<Life> | undefined

  const next = async (): Promise<Life> => {
    const startedMs = performance.now()
    const begun = forked()
    child = begun
    begun.once('exit', (code, signal) => {
      if (child === begun) over(signal ?? `code ${code}`, performance.now() - startedMs)
    })
    const living = await begin(begun, parts, before)
    before = living.addresses
    const tookMs = Math.round(performance.now() - startedMs)
    logger.info({ ...before, pid: begun.pid, tookMs }, 'answering predictions')
    return living
  }
  const over = (reason: string, livedMs: number) => {
    child = undefined
    if (stopped) return
    const waitMs = backoffMs(livedMs)
    logger.error({ reason, waitMs }, 'the serving plane ended; starting it again')
    life = new Promise((resolve, reject) => {
      again = setTimeout(() => {
        next().then(resolve, reject)
      }, waitMs)
    })
    life.catch(() => undefined)
  }
  return {
    up: async () => {
      if (stopped) throw new Problem('unavailable', 'the server is being stopped; try again later')
      if (life === undefined) {
        life = next()
        life.catch(() => undefined)
      }
      return soon(life)
    },
    isRunning: () => child !== undefined,
    pid: () => child?.pid,
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

/** Has a process listen where the one before it did, and tells it what that one knew. */
async function begin(
  child: ChildProcess,
  { settings, told, calls, onBegin }: Parts,
  before: Addresses | undefined,
): Promise<Life> {
  onBegin()
  const { theirs, end } = openChannel<PlaneCalls>(child, calls)
  child.once('exit', end)
  const tooLate = setTimeout(() => child.kill('SIGKILL'), BEGIN_MS_MAX)
  const addresses = await theirs
    .begin(settings, before, [...told.tables.values()])
    .finally(() => clearTimeout(tooLate))
  if (told.isComplete) await theirs.complete()
  watch(child, theirs)
  return { plane: theirs, addresses }
}

/** How long to wait before the next start: not at all after a steady life, then longer each time. */
function backoff(): (livedMs: number) => number {
  let quickDeaths = 0
  return (livedMs) => {
    quickDeaths = livedMs > STEADY_MS ? 0 : quickDeaths + 1
    return quickDeaths <= 1 ? 0 : Math.min(BACKOFF_MS_MAX, 100 * 2 ** quickDeaths)
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
