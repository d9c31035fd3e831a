import type { Logger } from '#base/logger'
import { messageOf } from '#base/problem'
import type { HeldModel, Runtime, ServingProcess } from '#inference'
import { supervise } from '#runtimes/onnx/supervise'
import { beginLife } from './life.ts'
import { spareProcesses, type Spares } from './spares.ts'
import { together, type Member } from './together.ts'

type Options = Parameters<Runtime['start']>[0]

export interface PythonRuntimeOptions {
  readonly logger: Logger
  /** The Python that has what the model in this folder needs; it may take minutes. Throws a problem that says what to do. */
  readonly pythonFor: (folder: string, onProgress: (doing: string) => void) => Promise<string>
  /** Environment variables that models may see. */
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly memoryBytesMax?: number
}

const MEMORY_BYTES_MAX = 4 * 1024 ** 3
const WORKERS_MAX = 64

/**
 * MLflow models of Python, each in processes of its own: nothing of a model is imported, unpickled or run anywhere
 * else.
 */
export function pythonRuntime(options: PythonRuntimeOptions): Runtime {
  const means = { ...options, spares: spareProcesses() }
  let running = 0
  const onStop = () => {
    running -= 1
    if (running === 0) means.spares.endAll()
  }
  return {
    start: async (asked) => {
      const members: Member[] = []
      const failures = new Map<string, string>()
      const stop = () => Promise.all(members.map(({ process }) => process.stop()))
      try {
        for (const model of asked.models)
          await workersOf(model, asked, means).then(
            (started) => members.push(...started),
            (error: unknown) => {
              if (!model.optional) throw error
              failures.set(model.key, messageOf(error))
            },
          )
      } catch (error) {
        await stop()
        throw error
      }
      running += 1
      return together(members, failures, onStop)
    },
  }
}

/** Starts a model's processes: the first shows whether it loads at all. */
async function workersOf(
  model: HeldModel,
  options: Options,
  means: PythonRuntimeOptions & { spares: Spares },
): Promise<Member[]> {
  const { logger, spares, variables, memoryBytesMax = MEMORY_BYTES_MAX } = means
  const { python = {} } = model
  const progress = options.onProgress ?? (() => undefined)
  const executable = python.executable ?? (await means.pythonFor(model.path, progress))
  progress('loading the model')
  const habit = { joins: false }
  const life = {
    executable,
    memoryBytesMax: python.memoryBytesMax ?? memoryBytesMax,
    variables,
    logger,
    spares,
    onJoins: (joins: boolean) => {
      habit.joins = joins
    },
  }
  const start = (): Promise<ServingProcess> =>
    supervise(
      { ...options, models: [{ ...model, optional: false }] },
      { logger, incarnate: (name) => beginLife(name, model, life) },
    )
  const count = Math.min(WORKERS_MAX, Math.max(1, python.workers ?? 1))
  const first = await start()
  const others = await Promise.allSettled(Array.from({ length: count - 1 }, start))
  const started = [
    first,
    ...others.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])),
  ]
  if (started.length === count)
    return started.map((process) => ({ key: model.key, habit, process, calls: 0 }))
  await Promise.all(started.map((process) => process.stop()))
  throw others.find((each) => each.status === 'rejected')?.reason
}
