import { Problem } from '#base/problem'
import { rowsOf, type PredictionAnswer, type Tensor, type Value } from '#inference'

export type Ask = (rows: readonly (readonly Value[])[]) => Promise<PredictionAnswer>

/** A row that the model refuses, and why. */
export interface BadRow {
  readonly row: number
  readonly reason: string
}

/** What a model said to a block of rows: for each output a value for each row, `null` for bad ones. */
export interface Answered {
  readonly outputs: readonly AnsweredOutput[]
  readonly bad: readonly BadRow[]
}

export interface AnsweredOutput {
  readonly name: string
  readonly type: Tensor['type']
  /** Lengths of the lists in each value; empty for scalars. */
  readonly tail: readonly number[]
  readonly values: readonly Value[]
}

interface Piece {
  readonly start: number
  readonly count: number
  readonly outputs: readonly Tensor[]
}

/** Asks for all rows; if some are refused, finds which by halves, and answers the others. */
export async function answered(ask: Ask, rows: readonly (readonly Value[])[]): Promise<Answered> {
  const pieces: Piece[] = []
  const bad: BadRow[] = []
  const look = async (start: number, end: number): Promise<void> => {
    try {
      const { outputs, form } = await ask(rows.slice(start, end))
      if (form === 'json') throw noTable()
      pieces.push({ start, count: end - start, outputs })
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'invalid') throw error
      // Another form than the model takes is no fault of single rows.
      if (error.details?.['signature'] === 'form') throw error
      if (end - start === 1) {
        bad.push({ row: start, reason: withoutRow(error.message) })
        return
      }
      const middle = (start + end) >> 1
      await look(start, middle)
      await look(middle, end)
    }
  }
  if (rows.length > 0) await look(0, rows.length)
  return { outputs: together(pieces, rows.length), bad }
}

/** The row within a request says nothing to somebody who has a file. */
function withoutRow(message: string): string {
  return message.replace(/ in row \d+/, '')
}

function together(pieces: readonly Piece[], count: number): AnsweredOutput[] {
  const [first] = pieces
  if (first === undefined) return []
  return first.outputs.map(({ name, type, shape }, index) => {
    const tail = tailOf(shape)
    const parts = pieces.map((piece) => {
      const output = piece.outputs[index]
      if (
        output?.name !== name ||
        output.type !== type ||
        tailOf(output.shape).join() !== tail.join()
      )
        throw otherAnswer(name)
      return { start: piece.start, values: rowsOf(output) }
    })
    if (pieces.length === 1 && first.count === count)
      return { name, type, tail, values: parts[0]?.values ?? [] }
    const values = Array.from<Value>({ length: count }).fill(null)
    for (const part of parts)
      for (const [row, value] of part.values.entries()) values[part.start + row] = value
    return { name, type, tail, values }
  })
}

/** [n] and [n,1] are scalars. */
export function tailOf(shape: readonly number[]): number[] {
  const tail = shape.slice(1)
  return tail.length === 1 && tail[0] === 1 ? [] : tail
}

export function otherAnswer(name: string): Problem {
  return new Problem(
    'unsupported',
    `the model answers ${name} in several types or lengths, which makes no column; let it answer one, whatever the rows`,
  )
}

function noTable(): Problem {
  return new Problem(
    'unsupported',
    'the model answers JSON of its own and no value for each row, so there is nothing to write beside the rows',
  )
}
