import { printExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import { rowCount, type InferOptions, type Outputs, type Tensor } from '#inference'

/** A call that waits for its answer. */
export interface Call {
  readonly key: string
  readonly inputs: readonly Tensor[]
  readonly role: InferOptions['role']
  readonly timeoutMs: number
  /** As the text of a JSON object; calls with different ones are not run together. */
  readonly params: string | undefined
  readonly rows: number
  readonly bytes: number
  /** Nobody waits for it after this, on the clock of `performance`. */
  readonly expiresMs: number
  /** When it was made, on the clock of `performance`. */
  readonly sinceMs: number
  readonly onRun: InferOptions['onRun']
  /** Times that a process died while it ran this call alone. */
  deaths: number
  /** It is run by itself from now on, since it failed in company. */
  alone: boolean
  resolve(outputs: Outputs): void
  reject(problem: Problem): void
}

/** Time beyond the limits of runs that a call waits for the process to be started again. */
const START_MS = 2000

export function newCall(
  asked: InferOptions & { key: string; inputs: readonly Tensor[] },
  processTimeoutMs: number,
  caller: Pick<Call, 'resolve' | 'reject'>,
): Call {
  const { key, inputs, role, params, deadlineMs, onRun, alone = false } = asked
  const sinceMs = performance.now()
  const timeoutMs = Math.min(asked.timeoutMs ?? processTimeoutMs, processTimeoutMs)
  // Another call may take its whole time first and cost the process; only then is this one's turn.
  const patienceMs = processTimeoutMs + timeoutMs + START_MS
  const [first] = inputs
  return {
    key,
    inputs,
    role,
    timeoutMs,
    params: params === undefined ? undefined : printExactJson(params),
    rows: first === undefined ? 0 : rowCount(first),
    bytes: bytesIn(inputs),
    sinceMs,
    onRun,
    expiresMs: sinceMs + Math.min(deadlineMs ?? patienceMs, patienceMs),
    deaths: 0,
    alone,
    resolve: caller.resolve,
    reject: caller.reject,
  }
}

export function expired({ key }: Call): Problem {
  return new Problem(
    'timeout',
    `model ${key} did not answer before the deadline of the call; try again later`,
  )
}

/** Tells a call that its time is over, if it is: nobody waits for its answer any more, and its run goes on for the others. */
export function rejectLate(call: Call, nowMs: number): void {
  if (call.expiresMs <= nowMs) call.reject(expired(call))
}

/** Those whose time is not over; the others are told that it is. */
export function awaited(calls: readonly Call[]): Call[] {
  const nowMs = performance.now()
  for (const call of calls) rejectLate(call, nowMs)
  return calls.filter(({ expiresMs }) => expiresMs > nowMs)
}

export function rowsIn(calls: readonly Call[]): number {
  return calls.reduce((sum, { rows }) => sum + rows, 0)
}

function bytesIn(inputs: readonly Tensor[]): number {
  let bytes = 0
  for (const { data } of inputs) bytes += 'byteLength' in data ? data.byteLength : textBytes(data)
  return bytes
}

function textBytes(texts: readonly (string | null)[]): number {
  let units = 0
  for (const text of texts) units += text === null ? 0 : text.length
  return 2 * units
}
