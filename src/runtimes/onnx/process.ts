import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { IS_BOUND } from '#base/bound'
import { messageOf } from '#base/problem'
import { giveBackAtRest } from '#base/young-memory'
import type { HeldModel, Tensor, TensorData, TensorType } from '#inference'
import { admitted } from './gate.ts'
import type { FromProcess, ToProcess } from './messages.ts'
import { withoutPlaces } from './places.ts'
import { shapeOf } from './shape.ts'
import { withoutZipMaps } from './zipmap.ts'

// The entry of a serving process: holds models and runs them, one call at a time. It has no other way to
// the server than its channel, and ends when that closes.

// The runtime's JavaScript half makes half floats of this kind where there is one, and its native half cannot
// read them; without it both take numbers of 16 bits.
Reflect.deleteProperty(globalThis, 'Float16Array')
const ort = await import('onnxruntime-node')
const held = new Map<string, Held>()

interface Held {
  readonly session: InferenceSession
  /** What outputs are called in answers, where the file calls them otherwise. */
  readonly names: ReadonlyMap<string, string>
}

const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  // The default is a thread for each core and session, spinning: the machine has other work.
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: '0' } } },
}

async function load(models: readonly HeldModel[]): Promise<FromProcess> {
  const shapes: [string, ReturnType<typeof shapeOf>][] = []
  const failures: [string, string][] = []
  for (const { key, path } of models) {
    try {
      const { path: runnable, names } = withoutZipMaps(path, admitted(path))
      const session = await ort.InferenceSession.create(runnable, SESSION_OPTIONS)
      shapes.push([key, shapeOf(session, names)])
      held.set(key, { session, names })
    } catch (error) {
      failures.push([key, inOwnWords(messageOf(error)).reason])
    }
  }
  return { type: 'loaded', shapes, failures }
}

async function infer({ id, key, inputs }: ToProcess & { type: 'infer' }): Promise<FromProcess> {
  try {
    const { session, names } = held.get(key) ?? {}
    if (session === undefined) throw new Error(`model ${key} is not held here`)
    const feeds = Object.fromEntries(inputs.map((input) => [input.name, toOrt(input)]))
    const results = await session.run(feeds)
    const outputs = session.outputNames.map((name) =>
      fromOrt(names?.get(name) ?? name, results[name] as OrtTensor),
    )
    return { type: 'inferred', id, outputs }
  } catch (error) {
    return { type: 'failed', id, ...inOwnWords(messageOf(error)) }
  }
}

function toOrt({ type, data, shape }: Tensor): OrtTensor {
  return new ort.Tensor(type, data, [...shape])
}

function fromOrt(name: string, { type, data, dims }: OrtTensor): Tensor {
  return { name, type: type as TensorType, shape: [...dims], data: data as TensorData }
}

/** What the runtime says, with what to do when its memory is at an end. */
function inOwnWords(reason: string): { kind: 'refused' | 'memory'; reason: string } {
  if (!/bad_alloc|failed to allocate|allocation failed/i.test(reason))
    return { kind: 'refused', reason: withoutPlaces(reason) }
  const [, bytes] = /buffer of size (\d+)/.exec(reason) ?? []
  const asked = bytes === undefined ? '' : ` (it asked for ${bytes} bytes at once)`
  return {
    kind: 'memory',
    reason: `it needs more memory than a model's process may take${asked}; send fewer rows at once, or raise modelMemoryBytesMax`,
  }
}

async function answer(message: Exclude<ToProcess, { type: 'unload' }>): Promise<FromProcess> {
  if (message.type === 'load') return load(message.models)
  return message.type === 'infer' ? infer(message) : { type: 'pong', id: message.id }
}

let turn: Promise<void> = Promise.resolve()
async function obey(message: ToProcess): Promise<void> {
  if (message.type !== 'unload') return void process.send?.(await answer(message))
  const { session } = held.get(message.key) ?? {}
  held.delete(message.key)
  return session?.release()
}

process.on('message', (message: ToProcess) => {
  turn = turn.then(() => obey(message))
})
giveBackAtRest()
process.on('disconnect', () => process.exit(0))
// A signal to the whole group (Ctrl-C) is for the server: it drains first and then closes the channel.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)

// A model that never ends blocks this thread, and with it the event above.
if (!process.argv.includes(IS_BOUND))
  new Worker(new URL(`./watchdog${extname(import.meta.url)}`, import.meta.url), {
    workerData: process.ppid,
    stdout: true,
    stderr: true,
  }).unref()
