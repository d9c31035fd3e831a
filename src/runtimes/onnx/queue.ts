import { concatRows, inForm, rowCount, sliceRows, type Outputs, type Tensor } from '#inference'
import type { Call } from './call.ts'

/** More rows in one run gain nothing, and the next caller waits for all of them. */
const BATCH_ROWS_MAX = 1024

/** More waiting calls than this are refused at once: waiting would only end in a timeout. */
const WAITING_MAX = 2000

/** Calls in the order in which they will be run: live ones before shadows. */
export function callQueue() {
  const waiting: Call[] = []
  return {
    /** False when too many wait already. */
    add: (call: Call): boolean => {
      if (waiting.length >= WAITING_MAX) return false
      waiting.push(call)
      return true
    },
    /** Puts calls back to the front, each to be run by itself. */
    addAlone: (calls: readonly Call[]): void => {
      for (const call of calls) call.alone = true
      waiting.unshift(...calls)
    },
    /** Takes a call out, unless it is not waiting any more. */
    remove: (call: Call): boolean => {
      const index = waiting.indexOf(call)
      if (index >= 0) waiting.splice(index, 1)
      return index >= 0
    },
    removeAll: () => waiting.splice(0),
    /** The next call, with those that can be run together with it. */
    nextBatch: (): Call[] => {
      const first = waiting.find((call) => call.role === 'live') ?? waiting[0]
      if (first === undefined) return []
      const batch = [first]
      let rows = rowsIn(first)
      for (const call of waiting)
        if (call !== first && fits(call, first) && rows + rowsIn(call) <= BATCH_ROWS_MAX) {
          batch.push(call)
          rows += rowsIn(call)
        }
      for (const call of batch) waiting.splice(waiting.indexOf(call), 1)
      return batch
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
    rowsIn(call) > 0
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

function rowsIn(call: Call): number {
  const [first] = call.inputs
  return first === undefined ? 0 : rowCount(first)
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
  const rows = batch.map(rowsIn)
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
