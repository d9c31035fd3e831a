import type { Example, Plain, Test } from '#contracts'
import { PLACES } from '../tables/relation.ts'
import { isBroken, isRowTest } from './predicate.ts'
import { columnOf, type Asking, type OpenTable } from './asking.ts'
import { isOrphan, repeated } from './scan.ts'
import { quoted } from './text.ts'

export interface Placed {
  /** The table with two more columns, which say where each row stands. */
  readonly view: string
  /** How many rows come before each file's first one, where places are counted over all files. */
  readonly before: readonly number[]
}

/** The first rows that break a test, in the order of the table. */
export async function examplesOf(
  asking: Asking,
  table: OpenTable,
  { test, limit, placed }: { test: Test; limit: number; placed: () => Promise<Placed> },
): Promise<Example[]> {
  if (test.kind === 'other-columns')
    return table.columns
      .filter(({ name }) => !test.columns.includes(name))
      .slice(0, limit)
      .map(({ name, physicalType }) => ({
        file: null,
        row: null,
        values: { [name]: physicalType },
      }))
  if (test.kind === 'duplicates') return keys(asking, table, { columns: test.columns, limit })
  const where =
    test.kind === 'reference'
      ? isOrphan(test)
      : isRowTest(test)
        ? isBroken(test, columnOf(table, test.column))
        : undefined
  if (where === undefined) return []
  const columns = test.kind === 'reference' ? test.columns : [(test as { column: string }).column]
  const { view, before } = await placed()
  const shown = columns.map((column, index) => `${shownText(table, column)} as v${index}`)
  const rows = await asking.ask(
    `select own.${PLACES.file} as file, own.${PLACES.row} as row, ${shown.join(', ')} from ${view} as own where ${where} limit ${limit}`,
  )
  return rows.map((row) => {
    const file = Number(row['file'])
    return {
      file: table.from.files[file]?.name ?? null,
      row: Number(row['row']) - (before[file] ?? 0),
      values: valuesOf(columns, row),
    }
  })
}

async function keys(
  asking: Asking,
  table: OpenTable,
  { columns, limit }: { columns: readonly string[]; limit: number },
): Promise<Example[]> {
  const shown = columns.map((column, index) => `${shownText(table, column)} as v${index}`)
  const order = columns.map(quoted)
  const rows = await asking.ask(
    `select n, ${shown.join(', ')} from (${repeated(table, columns)}) as own order by n desc, ${order.join(', ')} limit ${limit}`,
  )
  return rows.map((row) => ({
    file: null,
    row: null,
    values: valuesOf(columns, row),
    rows: Number(row['n']),
  }))
}

/** Longer texts tell nobody more. */
const SHOWN_CHARACTERS = 200

function shownText(table: OpenTable, column: string): string {
  const { physicalType } = columnOf(table, column)
  const name = `own.${quoted(column)}`
  const isPlain =
    /^(BOOLEAN|TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER|FLOAT|DOUBLE)$/.test(
      physicalType,
    )
  return isPlain ? name : `left(${name}::varchar, ${SHOWN_CHARACTERS})`
}

function valuesOf(
  columns: readonly string[],
  row: Readonly<Record<string, unknown>>,
): Record<string, Plain | null> {
  return Object.fromEntries(columns.map((column, index) => [column, plain(row[`v${index}`])]))
}

/** JSON has no word for what is no finite number. */
export function plain(value: unknown): Plain | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'string' || typeof value === 'boolean') return value
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}
