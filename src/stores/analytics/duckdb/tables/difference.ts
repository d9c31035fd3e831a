import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DifferenceRequest, RowDifference, ShownRow, Table } from '#tables'
import type { Row, Session } from '../engine.ts'
import { comparedColumns, identifier, valueIn, type Compared } from './compared.ts'
import { literal, unreadable, withTables, type OpenedTable } from './relation.ts'
import { changedRow, shownRow } from './shown.ts'

/** Two tables that are being compared, and what is asked about them. */
interface Comparison {
  readonly session: Session
  readonly old: OpenedTable
  readonly current: OpenedTable
  readonly compared: Compared
  readonly examples: number
  readonly ask: (text: string) => Promise<Row[]>
}

/**
 * Which rows differ: one pass over both tables keeps no more than a key and a hash of each row, spilled to disk
 * where there are many; then the few rows that differ are looked up.
 */
export function differenceOf(
  session: Session,
  tables: { old: Table; new: Table },
  request: DifferenceRequest,
): Promise<RowDifference> {
  return withTables(session, [tables.old, tables.new], async ([old, current]) => {
    if (old === undefined || current === undefined) throw new Error('two tables were opened')
    const ask = asking(session)
    try {
      const compared = await comparedColumns(session, old, current, request.keys)
      const { examples } = request
      const comparison: Comparison = { session, old, current, compared, examples, ask }
      const isKeyed = request.keys.length > 0
      await session.connection.run(
        `create or replace temp table differing as ${isKeyed ? keyedText(comparison) : unkeyedText(comparison)}`,
      )
      const found = isKeyed ? await keyed(comparison) : await unkeyed(comparison)
      if (request.out !== undefined) await writeOut(comparison, isKeyed, request.out)
      const rows = await ask(
        `select (select count(*) from ${source(old)}) as old, (select count(*) from ${source(current)}) as new`,
      )
      const [oldRows, newRows] = [Number(rows[0]?.['old']), Number(rows[0]?.['new'])]
      return {
        keys: request.keys,
        old: { name: tables.old.name, rows: oldRows },
        new: { name: tables.new.name, rows: newRows },
        columns: compared.changes,
        ...found,
        unchanged: oldRows - found.removed - found.changed - found.duplicates.oldRows,
      }
    } catch (error) {
      throw unreadable(tables.new, error)
    } finally {
      await session.connection.run('drop table if exists differing')
    }
  })
}

function asking(session: Session): Comparison['ask'] {
  return (text) => session.rows({ parts: [text], values: [] })
}

type Found = Omit<RowDifference, 'keys' | 'old' | 'new' | 'columns' | 'unchanged'>

function source({ from }: OpenedTable): string {
  return from.parts[0] as string
}

/** A hash of what a row says besides its key; equal rows cancel each other out. */
function hashText(of: string, { keys, values }: Compared, isKeyed: boolean): string {
  const columns = (isKeyed ? values : [...keys, ...values]).map((column) => valueIn(of, column))
  return columns.length === 0 ? '0::ubigint' : `hash(${columns.join(', ')})`
}

/** By key: how often each table has it, and whether the two rows differ; keys with equal rows are left out. */
function keyedText({ old, current, compared }: Comparison): string {
  const side = (table: OpenedTable, isNew: boolean) => {
    const keys = compared.keys.map((key, at) => `${valueIn('t', key)} as k${at}`).join(', ')
    return `select ${keys}, ${isNew} as is_new, ${hashText('t', compared, true)} as h from ${source(table)} t`
  }
  const keys = compared.keys.map((_, at) => `k${at}`).join(', ')
  return `select *, case when was > 1 or is_now > 1 then 'duplicate' when was = 0 then 'added'
      when is_now = 0 then 'removed' else 'changed' end as kind
    from (select ${keys}, count(*) - count_if(is_new) as was, count_if(is_new) as is_now, bit_xor(h) as x
      from (${side(old, false)} union all ${side(current, true)}) group by ${keys})
    where was <> 1 or is_now <> 1 or x <> 0`
}

function unkeyedText({ old, current, compared }: Comparison): string {
  const side = (table: OpenedTable, isNew: boolean) =>
    `select ${isNew} as is_new, ${hashText('t', compared, false)} as h from ${source(table)} t`
  return `select h, count(*) - count_if(is_new) as was, count_if(is_new) as is_now
    from (${side(old, false)} union all ${side(current, true)}) group by h having was <> is_now`
}

async function keyed(comparison: Comparison): Promise<Found> {
  const counted = await comparison.ask(
    `select kind, count(*) as keys, sum(was) as was, sum(is_now) as is_now,
      count_if(was > 1) as twice, count_if(is_now > 1) as twice_now from differing group by kind`,
  )
  const of = (kind: string, what = 'keys') =>
    Number(counted.find((row) => row['kind'] === kind)?.[what] ?? 0)
  return {
    added: of('added'),
    removed: of('removed'),
    changed: of('changed'),
    duplicates: {
      oldKeys: of('duplicate', 'twice'),
      oldRows: of('duplicate', 'was'),
      newKeys: of('duplicate', 'twice_now'),
      newRows: of('duplicate', 'is_now'),
      examples: of('duplicate') === 0 ? [] : await duplicateKeys(comparison),
    },
    changedColumns: of('changed') === 0 ? [] : await changedColumns(comparison),
    examples: {
      added: of('added') === 0 ? [] : await onesided(comparison, 'added'),
      removed: of('removed') === 0 ? [] : await onesided(comparison, 'removed'),
      changed: of('changed') === 0 ? [] : await changedRows(comparison),
    },
  }
}

/** Joins a table, by its alias, with the keys that differ. */
function sameKey({ compared }: Comparison, of: string): string {
  return compared.keys
    .map((key, at) => `d.k${at} is not distinct from ${valueIn(of, key)}`)
    .join(' and ')
}

async function changedColumns(comparison: Comparison): Promise<Found['changedColumns']> {
  const { ask, old, current, compared } = comparison
  if (compared.values.length === 0) return []
  const counts = compared.values.map(
    (column, at) =>
      `count_if(${valueIn('a', column)} is distinct from ${valueIn('b', column)}) as c${at}`,
  )
  const [row = {}] = await ask(
    `select ${counts.join(', ')} from (select * from differing where kind = 'changed') d
      join ${source(old)} a on ${sameKey(comparison, 'a')} join ${source(current)} b on ${sameKey(comparison, 'b')}`,
  )
  return compared.values
    .map(({ name }, at) => ({ name, rows: Number(row[`c${at}`]) }))
    .filter(({ rows }) => rows > 0)
    .toSorted((one, other) => other.rows - one.rows)
}

/** The first keys of a kind, in their order. */
function firstKeys({ compared, examples }: Comparison, kind: string): string {
  const order = compared.keys.map((_, at) => `k${at}`).join(', ')
  return `(select * from differing where kind = '${kind}' order by ${order} limit ${examples}) d`
}

async function onesided(comparison: Comparison, kind: 'added' | 'removed'): Promise<ShownRow[]> {
  const { ask, old, current } = comparison
  const table = kind === 'added' ? current : old
  const rows = await ask(
    `select to_json(t)::varchar as shown from ${firstKeys(comparison, kind)}
      join ${source(table)} t on ${sameKey(comparison, 't')} order by ${orderOf(comparison)}`,
  )
  return rows.map((row) => shownRow(row['shown']))
}

function orderOf({ compared }: Comparison): string {
  return compared.keys.map((_, at) => `d.k${at}`).join(', ')
}

async function changedRows(comparison: Comparison): Promise<Found['examples']['changed']> {
  const { ask, old, current, compared } = comparison
  const rows = await ask(
    `select to_json(a)::varchar as old, to_json(b)::varchar as new, ${differsText(comparison)} as differs
      from ${firstKeys(comparison, 'changed')}
      join ${source(old)} a on ${sameKey(comparison, 'a')} join ${source(current)} b on ${sameKey(comparison, 'b')}
      order by ${orderOf(comparison)}`,
  )
  return rows.map((row) =>
    changedRow(
      row,
      compared.keys.map(({ name }) => name),
    ),
  )
}

/** The names of the columns that differ between `a` and `b`. */
function differsText({ compared }: Comparison): string {
  const names = compared.values.map(
    (column) =>
      `case when ${valueIn('a', column)} is distinct from ${valueIn('b', column)} then ${literal(column.name)} end`,
  )
  return `list_filter([${names.concat('null').join(', ')}]::varchar[], lambda each: each is not null)`
}

async function duplicateKeys(comparison: Comparison): Promise<ShownRow[]> {
  const keys = comparison.compared.keys.map(({ name }, at) => `k${at} as ${identifier(name)}`)
  const rows = await comparison.ask(
    `select to_json(t)::varchar as shown, was, is_now from (select ${keys.join(', ')}, was, is_now from ${firstKeys(comparison, 'duplicate')}) t`,
  )
  return rows.map((row) => {
    const shown = new Map(Object.entries(shownRow(row['shown'])))
    shown.set('oldRows', row['was']).set('newRows', row['is_now'])
    return Object.fromEntries([...shown].filter(([name]) => name !== 'was' && name !== 'is_now'))
  })
}

async function unkeyed(comparison: Comparison): Promise<Found> {
  const { ask, old, current, examples } = comparison
  const [row = {}] = await ask(
    `select sum(greatest(is_now - was, 0)) as added, sum(greatest(was - is_now, 0)) as removed from differing`,
  )
  const shown = async (table: OpenedTable, isNew: boolean) => {
    const rows = await ask(
      `select to_json(t)::varchar as shown from ${source(table)} t
        where ${hashText('t', comparison.compared, false)} in (select h from differing where ${isNew ? 'is_now > was' : 'was > is_now'}) limit ${examples}`,
    )
    return rows.map((each) => shownRow(each['shown']))
  }
  const [added, removed] = [Number(row['added'] ?? 0), Number(row['removed'] ?? 0)]
  return {
    added,
    removed,
    changed: 0,
    duplicates: { oldKeys: 0, oldRows: 0, newKeys: 0, newRows: 0, examples: [] },
    changedColumns: [],
    examples: {
      added: added === 0 ? [] : await shown(current, true),
      removed: removed === 0 ? [] : await shown(old, false),
      changed: [],
    },
  }
}

/**
 * Every row that differs, in a file that is whole and on the disk, or not there. What a run that was killed left aside
 * has the same name each time, so the next one takes it away.
 */
async function writeOut(comparison: Comparison, isKeyed: boolean, path: string): Promise<void> {
  const aside = `${path}.partial`
  const select = isKeyed ? keyedRows(comparison) : unkeyedRows(comparison)
  try {
    await rm(aside, { force: true })
    await comparison.session.connection.run(
      `copy (${select}) to ${literal(aside)} (format parquet, compression zstd)`,
    )
    await synced(aside, 'r+')
    await rename(aside, path)
    await synced(dirname(path), 'r')
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
}

async function synced(path: string, flags: 'r' | 'r+'): Promise<void> {
  const file = await open(path, flags)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function keyedRows(comparison: Comparison): string {
  const { old, current } = comparison
  const side = (change: string, table: OpenedTable, kind: string) =>
    `select '${change}' as _change, null::varchar[] as _changed_columns, t.* from ${source(table)} t
      join differing d on ${sameKey(comparison, 't')} where d.kind = '${kind}'`
  const both = (change: string, shown: 'a' | 'b') =>
    `select '${change}' as _change, ${differsText(comparison)} as _changed_columns, ${shown}.*
      from differing d join ${source(old)} a on ${sameKey(comparison, 'a')}
      join ${source(current)} b on ${sameKey(comparison, 'b')} where d.kind = 'changed'`
  return [
    side('added', current, 'added'),
    side('removed', old, 'removed'),
    both('changed from', 'a'),
    both('changed to', 'b'),
    side('duplicate in old', old, 'duplicate'),
    side('duplicate in new', current, 'duplicate'),
  ].join(' union all by name ')
}

/** Of rows that are there several times as many as there are more. */
function unkeyedRows({ old, current, compared }: Comparison): string {
  const side = (change: string, table: OpenedTable, more: string) =>
    `select '${change}' as _change, * exclude (_place, _more) from (
      select t.*, row_number() over (partition by d.h) as _place, d.${more} as _more
      from ${source(table)} t join (select h, is_now - was as gain, was - is_now as loss from differing) d
        on d.h = ${hashText('t', compared, false)} where d.${more} > 0) where _place <= _more`
  return `${side('added', current, 'gain')} union all by name ${side('removed', old, 'loss')}`
}
