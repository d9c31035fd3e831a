import { createHash } from 'node:crypto'
import type { LedgerEvidence } from '#ledger'
import type { Table } from './table.ts'
import type { Batch } from './tuple.ts'

/** That a database was moved from or to another, kept in it. */
export interface Move {
  readonly id: string
  /** A copy not in use yet; in use since the move; or left for the other. */
  readonly state: 'arriving' | 'arrived' | 'left'
  /** The other database, without its password. */
  readonly place: string
  readonly atMs: number
}

/** What a database that rows could be moved to has in it. */
export type Holding =
  | { readonly of: 'nothing' }
  | { readonly of: 'rows'; readonly table: string }
  | { readonly of: 'strange tables'; readonly table: string }

/** One value that the other database cannot keep. */
export interface Misfit {
  readonly where: string
  readonly what: string
}

/** One of the two databases of a move. */
export interface End {
  readonly place: string
  /** The steps of migration that it has taken; none where it is new. */
  steps(): Promise<string[]>
  moves(): Promise<Move[]>
  tables(): Promise<Table[]>
  /** All rows in the order of their key. A row that the other database cannot keep is told of and left out. */
  rows(table: Table, onMisfit: (misfit: Misfit) => void): AsyncIterable<Batch>
  evidence(): LedgerEvidence
  /** Keeps, durably, what became of it; nothing is read as it was before after that. */
  note(move: Move): Promise<void>
  close(): Promise<void>
}

/** A database that rows are moved into. Until `keep` all of it can vanish. */
export interface Receiving extends End {
  write(table: Table, batches: AsyncIterable<Batch>): Promise<void>
  /** Once all rows are there: what holds between tables, and the numbers that it will give next. */
  finish(tables: readonly Table[]): Promise<void>
  /** Makes it last, as a copy that is not in use. */
  keep(move: Move): Promise<void>
}

/** What a table holds, so that two databases can be compared. */
export interface Content {
  readonly table: string
  readonly rows: number
  /** SHA-256 over all rows in the order of their key. */
  readonly digest: string
}

const MISFITS_MAX = 20

/** Reads everything: what each table holds, and what the other database could not keep. */
export async function contentOf(
  end: Pick<End, 'rows'>,
  tables: readonly Table[],
  onRows: (rows: number, table: string) => void,
): Promise<{ contents: Content[]; misfits: Misfit[] }> {
  const contents: Content[] = []
  const misfits: Misfit[] = []
  for (const table of tables) {
    const hash = createHash('sha256')
    let rows = 0
    for await (const batch of end.rows(table, (misfit) => misfits.push(misfit))) {
      hash.update(batch.bytes)
      rows += batch.rows
      onRows(batch.rows, table.name)
      if (misfits.length >= MISFITS_MAX) return { contents, misfits }
    }
    contents.push({ table: table.name, rows, digest: hash.digest('hex') })
  }
  return { contents, misfits }
}

/** The tables that two databases do not hold alike. */
export function unlike(from: readonly Content[], to: readonly Content[]): string[] {
  const others = new Map(to.map((content) => [content.table, content]))
  return from.flatMap(({ table, rows, digest }) => {
    const other = others.get(table)
    if (other?.digest === digest && other.rows === rows) return []
    return [`${table}: ${rows} rows here, ${other?.rows ?? 0} there, with another digest`]
  })
}

/** One digest over all tables. */
export function digestOf(contents: readonly Content[]): string {
  const lines = contents.map(({ table, rows, digest }) => `${table} ${rows} ${digest}\n`)
  return createHash('sha256').update(lines.toSorted().join('')).digest('hex')
}
