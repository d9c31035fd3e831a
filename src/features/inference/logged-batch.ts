import { loggedRows, type Identity } from './asked.ts'
import type { Floats, LoggedBatch, MatrixBatch, NewAnswer, NewBatch } from './journal.ts'
import { leavesOut, redacted } from './log-policy.ts'
import type { Taken } from './taken.ts'
import type { RowEvent } from './rows/event.ts'
import type { Sent } from './rows/feeds.ts'
import { loggedCells } from './rows/wide.ts'
import type { Outputs } from './runtime.ts'
import { answerOf } from './shadows.ts'
import { plainNumbers, rowCount, type Tensor } from './tensor.ts'

interface Answered {
  readonly id: Identity
  readonly sent: Sent
  /** Undefined where every row happened at `atMs` and is about nobody in particular. */
  readonly events: readonly RowEvent[] | undefined
  readonly outputs: Outputs
  readonly atMs: number
  readonly latencyMs: number
}

/** A request and its answer as the log keeps them. */
export function loggedBatch(taken: Taken, answered: Answered): LoggedBatch {
  return matrixBatch(taken, answered) ?? redacted(batchOf(taken, answered), taken.table.log ?? null)
}

function batchOf({ table, live, echoes }: Taken, answered: Answered): NewBatch {
  const { id, sent, events, outputs, atMs, latencyMs } = answered
  const { columns, rows } = loggedRows(sent, table, live)
  // A request with a name of its own may be asked again, and its answer then comes from the log.
  const answer = answerOf(live.logged, outputs, { rows: rows.length, whole: id.digest !== null })
  return {
    id: id.batch,
    endpoint: table.name,
    digest: id.digest,
    atMs,
    latencyMs,
    columns,
    ...(outputs.form === undefined ? {} : { form: outputs.form }),
    rows: rows.map((row, index) => ({
      eventMs: events?.[index]?.eventMs ?? atMs,
      key: events?.[index]?.key ?? null,
      inputs: loggedCells(row),
    })),
    answers: [
      answer,
      ...echoes.map((revision): NewAnswer => ({ revision, outputs: answer.outputs })),
    ],
  }
}

/** The same for a matrix that is answered with numbers, as most are: nothing is made for each of its values. */
function matrixBatch({ table, live, echoes }: Taken, answered: Answered): MatrixBatch | undefined {
  const { id, sent, events, outputs, atMs, latencyMs } = answered
  const { matrix, columns } = sent
  if (matrix === undefined || id.digest !== null || events !== undefined) return undefined
  if (echoes.length > 0 || outputs.form !== undefined || leavesOut(table.log ?? null))
    return undefined
  const rows = rowCount(matrix)
  const values = floatsOf(matrix)
  const answers = outputs.map((output) => isNumberForEach(output, rows) && floatsOf(output))
  if (values === undefined || !answers.every((each) => typeof each === 'object')) return undefined
  return {
    id: id.batch,
    endpoint: table.name,
    atMs,
    latencyMs,
    columns,
    revision: live.logged,
    rows,
    matrix: values,
    outputs: answers,
  }
}

function isNumberForEach({ shape, data }: Tensor, rows: number): boolean {
  return data.length === rows && shape.length <= 2
}

/** The numbers of a tensor, as they are where they are floats. */
function floatsOf(tensor: Tensor): Floats | undefined {
  const numbers = plainNumbers(tensor)
  if (numbers === undefined) return undefined
  const isFloats = numbers instanceof Float32Array || numbers instanceof Float64Array
  return isFloats ? numbers : Float64Array.from(numbers)
}
