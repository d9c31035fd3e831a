import type { DataFile } from '#drift'
import type { Session } from './engine.ts'
import { joined, literal, name, rowsOf, sql } from './sql.ts'

/** Rows of files that are to be looked at. */
export interface RowsRequest {
  /** Files of one format. */
  readonly files: readonly DataFile[]
  readonly columns: readonly string[]
  readonly rowsMax: number
  /** Chooses the rows: the same ones each time. */
  readonly seed: number
  /** How people call the files together. */
  readonly called: string
}

/**
 * Writes rows that are chosen by chance to a Parquet file: their place in the files and the columns. What they are of,
 * and of how many, is in the file's metadata under `orrery`.
 */
export async function writeRows(
  { rows }: Session,
  file: string,
  { files, columns, rowsMax, seed, called }: RowsRequest,
): Promise<void> {
  const source = rowsOf(files)
  const [total] = await rows(sql`select count(*)::double as n from ${source}`)
  const about = JSON.stringify({ of: called, all: total?.['n'] as number, seed })
  const place = name(freeName(columns))
  const wanted = joined([place, ...columns.map(name)], ', ')
  await rows(
    sql`copy (
      from (
        select ${wanted} from (select *, row_number() over () - 1 as ${place} from ${source})
        order by hash(${place}, ${seed}) limit ${rowsMax})
      order by ${place}
    ) to ${file} (format parquet, compression zstd, kv_metadata {orrery: ${literal(about)}})`,
  )
}

/** A name for the place of a row that no column has. */
function freeName(columns: readonly string[]): string {
  let free = 'row'
  while (columns.includes(free)) free = `_${free}`
  return free
}
