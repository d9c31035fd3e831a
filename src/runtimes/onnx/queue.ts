import { concatRows, inForm, sliceRows, type Outputs, type Tensor } from '#inference'
import type { Call } from './call.ts'

/** More waiting calls than this are refused at once: waiting would only end in a timeout. */
const WAITING_MAX = 2000

/** What waits is held in memory; more bytes than this are refused. */
const WAITING_BYTES_MAX = 256 * 1024 * 1024

/** Calls in the order in which they will be run: live ones before shadows. */
export function callQueue() {
  let waiting: Call[] = []
  let rows = 0
  let bytes = 0
  const count = (call: Call, sign: 1 | -1) => {
    rows += sign * call.rows
    bytes += sign * call.bytes
  }
  /** Takes out those that are meant. */
  const take = (isMeant: (call: Call) => boolean): Call[] => {
    const taken: Call[] = []
    const left: Call[] = []
    for (const call of waiting) (isMeant(call) ? taken : left).push(call)
    waiting = left
    for (const call of taken) count(call, -1)
    return taken
  }
  const next = () => waiting.find((call) => call.role === 'live') ?? waiting[0]
  /** Puts calls back to the front. */
  const addFirst = (calls: readonly Call[]): void => {
    for (const call of calls) count(call, 1)
    waiting.unshift(...calls)
  }
  return {
    /** Rows that wait. */
    rows: () => rows,
    calls: () => waiting.length,
    /** False when too much waits already. */
    add: (call: Call): boolean => {
      const isFull = waiting.length >= WAITING_MAX || bytes + call.bytes > WAITING_BYTES_MAX
      // A call that is too large for any queue is run when nothing else waits.
      if (isFull && waiting.length > 0) return false
      waiting.push(call)
      count(call, 1)
      return true
    },
    addFirst,
    /** Puts calls back to the front, each to be run by itself. */
    addAlone: (calls: readonly Call[]): void => {
      for (const call of calls) call.alone = true
      addFirst(calls)
    },
    removeAll: () => take(() => true),
    /** Takes out those for which nobody waits any more. */
    removeExpired: (nowMs: number): Call[] =>
      waiting.some(({ expiresMs }) => expiresMs <= nowMs)
        ? take(({ expiresMs }) => expiresMs <= nowMs)
        : [],
    isEmpty: () => waiting.length === 0,
    /** Whether live calls wait of which no more could be run together. */
    isFull: (rowsMax: (key: string) => number): boolean => {
      const first = next()
      return first?.role === 'live' && rows >= rowsMax(first.key)
    },
    /** The next call, with those that can be run together with it. */
    nextBatch: (rowsMax: (key: string) => number): Call[] => {
      const first = next()
      if (first === undefined) return []
      const most = rowsMax(first.key)
      let taken = first.rows
      return take((call) => {
        if (call === first) return true
        if (taken + call.rows > most || !fits(call, first)) return false
        taken += call.rows
        return true
      })
    },
  }
}

function fits(call: Call, first: Call): boolean {
  return (
    !call.alone &&
    !first.alone &&
    call.key === first.key &&
    call.role === first.role &&
    call.timeoutMs === first.timeoutMs &&
    call.params === first.params &&
    call.inputs.length === first.inputs.length &&
    call.inputs.every((input, index) => joins(input, first.inputs[index])) &&
    call.rows > 0
  )
}

function joins(input: Tensor, other: Tensor | undefined): boolean {
  return (
    other !== undefined &&
    input.name === other.name &&
    input.type === other.type &&
    input.shape.length > 0 &&
    input.shape.length === other.shape.length &&
    input.shape.every((size, dimension) => dimension === 0 || size === other.shape[dimension])
  )
}

/** The inputs of several calls as one. */
export function joined(batch: readonly Call[]): readonly Tensor[] {
  const [first] = batch as [Call, ...Call[]]
  if (batch.length === 1) return first.inputs
  return first.inputs.map((_, index) =>
    concatRows(batch.map((call) => call.inputs[index] as Tensor)),
  )
}

/**
 * Parts the outputs of a joined run among its calls; nothing when an output does not have a row for each
 * input row, as declared shapes do not tell.
 */
export function parted(batch: readonly Call[], outputs: Outputs): Outputs[] | undefined {
  if (batch.length === 1) return [outputs]
  const rows = batch.map((call) => call.rows)
  const total = rows.reduce((sum, count) => sum + count, 0)
  if (outputs.some((output) => output.shape.length === 0 || output.shape[0] !== total))
    return undefined
  let start = 0
  return rows.map((count) => {
    const part = outputs.map((output) => sliceRows(output, start, start + count))
    start += count
    return inForm(part, outputs.form)
  })
}
