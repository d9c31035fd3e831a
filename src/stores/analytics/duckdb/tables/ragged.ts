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
  for (const file of await doubtful(table, columns)) {
    const [found] = await session.rows({ parts: [sniffed(file)], values: [] })
    const skipped = Number(found?.['skipped'] ?? 0)
    if (skipped > 0 && (await hasRows(file, table.packing, skipped)))
      throw new Problem(
        'invalid',
        `${table.name} cannot be read as a table: the first ${skipped} lines of ${file.name} have not as many values as those that follow; correct the line that is longer or shorter, or take away what stands above the names (lines that begin with # may stay)`,
      )
    const name = String(found?.['name'])
    if (
      found?.['columns'] === 1 &&
      (DELIMITERS.exec(name)?.[0] ?? found['delimiter']) !== found['delimiter']
    )
      throw new Problem(
        'invalid',
        `${table.name} cannot be read as a table: not all lines of ${file.name} have as many values as the first one has names (${name}); correct those that are longer or shorter`,
      )
  }
}

/**
 * The engine reads no file whose lines end in two ways, and does not say so. Looked at where it could not read a table:
 * throws for the first such file.
 */
export async function checkEnds(table: Table): Promise<void> {
  if (table.format !== 'csv') return
  for (const file of table.files) {
    const other = await otherEnd(file, table.packing)
    if (other === undefined) continue
    const name = file.name === '' ? table.name : file.name
    throw new Problem(
      'invalid',
      `${table.name} cannot be read as a table: line ${other.line} of ${name} ends in ${other.end}, the first in ${other.first}; make them the same, for example with \`sed -i 's/\\r$//'\``,
    )
  }
}

/** The first line with another end than that before it. Line feeds within quotes count as well. */
async function otherEnd(
  file: TableFile,
  packing: Packing,
): Promise<{ line: number; end: string; first: string } | undefined> {
  const { text, close } = textOf(file, packing)
  let [line, first, last] = [0, '', '']
  try {
    for await (const chunk of text as AsyncIterable<string>) {
      for (let at = chunk.indexOf('\n'); at !== -1; at = chunk.indexOf('\n', at + 1)) {
        const end = (at === 0 ? last : chunk[at - 1]) === '\r' ? 'CR LF' : 'LF'
        line++
        if (first === '') first = end
        else if (end !== first) return { line, end, first }
      }
      last = chunk.at(-1) ?? last
    }
  } finally {
    close()
  }
  return undefined
}

/** Files whose first line names no column; all of them, where there is a column that no first line names. */
async function doubtful(
  { files, packing }: Table,
  columns: readonly ColumnInfo[],
): Promise<readonly TableFile[]> {
  const named = new Set<string>()
  const nameless: TableFile[] = []
  for (const file of files) {
    const line = await firstLine(file, packing)
    const found = columns.filter(({ name }) => line.includes(name))
    for (const { name } of found) if (!DELIMITERS.test(name)) named.add(name)
    if (found.length === 0 && line !== '') nameless.push(file)
  }
  return columns.some(({ name }) => !named.has(name)) ? files : nameless
}

async function firstLine(file: TableFile, packing: Packing): Promise<string> {
  for await (const line of linesOf(file, packing, FIRST_LINE_BYTES))
    if (line.trim() !== '') return line
  return ''
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
  file: TableFile,
  packing: Packing,
  bytes = Number.POSITIVE_INFINITY,
): AsyncIterable<string> {
  const { text, close } = textOf(file, packing, bytes)
  try {
    yield* createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })
  } finally {
    close()
  }
}

/** The text of a file, unpacked, as it is read. */
function textOf({ path }: TableFile, packing: Packing, bytes = Number.POSITIVE_INFINITY) {
  const packed = createReadStream(path, { end: bytes, highWaterMark: FIRST_LINE_BYTES })
  const unpack = UNPACKED[packing]?.()
  const text = (unpack === undefined ? packed : packed.pipe(unpack)).setEncoding('utf8')
  const close = () => {
    packed.destroy()
    unpack?.destroy()
  }
  return { text, close }
}

const UNPACKED: Readonly<Record<Packing, (() => Duplex) | undefined>> = {
  none: undefined,
  gzip: createGunzip,
  zstd: createZstdDecompress,
}
