import { loggedRows, type Identity } from './asked.ts'
import type { LoggedBatch, NewAnswer, NewBatch, NumericBatch } from './journal.ts'
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
  return (
    numericBatch(taken, answered) ?? redacted(batchOf(taken, answered), taken.table.log ?? null)
  )
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
function numericBatch(
  { table, live, echoes }: Taken,
  answered: Answered,
): NumericBatch | undefined {
  const { id, sent, events, outputs, atMs, latencyMs } = answered
  const { matrix, columns } = sent
  if (matrix === undefined || id.digest !== null || events !== undefined) return undefined
  if (echoes.length > 0 || outputs.form !== undefined || leavesOut(table.log ?? null))
    return undefined
  const rows = rowCount(matrix)
  const answers = numbersOf(outputs, rows)
  return (
    answers && {
      id: id.batch,
      endpoint: table.name,
      atMs,
      latencyMs,
      columns,
      revision: live.logged,
      rows,
      inputs: timedRows(matrix, atMs),
      outputs: answers,
    }
  )
}

/** Row after row: its event time, and its values. */
function timedRows(matrix: Tensor, atMs: number): Float64Array {
  const [rows = 0, width = 0] = matrix.shape
  const values = plainNumbers(matrix) ?? []
  const timed = new Float64Array(rows * (width + 1))
  for (let row = 0, from = 0, to = 0; row < rows; row++) {
    timed[to++] = atMs
    for (const end = from + width; from < end; from++) timed[to++] = values[from] as number
  }
  return timed
}

/** Output after output, if each gives one number for each row. */
function numbersOf(outputs: Outputs, rows: number): Float64Array | undefined {
  const numbers = new Float64Array(outputs.length * rows)
  for (const [index, output] of outputs.entries()) {
    const values = plainNumbers(output)
    if (values?.length !== rows || output.shape.length > 2) return undefined
    numbers.set(values, index * rows)
  }
  return numbers
}
