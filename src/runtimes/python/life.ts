import type { ChildProcess } from 'node:child_process'
import type { Duplex, Readable } from 'node:stream'
import type { Logger } from '#base/logger'
import { Problem } from '#base/problem'
import type { HeldModel } from '#inference'
import { ProcessEnded, type Incarnation, type Loaded } from '#runtimes/onnx/incarnation'
import { eachFrame, framed, framedCall, outputsIn, type Frame } from './frames.ts'
import { killGroup, type ProcessSpec } from './spawn.ts'
import type { Spares } from './spares.ts'
import { wordsOf } from './words.ts'

/** What a Python process needs beside its model. */
export interface LifeOptions extends ProcessSpec {
  readonly logger: Logger
  readonly spares: Spares
  /** Told what the model is like: whether its calls may be run together. */
  readonly onJoins: (joins: boolean) => void
}

/** Importing TensorFlow from a cold disk takes minutes. */
const LOAD_MS_MAX = 300_000
const STOP_MS_MAX = 2000
/** What messages about the loading have for an id. */
const LOADING = 0
/** What a process has printed may arrive after its end. */
const LAST_WORDS_MS = 200

/** What has become of a process, and whether it was meant to. */
interface Fate {
  timedOut: boolean
  wanted: boolean
  end: ProcessEnded | undefined
}

interface Waiting {
  resolve(frame: Frame): void
  reject(ended: ProcessEnded): void
}

/** Starts a Python process and has it load the model. */
export function beginLife(name: string, model: HeldModel, options: LifeOptions): Incarnation {
  const { child } = options.spares.take(options)
  const channel = child.stdio[3] as Duplex
  const words = wordsOf(name, [child.stdout, child.stderr] as Readable[], options.logger)
  const waiting = new Map<number, Waiting>()
  const state: Fate = { timedOut: false, wanted: false, end: undefined }
  const ended = endOf(child, words.last).then((reason) => {
    const { timedOut, wanted } = state
    if (!wanted) options.spares.prepare(options)
    const why = timedOut ? `it did not answer in time: ${words.last()}` : reason
    state.end = new ProcessEnded(why, timedOut)
    for (const { reject } of waiting.values()) reject(state.end)
    waiting.clear()
    return state.end.message
  })
  const tell = (chunks: readonly Buffer[]) => {
    channel.cork()
    for (const chunk of chunks) channel.write(chunk)
    channel.uncork()
  }
  const ask = askerOf({ child, waiting, state, tell })
  const { loaded, onLoaded } = loadingOf(child, model, ended)
  const onFrame = (frame: Frame) => {
    const { header } = frame
    if (header.type === 'loaded') options.onJoins(model.python?.joins ?? header.joins)
    if (header.type === 'loaded' || header.id === LOADING) return onLoaded(header)
    waiting.get(header.id)?.resolve(frame)
    waiting.delete(header.id)
    return undefined
  }
  eachFrame(channel, onFrame, () => killGroup(child))
  // A channel that breaks shows as the end of the process, which settles everything.
  channel.on('error', () => undefined)

  tell(framed({ type: 'load', path: model.path }))
  return {
    pid: child.pid,
    loaded,
    ended,
    run: async (_, inputs, { timeoutMs, params }) => {
      const frame = await ask((id) => framedCall({ id, params }, inputs), timeoutMs)
      const { header } = frame
      if (header.type === 'inferred') {
        // What is no table cannot be parted among callers.
        if (header.form === 'json') options.onJoins(false)
        return outputsIn({ header, body: frame.body })
      }
      throw refusal(model.key, header)
    },
    ping: async (timeoutMs) => void (await ask((id) => framed({ type: 'ping', id }), timeoutMs)),
    end: async () => {
      state.wanted = true
      const killing = setTimeout(() => killGroup(child), STOP_MS_MAX)
      channel.end()
      await ended
      clearTimeout(killing)
    },
  }
}

function askerOf(parts: {
  child: ChildProcess
  waiting: Map<number, Waiting>
  state: Fate
  tell: (chunks: readonly Buffer[]) => void
}) {
  const { child, waiting, state, tell } = parts
  let nextId = 1
  return async (question: (id: number) => Buffer[], timeoutMs: number): Promise<Frame> => {
    if (state.end !== undefined) throw state.end
    const id = nextId++
    const timer = setTimeout(() => {
      state.timedOut = true
      killGroup(child)
    }, timeoutMs)
    try {
      return await new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        tell(question(id))
      })
    } finally {
      clearTimeout(timer)
    }
  }
}

function refusal(key: string, header: Frame['header']): Problem {
  if (header.type !== 'failed') return new Problem('unavailable', `model ${key} gave no answer`)
  const { kind, reason } = header
  return kind === 'memory'
    ? new Problem(
        'limit',
        `model ${key} did not answer: ${reason}; send fewer rows at once, or raise modelMemoryBytesMax`,
      )
    : new Problem('invalid', `model ${key} refused the input: ${reason}`)
}

/** How the process ended, with the last that it printed. */
function endOf(child: ChildProcess, lastWords: () => string): Promise<string> {
  return new Promise((resolve) => {
    const done = (how: string) => resolve([how, lastWords()].filter(Boolean).join(': '))
    if (child.exitCode !== null || child.signalCode !== null) done('it ended before it was asked')
    child.on('error', (error) => {
      if (child.pid === undefined) done(`it could not be started (${error.message})`)
    })
    child.on('exit', (code, signal) => {
      const how = `it ended with ${signal ?? `code ${code}`}`
      child.once('close', () => done(how))
      setTimeout(() => done(how), LAST_WORDS_MS)
    })
  })
}

/** What comes of the loading, told by the first message that is about it. */
function loadingOf(child: ChildProcess, { key }: HeldModel, ended: Promise<string>) {
  const { promise: loaded, resolve, reject } = Promise.withResolvers<Loaded>()
  const limit = setTimeout(() => killGroup(child), LOAD_MS_MAX)
  const end = async () => {
    const reason = await ended
    clearTimeout(limit)
    reject(new ProcessEnded(reason, false))
  }
  void end()
  const onLoaded = (header: Frame['header']) => {
    clearTimeout(limit)
    if (header.type === 'loaded') {
      const { inputs, outputs } = header
      resolve({ shapes: new Map([[key, { inputs, outputs }]]), failures: new Map() })
    } else {
      const reason = header.type === 'failed' ? header.reason : 'no answer'
      resolve({ shapes: new Map(), failures: new Map([[key, reason]]) })
    }
  }
  return { loaded, onLoaded }
}
