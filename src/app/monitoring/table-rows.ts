import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Problem } from '#base/problem'
import type { Value } from '#inference'
import { openTables, type Source } from '#stores/analytics/duckdb/tables/index'
import type { Table } from '#tables'

/** Some rows of a table, as they follow one another. */
export interface RowBlock {
  /** The number of its first row, from 0 over all files. */
  readonly first: number
  readonly rows: number
  cells(column: string): readonly Value[]
}

export interface TableRows {
  readonly columns: readonly string[]
  /** Those of some columns, in the order of the files; no more of them is held than the engine hands out at once. */
  blocks(columns: readonly string[]): AsyncGenerator<RowBlock>
}

/** What a scan of some columns needs, and no more. */
const MEMORY_MB = 512

/** Opens the rows of a table, and closes them after `use`. */
export async function withTableRows<T>(
  table: Table,
  use: (rows: TableRows) => Promise<T>,
): Promise<T> {
  const source = sourceOf(table)
  const spillFolder = join(tmpdir(), 'orrery-spill')
  mkdirSync(spillFolder, { recursive: true })
  const tables = await openTables({ memoryMb: MEMORY_MB, threads: 2, spillFolder })
  try {
    const all = await tables.columns(source)
    return await use({
      columns: all.map(({ name }) => name),
      blocks: async function* (chosen) {
        const columns = all.filter(({ name }) => chosen.includes(name))
        let first = 0
        for (const file of source.files)
          for await (const block of tables.blocks(source, file, {
            columns,
            skip: 0,
            limit: null,
          })) {
            yield { first, rows: block.rows, cells: block.cells }
            first += block.rows
          }
      },
    })
  } finally {
    tables.close()
  }
}

/** Throws `unsupported` for what is more than the rows of its files. */
function sourceOf({ name, format, files, partitions, columns, packing }: Table): Source {
  const isPlain =
    partitions.length === 0 &&
    columns === undefined &&
    packing !== 'zstd' &&
    files.every(({ deletedRows }) => deletedRows === undefined)
  if (isPlain) return { files: files.map(({ path }) => path), format, texts: [] }
  throw new Problem(
    'unsupported',
    `${name} is a table with a log, partitions or a packing of its own; write its rows to Parquet, CSV or JSON lines first`,
  )
}
