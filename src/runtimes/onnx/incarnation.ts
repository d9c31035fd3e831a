import { fork, type ChildProcess } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bound, IS_BOUND } from '#base/bound'
import { Problem } from '#base/problem'
import type { HeldModel, ModelShape, Outputs, Tensor } from '#inference'
import type { FromProcess, ToProcess } from './messages.ts'

/** The process ended while it had something to do. */
export class ProcessEnded extends Error {
  readonly timedOut: boolean
  /** Whether it was at what it was asked, or that still waited for others. */
  readonly begun: boolean

  constructor(reason: string, timedOut: boolean, begun = true) {
    super(reason)
    this.name = 'ProcessEnded'
    this.timedOut = timedOut
    this.begun = begun
  }
}

export interface Loaded {
  readonly shapes: ReadonlyMap<string, ModelShape>
  readonly failures: ReadonlyMap<string, string>
}

export interface RunOptions {
  readonly timeoutMs: number
  /** Parameters of the model, as the text of a JSON object. */
  readonly params?: string | undefined
}

/** One life of a serving process, from its start to its end. It is never started again; another one is. */
export interface Incarnation {
  readonly pid: number | undefined
  /** Resolves when its models are loaded, or rejects with `ProcessEnded`. */
  readonly loaded: Promise<Loaded>
  /** Resolves with the reason when it has ended. */
  readonly ended: Promise<string>
  /** Further runs may be asked while it is busy: their time begins when it is their turn. */
  readonly queues?: boolean
  /** Runs a model. Rejects with an `invalid` problem, or with `ProcessEnded`: after `timeoutMs` it is killed. */
  run(key: string, inputs: readonly Tensor[], options: RunOptions): Promise<Outputs>
  /** Loads further models; absent where a process holds what it began with. */
  load?(models: readonly HeldModel[]): Promise<Loaded>
  unload?(key: string): void
  /** Ends it for a run that nobody waits for; absent where to begin anew costs more than to wait. */
  abandon?(): void
  ping(timeoutMs: number): Promise<void>
  end(): Promise<void>
}

const LOAD_MS_MAX = 120_000
const STOP_MS_MAX = 2000
const LAST_WORDS_MAX = 2000

type Answer = Exclude<FromProcess, { type: 'loaded' }>

interface Asked {
  readonly id: number
  readonly timeoutMs: number
  resolve(answer: Answer): void
  reject(ended: ProcessEnded): void
}

/** Forks a serving process and has it load the models. */
export function incarnate(
  name: string,
  models: readonly HeldModel[],
  memoryBytesMax: number,
): Incarnation {
  const child = forkProcess(name, memoryBytesMax)
  let timedOut = false
  let end: ProcessEnded | undefined

  const kill = () => {
    timedOut = true
    child.kill('SIGKILL')
  }
  const asked = askedInOrder(kill)
  const ended = endOf(child).then((reason) => {
    const why = timedOut ? 'it did not answer in time' : reason
    end = new ProcessEnded(why, timedOut, false)
    asked.endAll(why, timedOut)
    return why
  })
  const loaded = loadedBy(child, ended)
  // They are answered in their order; the first is what it began with.
  const loads: ((loaded: Loaded) => void)[] = [() => undefined]
  child.on('message', (message: FromProcess) => {
    if (message.type === 'loaded') {
      loads.shift()?.(loadedIn(message))
      return
    }
    asked.answer(message)
  })
  const ask = async (
    question: { type: 'ping' } | { type: 'infer'; key: string; inputs: readonly Tensor[] },
    timeoutMs: number,
  ): Promise<Answer> => {
    if (end !== undefined) throw end
    return asked.add(timeoutMs, (id) => tell(child, { ...question, id }))
  }

  tell(child, { type: 'load', models })
  return {
    pid: child.pid,
    loaded,
    ended,
    run: async (key, inputs, { timeoutMs }) =>
      outputsIn(await ask({ type: 'infer', key, inputs }, timeoutMs), key),
    load: async (more) => {
      if (end !== undefined) throw end
      const { promise, resolve } = Promise.withResolvers<Loaded>()
      loads.push(resolve)
      tell(child, { type: 'load', models: more })
      return Promise.race([
        promise,
        ended.then((reason) => Promise.reject(new ProcessEnded(reason, timedOut))),
      ])
    },
    queues: true,
    unload: (key) => tell(child, { type: 'unload', key }),
    abandon: kill,
    ping: async (timeoutMs) => void (await ask({ type: 'ping' }, timeoutMs)),
    end: () => letGo(child, ended),
  }
}

/** What a process was asked and has not answered; it answers in order, and each has its time from when it is its turn. */
function askedInOrder(kill: () => void) {
  const asked: Asked[] = []
  let nextId = 1
  let limit: NodeJS.Timeout | undefined
  const limitFirst = () => {
    clearTimeout(limit)
    const [first] = asked
    if (first !== undefined) limit = setTimeout(kill, first.timeoutMs)
  }
  return {
    add: (timeoutMs: number, tellIt: (id: number) => void): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const id = nextId++
        asked.push({ id, timeoutMs, resolve, reject })
        if (asked.length === 1) limitFirst()
        tellIt(id)
      }),
    answer: (answer: Answer): void => {
      const at = asked.findIndex(({ id }) => id === answer.id)
      const [answered] = at < 0 ? [] : asked.splice(at, 1)
      limitFirst()
      answered?.resolve(answer)
    },
    endAll: (why: string, timedOut: boolean): void => {
      clearTimeout(limit)
      for (const [turn, { reject }] of asked.splice(0).entries())
        reject(new ProcessEnded(why, timedOut, turn === 0))
    },
  }
}

async function letGo(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  const killing = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
  if (child.connected) child.disconnect()
  await ended
  clearTimeout(killing)
}

function outputsIn(answer: Answer, key: string): Outputs {
  if (answer.type === 'inferred') return [...answer.outputs]
  if (answer.type !== 'failed') throw new Problem('unavailable', `model ${key} gave no answer`)
  const { kind, reason } = answer
  throw kind === 'memory'
    ? new Problem('limit', `model ${key} did not answer: ${reason}`)
    : new Problem('invalid', `model ${key} refused the input: ${reason}`)
}

/** The limit binds what a process writes to, not the addresses that it only reserves, of which V8 takes many. */
const LIMITED = 'ulimit -d "$0" 2>/dev/null; exec "$@"'

/** What Node itself sets aside for code and heaps before there is a model, most of it never touched. */
const NODE_BYTES = 1280 * 1024 ** 2

function forkProcess(name: string, memoryBytesMax: number): ChildProcess {
  // In a checkout the file is TypeScript and Node strips its types; in a build it is JavaScript.
  const file = fileURLToPath(new URL(`./process${extname(import.meta.url)}`, import.meta.url))
  const flags = ['--disable-warning=ExperimentalWarning']
  const kib = String(Math.ceil((NODE_BYTES + memoryBytesMax) / 1024))
  // Without a limit no shell is needed, which not every image has.
  const limit = memoryBytesMax === 0 ? [] : ['/bin/sh', '-c', LIMITED, kib]
  const binding = bound()
  const [execPath, ...execArgv] = [...limit, ...binding, process.execPath]
  return fork(file, binding.length > 0 ? [name, IS_BOUND] : [name], {
    serialization: 'advanced',
    execPath,
    execArgv: [...execArgv, ...flags],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
}

function tell(child: ChildProcess, message: ToProcess): void {
  // A channel that breaks shows as the end of the process, which settles everything.
  if (child.connected) child.send(message, () => undefined)
}

/** How the process ended, with the last it wrote to its standard error. */
function endOf(child: ChildProcess): Promise<string> {
  let lastWords = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-LAST_WORDS_MAX)
  })
  return new Promise((resolve) => {
    const done = (how: string) => resolve([how, lastWords.trim()].filter(Boolean).join(': '))
    child.on('error', (error) => {
      lastWords += error.message
      if (child.pid === undefined) done('it could not be started')
    })
    child.on('exit', (code, signal) => done(`it ended with ${signal ?? `code ${code}`}`))
  })
}

function loadedIn({ shapes, failures }: FromProcess & { type: 'loaded' }): Loaded {
  return { shapes: new Map(shapes), failures: new Map(failures) }
}

function loadedBy(child: ChildProcess, ended: Promise<string>): Promise<Loaded> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => child.kill('SIGKILL'), LOAD_MS_MAX)
    child.on('message', (message: FromProcess) => {
      if (message.type !== 'loaded') return
      clearTimeout(limit)
      resolve(loadedIn(message))
    })
    const end = async () => {
      const reason = await ended
      clearTimeout(limit)
      reject(new ProcessEnded(reason, false))
    }
    void end()
  })
}
