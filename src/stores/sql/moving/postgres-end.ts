import type { LedgerTables } from '../ledger.ts'
import { ledgerEvidence } from '../ledger-evidence.ts'
import { SCHEMA } from '../postgres/address.ts'
import type { Hold } from '../postgres/hold.ts'
import type { End, Holding, Misfit, Move } from './end.ts'
import { misfit } from './fit.ts'
import { quoted } from './sqlite-end.ts'
import { keyColumns, NOT_MOVED, type Kind, type Table } from './table.ts'
import { batchesIn, valuesIn, type Batch } from './tuple.ts'

const KINDS: Readonly<Record<string, Kind>> = {
  text: 'text',
  bigint: 'big',
  integer: 'small',
  'double precision': 'float',
  bytea: 'bytes',
}

/** A PostgreSQL database as it is at this moment, to be moved from. No server writes to it until it is closed. */
export async function openPostgresEnd(hold: Hold): Promise<End> {
  await hold.lock()
  // Only then, or what was written while others were waited for would not be seen.
  await hold.ask('begin isolation level repeatable read read only')
  return {
    place: hold.shown,
    ...postgresReads(hold),
    note: async (move) => {
      await hold.ask('commit')
      await noteIn(hold, move)
    },
    close: hold.close,
  }
}

export async function noteIn(hold: Hold, { id, state, place, atMs }: Move): Promise<void> {
  await hold.ask(
    `insert into ${SCHEMA}.moves (id, state, place, at_ms) values ($1, $2, $3, $4)
      on conflict (id) do update set state = excluded.state, at_ms = excluded.at_ms`,
    [id, state, place, atMs],
  )
}

/** What is read of a PostgreSQL database on a connection. */
export function postgresReads(
  hold: Hold,
): Pick<End, 'steps' | 'moves' | 'tables' | 'rows' | 'evidence'> {
  return {
    steps: async () => {
      if (!(await hasTable(hold, 'migrations'))) return []
      const rows = await hold.ask<{ name: string }>(`select name from ${SCHEMA}.migrations`)
      return rows.map(({ name }) => name)
    },
    moves: async () => {
      if (!(await hasTable(hold, 'moves'))) return []
      return hold.ask<Move & Record<string, unknown>>(
        `select id, state, place, at_ms as "atMs" from ${SCHEMA}.moves order by at_ms`,
      )
    },
    tables: () => tablesOf(hold),
    rows: (table, onMisfit) => rowsOf(hold, table, onMisfit),
    evidence: () => ledgerEvidence(hold.db<LedgerTables>()),
  }
}

/** What the database holds that is to be moved to. */
export async function lookIntoDatabase(hold: Hold): Promise<Holding> {
  const names = await tableNames(hold)
  const strange = names.find((name) => name !== 'commit_marks')
  if (strange !== undefined && !names.includes('migrations'))
    return { of: 'strange tables', table: strange }
  for (const name of names.filter((each) => !NOT_MOVED.has(each))) {
    const rows = await hold.ask(`select 1 from ${tableIn(name)} limit 1`)
    if (rows.length > 0) return { of: 'rows', table: name }
  }
  return { of: 'nothing' }
}

export const tableIn = (name: string) => `${SCHEMA}.${quoted(name)}`

async function hasTable(hold: Hold, name: string): Promise<boolean> {
  const [row] = await hold.ask<{ found: boolean }>('select to_regclass($1) is not null as found', [
    `${SCHEMA}.${name}`,
  ])
  return row?.found === true
}

export async function tableNames(hold: Hold): Promise<string[]> {
  const rows = await hold.ask<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1`,
    [SCHEMA],
  )
  return rows.map(({ name }) => name)
}

interface ColumnRow {
  [name: string]: unknown
  table: string
  name: string
  type: string
  required: boolean
  /** Place in the key, from 1; null outside of it. */
  place: number | null
}

async function tablesOf(hold: Hold): Promise<Table[]> {
  const columns = await hold.ask<ColumnRow>(
    `select c.relname as "table", a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
        a.attnotnull as required, array_position(i.indkey::int2[], a.attnum) as place
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_index i on i.indrelid = c.oid and i.indisprimary
      where n.nspname = $1 and c.relkind = 'r' order by c.relname, a.attnum`,
    [SCHEMA],
  )
  const needs = await hold.ask<{ table: string; need: string }>(
    `select distinct c.relname as "table", p.relname as need from pg_constraint k
      join pg_class c on c.oid = k.conrelid join pg_class p on p.oid = k.confrelid
      join pg_namespace n on n.oid = c.relnamespace
      where k.contype = 'f' and n.nspname = $1 order by 1, 2`,
    [SCHEMA],
  )
  const names = [...new Set(columns.map(({ table }) => table))]
  return names
    .filter((name) => !NOT_MOVED.has(name))
    .map((name) => {
      const own = columns.filter(({ table }) => table === name)
      const key = own
        .filter(({ place }) => place !== null)
        .toSorted((a, b) => Number(a.place) - Number(b.place))
      return {
        name,
        needs: needs.filter(({ table }) => table === name).map(({ need }) => need),
        key: (key.length > 0 ? key : own).map((column) => column.name),
        columns: own.map((column) => ({
          name: column.name,
          kind: kindOf(column),
          isRequired: column.required,
        })),
      }
    })
}

function kindOf({ table, name, type }: ColumnRow): Kind {
  const kind = KINDS[type]
  if (kind === undefined)
    throw new Error(`${table}.${name} is of type ${type}, which cannot be moved`)
  return kind
}

async function* rowsOf(
  hold: Hold,
  table: Table,
  onMisfit: (misfit: Misfit) => void,
): AsyncGenerator<Batch> {
  const names = table.columns.map(({ name }) => quoted(name)).join(', ')
  const copy = hold.read(
    `copy (select ${names} from ${tableIn(table.name)} order by ${orderOf(table)}) to stdout (format binary)`,
  )
  const hasFractions = table.columns.some(({ kind }) => kind === 'float')
  for await (const batch of batchesIn(copy, table)) {
    if (hasFractions) findNaN(batch, table, onMisfit)
    yield batch
  }
}

/** The order that SQLite has too: texts by their bytes, and what is missing first. */
function orderOf(table: Table): string {
  return keyColumns(table)
    .map(({ name, kind, isRequired }) =>
      [quoted(name), kind === 'text' ? 'collate "C"' : '', isRequired ? '' : 'nulls first'].join(
        ' ',
      ),
    )
    .join(', ')
}

/** SQLite takes what is not a number for something missing; the stores keep a mark instead. */
function findNaN(batch: Batch, table: Table, onMisfit: (misfit: Misfit) => void): void {
  for (const values of valuesIn(batch, table.columns)) {
    const at = values.findIndex((value) => typeof value === 'number' && Number.isNaN(value))
    const column = table.columns[at]
    if (column !== undefined)
      onMisfit(misfit(table, { column, values, what: 'holds NaN, which SQLite cannot keep' }))
  }
}
