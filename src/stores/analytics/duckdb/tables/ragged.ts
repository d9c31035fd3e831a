import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { Problem } from '#base/problem'
import type { ColumnInfo, Packing, Table, TableFile } from '#tables'
import type { Session } from '../engine.ts'

/** Text after the start of a file in which a first line ends, for all that we look. */
const FIRST_LINE_BYTES = 1 << 16
const DELIMITERS = /[,;\t|]/

/**
 * The engine passes over the first lines of a CSV file until the rest has one number of values, and takes lines that
 * never do for a single column. Of a table nothing may be left out unsaid, so such a file is refused.
 */
export async function checkEven(
  session: Session,
  table: Table,
  { columns, sniffed }: { columns: readonly ColumnInfo[]; sniffed: (file: TableFile) => string },
): Promise<void> {
  if (table.format !== 'csv') return
  for (const file of table.files) {
    if (!(await isDoubtful(file, table.packing, columns))) continue
    const [found] = await session.rows({ parts: [sniffed(file)], values: [] })
    const skipped = Number(found?.['skipped'] ?? 0)
    const [only] = columns
    if (skipped > 0 && (await hasRows(file, table.packing, skipped)))
      throw new Problem(
        'invalid',
        `${table.name} cannot be read as a table: the first ${skipped} lines of ${file.name} have not as many values as those that follow; correct the line that is longer or shorter, or take away what stands above the names (lines that begin with # may stay)`,
      )
    if (columns.length === 1 && only !== undefined && DELIMITERS.test(only.name))
      if (found?.['delimiter'] !== DELIMITERS.exec(only.name)?.[0])
        throw new Problem(
          'invalid',
          `${table.name} cannot be read as a table: not all lines of ${file.name} have as many values as the first one has names (${only.name}); correct those that are longer or shorter`,
        )
  }
}

/** Whether its first line names none of the columns, or they have names that say nothing. */
async function isDoubtful(
  file: TableFile,
  packing: Packing,
  columns: readonly ColumnInfo[],
): Promise<boolean> {
  if (columns.some(({ name }) => /^column\d+$/.test(name) || DELIMITERS.test(name))) return true
  for await (const line of linesOf(file, packing, FIRST_LINE_BYTES))
    if (line.trim() !== '') return !columns.some(({ name }) => line.includes(name))
  return false
}

/** Whether there is anything but comments and empty lines among the first ones. */
async function hasRows(file: TableFile, packing: Packing, lines: number): Promise<boolean> {
  let seen = 0
  for await (const line of linesOf(file, packing)) {
    if (seen++ >= lines) return false
    if (line.trim() !== '' && !line.trimStart().startsWith('#')) return true
  }
  return false
}

async function* linesOf(
  { path }: TableFile,
  packing: Packing,
  bytes = Number.POSITIVE_INFINITY,
): AsyncIterable<string> {
  const packed = createReadStream(path, { end: bytes, highWaterMark: FIRST_LINE_BYTES })
  const unpack = UNPACKED[packing]?.()
  const text = unpack === undefined ? packed : packed.pipe(unpack)
  try {
    yield* createInterface({ input: text.setEncoding('utf8'), crlfDelay: Number.POSITIVE_INFINITY })
  } finally {
    packed.destroy()
    unpack?.destroy()
  }
}

const UNPACKED: Readonly<Record<Packing, (() => Duplex) | undefined>> = {
  none: undefined,
  gzip: createGunzip,
  zstd: createZstdDecompress,
}
