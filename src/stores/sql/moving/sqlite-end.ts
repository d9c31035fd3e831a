import { isUtf8 } from 'node:buffer'
import type { LedgerTables } from '../ledger.ts'
import { ledgerEvidence } from '../ledger-evidence.ts'
import { kyselyOn, openReader, openWriter, type Connection } from '../sqlite.ts'
import type { End, Misfit, Move } from './end.ts'
import { isDoubtful, misfit, misfitOf } from './fit.ts'
import { keyColumns, NOT_MOVED, type Column, type Kind, type Table } from './table.ts'
import { batchWriter, type Batch, type Value } from './tuple.ts'

const KINDS: Readonly<Record<string, Kind>> = {
  text: 'text',
  bigint: 'big',
  integer: 'small',
  'double precision': 'float',
  blob: 'bytes',
}

/** A SQLite file as it is at this moment, to be moved from. */
export function openSqliteEnd(file: string): End {
  const connection = openReader(file)
  try {
    connection.exec('begin')
    // From here on it is read as it is now; a file that is something else shows itself, too.
    connection.prepare('select 1 from sqlite_master limit 1').get()
  } catch (error) {
    connection.close()
    throw error
  }
  return {
    place: file,
    ...sqliteReads(connection),
    note: async (move) => {
      if (connection.open) connection.close()
      const writer = openWriter(file)
      try {
        noteIn(writer, move)
      } finally {
        writer.close()
      }
    },
    close: async () => {
      if (connection.open) connection.close()
    },
  }
}

/** Keeps a move in the file that the connection is for. */
export function noteIn(connection: Connection, { id, state, place, atMs }: Move): void {
  connection
    .prepare(
      `insert into moves (id, state, place, at_ms) values (?, ?, ?, ?)
        on conflict (id) do update set state = excluded.state, at_ms = excluded.at_ms`,
    )
    .run(id, state, place, atMs)
}

/** What is read of a SQLite database on a connection. */
export function sqliteReads(
  connection: Connection,
): Pick<End, 'steps' | 'moves' | 'tables' | 'rows' | 'evidence'> {
  const names = () =>
    connection
      .prepare(
        "select name from sqlite_master where type = 'table' and substr(name, 1, 7) <> 'sqlite_'",
      )
      .pluck()
      .all() as string[]
  return {
    steps: async () =>
      names().includes('migrations')
        ? (connection.prepare('select name from migrations').pluck().all() as string[])
        : [],
    moves: async () =>
      names().includes('moves')
        ? (connection
            .prepare('select id, state, place, at_ms as atMs from moves order by at_ms')
            .all() as Move[])
        : [],
    tables: async () =>
      names()
        .filter((name) => !NOT_MOVED.has(name))
        .map((name) => tableOf(connection, name)),
    rows: (table, onMisfit) => rowsOf(connection, table, onMisfit),
    evidence: () => ledgerEvidence(kyselyOn<LedgerTables>(connection)),
  }
}

function tableOf(connection: Connection, name: string): Table {
  const rows = connection
    .prepare('select name, type, "notnull" as required, pk from pragma_table_info(?)')
    .all(name) as { name: string; type: string; required: number; pk: number }[]
  const key = rows.filter(({ pk }) => pk > 0).toSorted((a, b) => a.pk - b.pk)
  const needs = connection
    .prepare('select distinct "table" from pragma_foreign_key_list(?)')
    .pluck()
    .all(name) as string[]
  return {
    name,
    needs,
    key: (key.length > 0 ? key : rows).map((column) => column.name),
    columns: rows.map((row) => ({
      name: row.name,
      kind: kindOf(
        row.type,
        { isNumberedKey: row.pk === 1 && key.length === 1 },
        `${name}.${row.name}`,
      ),
      isRequired: row.required === 1 || row.pk > 0,
    })),
  }
}

function kindOf(type: string, { isNumberedKey }: { isNumberedKey: boolean }, column: string): Kind {
  const kind = KINDS[type.toLowerCase()]
  if (kind === undefined) throw new Error(`${column} is of type ${type}, which cannot be moved`)
  // Only under that name does SQLite number the rows itself, and PostgreSQL has large numbers for that: a key that
  // nobody numbers is a "bigint" on both.
  return kind === 'small' && isNumberedKey ? 'big' : kind
}

/** Quoted as both databases take it. */
export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

async function* rowsOf(
  connection: Connection,
  table: Table,
  onMisfit: (misfit: Misfit) => void,
): AsyncGenerator<Batch> {
  const { columns, name } = table
  const order = keyColumns(table).map((column) => quoted(column.name))
  const statement = connection
    .prepare(
      `select ${columns.map((column) => quoted(column.name)).join(', ')} from ${quoted(name)} order by ${order.join(', ')}`,
    )
    .raw()
    .safeIntegers()
  const isKept = keptExactly(connection, table)
  const batch = batchWriter(columns)
  for (const values of statement.iterate() as IterableIterator<Value[]>) {
    const wrong = firstMisfit(values, columns, isKept)
    if (wrong !== undefined) {
      onMisfit(misfit(table, { ...wrong, values }))
      continue
    }
    batch.add(values)
    if (batch.isFull()) yield batch.take()
  }
  const last = batch.take()
  if (last.rows > 0) yield last
}

type IsKept = (column: Column, values: readonly Value[]) => boolean

function firstMisfit(
  values: readonly Value[],
  columns: readonly Column[],
  isKept: IsKept,
): { column: Column; what: string } | undefined {
  for (let at = 0; at < columns.length; at += 1) {
    const column = columns[at] as Column
    const value = values[at] ?? null
    const what = misfitOf(value, column)
    if (what !== undefined) return { column, what }
    if (isDoubtful(value) && !isKept(column, values))
      return { column, what: 'holds bytes that are no text, which PostgreSQL cannot keep' }
  }
  return undefined
}

/** Whether what the file keeps of a doubtful text is the text that was read. */
function keptExactly(connection: Connection, { name, key, columns }: Table): IsKept {
  return (column, values) => {
    const where = key.map((each) => `${quoted(each)} is ?`).join(' and ')
    const found = connection
      .prepare(`select cast(${quoted(column.name)} as blob) from ${quoted(name)} where ${where}`)
      .pluck()
      .get(
        key.map((each) => values[columns.findIndex(({ name: own }) => own === each)] ?? null),
      ) as Buffer | undefined
    // A key that is itself no text is not found by what was read of it.
    return found !== undefined && isUtf8(found)
  }
}
