import type { Logger } from '#base/logger'
import { messageOf, Problem } from '#base/problem'
import type { HeldModel, ModelShape, Runtime, ServingProcess } from '#inference'
import { dispatch } from './dispatch.ts'
import type { Incarnation, Loaded } from './incarnation.ts'

/** A process that lived this long starts again at once when it dies. */
const STEADY_MS = 30_000
const BACKOFF_MS_MAX = 10_000
/** Callers wait so long for the next start; when it is further away they are told to come back. */
const WAIT_MS_MAX = 1000
/** One that ended at a call was asked to: what it costs the machine is up to its callers, and they wait for it. */
const AT_WORK_BACKOFF_MS_MAX = 500

/** An optional model that was running this often when its process died is left out from then on. */
const DEATHS_MAX = 2

type Options = Parameters<Runtime['start']>[0]

interface Means {
  readonly logger: Logger
  /** An optional model that was running this often when its process died is left out from then on. */
  readonly deathsMax?: number
  /** Starts one life of a process that holds the models. */
  readonly incarnate: (name: string, models: readonly HeldModel[]) => Incarnation
}

interface Life {
  readonly process: Incarnation
  loaded: Loaded
}

/** A serving process that can be given further models. */
export interface Supervised extends ServingProcess {
  /** Holds one more model. Throws `invalid` when it cannot be loaded. */
  add(model: HeldModel): Promise<void>
  remove(key: string): void
  /** Whether it holds a model no more that cost it its life. */
  isOut(key: string): boolean
}

/** Starts a serving process and keeps it up: see `ServingProcess` for what its callers may rely on. */
export async function supervise(options: Options, means: Means): Promise<Supervised> {
  const { name, timeoutMs } = options
  const models = [...options.models]
  const poison = poisonList(models, means.deathsMax ?? DEATHS_MAX)
  const calls = dispatch(timeoutMs, poison.countDeath)
  const lives = await keepUp(options, means, {
    remaining: poison.remaining,
    isAtWork: calls.isAtWork,
    onRest: calls.rest,
    onBegin: (life) =>
      calls.use(life.process, {
        missing: (key) => whyMissing(key, life.loaded, poison.reason(key)),
        joins: (key) => takesAnyRows(life.loaded.shapes.get(key)),
      }),
  })
  return {
    ...furtherModels(models, lives, poison.forget),
    isOut: (key) => poison.reason(key) !== undefined,
    infer: calls.infer,
    get shapes() {
      return lives.now().loaded.shapes
    },
    get failures() {
      return lives.now().loaded.failures
    },
    get state() {
      return lives.state()
    },
    get pid() {
      return lives.state() === 'ready' ? lives.now().process.pid : undefined
    },
    get waiting() {
      return calls.waiting()
    },
    ping: async () => {
      const state = lives.state()
      if (state !== 'ready')
        throw new Problem('unavailable', `the serving process of ${name} is ${state}`)
      await lives.now().process.ping(timeoutMs)
    },
    stop: async () => {
      lives.close()
      calls.close(
        new Problem('unavailable', `the serving process of ${name} was stopped; try again`),
      )
      await lives.now().process.end()
    },
  }
}

interface Death {
  readonly livedMs: number
  /** It ended while it ran a call. */
  readonly atWork: boolean
}

/** The lives of one serving process: the next one begins when the one before has ended. */
interface Lives {
  /** The newest one that began. */
  now(): Life
  state(): ServingProcess['state']
  /** No other one begins. */
  close(): void
}

async function keepUp(
  { name, models, onRestart }: Options,
  means: Means,
  parts: {
    remaining: () => readonly HeldModel[]
    isAtWork: () => boolean
    /** Told when the next life begins so late that nobody is to wait for it. */
    onRest: (ms: number, why: (leftMs: number) => Problem) => void
    onBegin: (life: Life) => void
  },
): Promise<Lives> {
  const backoffMs = backoff()
  let life = await begin(name, models, means)
  let state: ServingProcess['state'] = 'ready'
  let again: NodeJS.Timeout | undefined

  const serve = () => {
    const startedMs = performance.now()
    parts.onBegin(life)
    void life.process.ended.then((reason) =>
      startAgain(reason, { livedMs: performance.now() - startedMs, atWork: parts.isAtWork() }),
    )
  }
  const startAgain = (reason: string, how: Death) => {
    if (state === 'stopped') return
    state = 'restarting'
    const waitMs = backoffMs(how)
    means.logger.warn({ process: name, reason, waitMs }, 'a serving process ended; starting again')
    onRestart?.(reason)
    if (waitMs > WAIT_MS_MAX) parts.onRest(waitMs, resting(name, reason))
    again = setTimeout(() => {
      restart().catch((error: unknown) =>
        startAgain(messageOf(error), { livedMs: 0, atWork: false }),
      )
    }, waitMs)
  }
  const restart = async () => {
    const next = await begin(name, parts.remaining(), means)
    if (state === 'stopped') return next.process.end()
    life = next
    state = 'ready'
    return serve()
  }

  serve()
  return {
    now: () => life,
    state: () => state,
    close: () => {
      state = 'stopped'
      clearTimeout(again)
    },
  }
}

/** Gives a process further models, and takes them from it, in this life of it and in those to come. */
function furtherModels(
  models: HeldModel[],
  lives: Lives,
  forget: (key: string) => void,
): Pick<Supervised, 'add' | 'remove'> {
  return {
    add: async (model) => {
      const life = lives.now()
      if (life.loaded.shapes.has(model.key)) return
      const more = await life.process.load?.([model]).catch((error: unknown) => {
        throw new Problem(
          'unavailable',
          `the serving process ended while it loaded ${model.key}: ${messageOf(error)}; ask again`,
        )
      })
      const shape = more?.shapes.get(model.key)
      if (shape === undefined)
        throw new Problem(
          'invalid',
          `model ${model.key} cannot be loaded: ${more?.failures.get(model.key)}`,
        )
      models.push({ ...model, optional: true })
      life.loaded = { ...life.loaded, shapes: new Map([...life.loaded.shapes, [model.key, shape]]) }
    },
    remove: (key) => {
      const life = lives.now()
      const at = models.findIndex((model) => model.key === key)
      if (at >= 0) models.splice(at, 1)
      const shapes = new Map(life.loaded.shapes)
      shapes.delete(key)
      life.loaded = { ...life.loaded, shapes }
      forget(key)
      life.process.unload?.(key)
    },
  }
}

/** Starts a process; resolves when it holds all models that it must. */
async function begin(
  name: string,
  models: readonly HeldModel[],
  { incarnate }: Means,
): Promise<Life> {
  const process = incarnate(name, models)
  const loaded = await process.loaded.catch((error: unknown) => {
    throw new Problem(
      'unavailable',
      `the serving process of ${name} did not start: ${messageOf(error)}`,
    )
  })
  const missing = models.find(({ key, optional }) => !optional && !loaded.shapes.has(key))
  if (missing === undefined) return { process, loaded }
  await process.end()
  throw new Problem(
    'invalid',
    `model ${missing.key} cannot be loaded: ${loaded.failures.get(missing.key)}`,
  )
}

/** What callers are told of a process that has ended several times in short order. */
function resting(name: string, reason: string): (leftMs: number) => Problem {
  return (leftMs) =>
    new Problem(
      'unavailable',
      `the serving process of ${name} has ended several times in short order (${reason}), and is started again in ${(leftMs / 1000).toFixed(1)} s; try again then`,
      { retryAfterMs: Math.ceil(leftMs) },
    )
}

/** How long to wait before the next start: not at all after a steady life, then longer each time. */
function backoff(): (death: Death) => number {
  let quickDeaths = 0
  return ({ livedMs, atWork }) => {
    quickDeaths = livedMs > STEADY_MS ? 1 : quickDeaths + 1
    const most = atWork ? AT_WORK_BACKOFF_MS_MAX : BACKOFF_MS_MAX
    return quickDeaths === 1 ? 0 : Math.min(most, 100 * 2 ** quickDeaths)
  }
}

/** Whether no input has a number of rows of its own: those of several calls would not fit. */
function takesAnyRows(shape: ModelShape | undefined): boolean {
  return shape?.inputs.every(({ shape: [rows] }) => typeof rows !== 'number') ?? true
}

function whyMissing(
  key: string,
  { shapes, failures }: Loaded,
  poisoned: string | undefined,
): string | undefined {
  if (shapes.has(key)) return undefined
  return `model ${key} is not served here: ${poisoned ?? failures.get(key) ?? 'it was not asked for'}`
}

/** Optional models that cost their process its life too often. */
function poisonList(models: readonly HeldModel[], deathsMax: number) {
  const deaths = new Map<string, { count: number; reason: string }>()
  const isOut = (key: string) => (deaths.get(key)?.count ?? 0) >= deathsMax
  return {
    countDeath: (key: string, reason: string) => {
      if (models.find((model) => model.key === key)?.optional !== true) return
      deaths.set(key, { count: (deaths.get(key)?.count ?? 0) + 1, reason })
    },
    forget: (key: string) => void deaths.delete(key),
    remaining: () => models.filter(({ key }) => !isOut(key)),
    reason: (key: string) =>
      isOut(key)
        ? `it is left out since its process ended ${deathsMax} times while it ran (${deaths.get(key)?.reason})`
        : undefined,
  }
}
