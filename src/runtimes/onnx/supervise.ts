import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import type { Runtime, ServingProcess } from '#serving'
import { dispatch } from './dispatch.ts'
import { incarnate, type Incarnation, type Loaded } from './incarnation.ts'

/** A process that lived this long starts again at once when it dies. */
const STEADY_MS = 30_000
const BACKOFF_MS_MAX = 10_000

/** An optional model that was running this often when its process died is left out from then on. */
const DEATHS_MAX = 2

const NOTHING_LOADED: Loaded = { shapes: new Map(), failures: new Map() }

/** Starts a serving process and keeps it up: see `ServingProcess` for what its callers may rely on. */
export async function supervise(
  options: Parameters<Runtime['start']>[0],
  logger: Logger,
): Promise<ServingProcess> {
  const { name, timeoutMs } = options
  const poison = poisonList(options.models)
  const calls = dispatch(timeoutMs, poison.countDeath)
  let current: Incarnation | undefined
  let loaded = NOTHING_LOADED
  let state: ServingProcess['state'] = 'restarting'
  let quickDeaths = 0
  let again: NodeJS.Timeout | undefined

  const start = async () => {
    const process = incarnate(name, poison.remaining())
    const startedMs = performance.now()
    current = process
    loaded = await process.loaded.catch((error: unknown) => {
      throw new Problem(
        'unavailable',
        `the serving process of ${name} did not start: ${messageOf(error)}`,
      )
    })
    await refuseMissing(process)
    if (state === 'stopped') return process.end()
    state = 'ready'
    calls.use(process, whyMissing)
    void process.ended.then((reason) => startAgain(reason, performance.now() - startedMs))
  }

  const refuseMissing = async (process: Incarnation) => {
    const missing = options.models.find(({ key, optional }) => !optional && !loaded.shapes.has(key))
    if (missing === undefined) return
    await process.end()
    throw new Problem(
      'invalid',
      `model ${missing.key} cannot be loaded: ${loaded.failures.get(missing.key)}`,
    )
  }

  const whyMissing = (key: string) => {
    if (loaded.shapes.has(key)) return undefined
    return `model ${key} is not served here: ${poison.reason(key) ?? loaded.failures.get(key) ?? 'it was not asked for'}`
  }

  /** Starts the process again, later each time that it does not live long. */
  const startAgain = (reason: string, livedMs: number) => {
    if (state === 'stopped') return
    state = 'restarting'
    quickDeaths = livedMs > STEADY_MS ? 1 : quickDeaths + 1
    const waitMs = quickDeaths === 1 ? 0 : Math.min(BACKOFF_MS_MAX, 100 * 2 ** quickDeaths)
    logger.warn({ process: name, reason, waitMs }, 'a serving process ended; starting it again')
    options.onRestart?.(reason)
    again = setTimeout(() => {
      start().catch((error: unknown) => startAgain(messageOf(error), 0))
    }, waitMs)
  }

  await start()
  return {
    infer: calls.infer,
    get shapes() {
      return loaded.shapes
    },
    get failures() {
      return loaded.failures
    },
    get state() {
      return state
    },
    get pid() {
      return state === 'ready' ? current?.pid : undefined
    },
    ping: async () => {
      if (state !== 'ready' || current === undefined)
        throw new Problem('unavailable', `the serving process of ${name} is ${state}`)
      await current.ping(timeoutMs)
    },
    stop: async () => {
      state = 'stopped'
      clearTimeout(again)
      calls.close(
        new Problem('unavailable', `the serving process of ${name} was stopped; try again`),
      )
      await current?.end()
    },
  }
}

/** Optional models that cost their process its life too often. */
function poisonList(models: Parameters<Runtime['start']>[0]['models']) {
  const deaths = new Map<string, { count: number; reason: string }>()
  const isOut = (key: string) => (deaths.get(key)?.count ?? 0) >= DEATHS_MAX
  return {
    countDeath: (key: string, reason: string) => {
      if (models.find((model) => model.key === key)?.optional !== true) return
      deaths.set(key, { count: (deaths.get(key)?.count ?? 0) + 1, reason })
    },
    remaining: () => models.filter(({ key }) => !isOut(key)),
    reason: (key: string) =>
      isOut(key)
        ? `it is left out since its process ended ${DEATHS_MAX} times while it ran (${deaths.get(key)?.reason})`
        : undefined,
  }
}
