import { Problem } from '#base/problem'
import type { TableRows } from '#app/monitoring/table-rows'
import type { Value } from '#inference'

/** Rows in one request: it is answered in some hundredths of a second, and others are served between two of them. */
const ROWS_MAX = 1000
/** Values in one request, so that wide rows make no huge body. */
const VALUES_MAX = 500_000

export interface Chunk<T> {
  /** The number of its first row, from 0. */
  readonly first: number
  readonly items: readonly T[]
}

/** The rows of a table as requests of a fit size. */
export async function* chunksOf<T>(
  table: TableRows,
  columns: readonly string[],
  itemOf: (value: (column: string) => Value, row: number) => T,
): AsyncGenerator<Chunk<T>> {
  assertThere(table, columns)
  const rowsMax = Math.max(1, Math.min(ROWS_MAX, Math.floor(VALUES_MAX / columns.length)))
  let items: T[] = []
  let first = 0
  for await (const block of table.blocks(columns)) {
    const cells = new Map(columns.map((column) => [column, block.cells(column)]))
    for (let at = 0; at < block.rows; at++) {
      items.push(itemOf((column) => cells.get(column)?.[at] ?? null, block.first + at))
      if (items.length < rowsMax) continue
      yield { first, items }
      first += items.length
      items = []
    }
  }
  if (items.length > 0) yield { first, items }
}

function assertThere({ columns }: TableRows, asked: readonly string[]): void {
  const missing = asked.filter((column) => !columns.includes(column))
  if (missing.length === 0) return
  throw new Problem(
    'invalid',
    `there is no column ${missing.join(', ')}; the data has ${columns.slice(0, 100).join(', ')}`,
  )
}

/** Sends chunks one after the other; a failure says which row it is about, and what was kept before. */
export async function sendChunks<T, Answer>(
  chunks: AsyncIterable<Chunk<T>>,
  send: (items: readonly T[]) => Promise<Answer>,
  onSent: (answer: Answer, rows: number) => void,
): Promise<void> {
  for await (const { first, items } of chunks) {
    const answer = await send(items).catch((error: unknown) => {
      throw placed(error, first)
    })
    onSent(answer, items.length)
  }
}

/** The server counts in a request, people in the data, whose first row is 1. */
function placed(error: unknown, first: number): unknown {
  if (!(error instanceof Problem)) return error
  const told = error.message.replace(
    /\b(?:prediction|truth) (\d+)\b/,
    (_, at: string) => `row ${first + Number(at) + 1}`,
  )
  const before =
    first === 0 ? 'nothing was kept' : `rows 1 to ${first} are kept, and are not kept twice`
  return new Problem(error.code, `${told}; ${before}: mend it and run the same command again`)
}
