import { Problem } from '#base/problem'
import type { Asking, OpenTable } from './asking.ts'
import { literal, quoted } from './text.ts'

/** Functions that make rows and read nothing. */
const HARMLESS = new Set(['range', 'generate_series', 'unnest'])

/**
 * The number that a query of a contract gives. The engine can read nothing but the contract's data by then; what a
 * query may be is checked as well, by the engine's own parser: one statement that reads, from tables that are there.
 */
export async function numberOf(
  ask: Asking['ask'],
  query: string,
  { table, column }: { table: OpenTable; column: string | undefined },
): Promise<number> {
  const text = filledIn(query, table, column)
  await assertReads(ask, text)
  const rows = await ask(`select * from (${text}\n) as answer limit 2`)
  const values = Object.values(rows[0] ?? {})
  if (rows.length !== 1 || values.length !== 1)
    throw new Problem(
      'invalid',
      `the query must give one row of one column, and gives ${rows.length === 0 ? 'none' : rows.length > 1 ? 'several rows' : `${values.length} columns`}`,
    )
  const [value] = values
  if (typeof value === 'boolean') return Number(value)
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number === 'bigint') return Number(number)
  if (typeof number !== 'number' || !Number.isFinite(number))
    throw new Problem('invalid', `the query must give a number, and gives ${String(value)}`)
  return number
}

/** `{object}` and `{property}` are the table and the column, also as `${table}` and `${column}`. */
function filledIn(query: string, table: OpenTable, column: string | undefined): string {
  return query
    .trim()
    .replace(/;\s*$/, '')
    .replaceAll(/\$?\{(object|table|model|schema)\}/g, () => quoted(table.name))
    .replaceAll(/\$?\{(property|column|field)\}/g, () => {
      if (column === undefined)
        throw new Problem('invalid', 'the query names {property}, and stands under no property')
      return quoted(column)
    })
}

async function assertReads(ask: Asking['ask'], text: string): Promise<void> {
  const [row] = await ask(`select json_serialize_sql(${literal(text)})::varchar as tree`)
  const tree = JSON.parse(String(row?.['tree'])) as {
    error?: boolean
    error_message?: string
    statements?: unknown[]
  }
  if (tree.error === true)
    throw new Problem(
      'invalid',
      `the query is no single statement that reads: ${tree.error_message ?? ''}`,
    )
  if (tree.statements?.length !== 1)
    throw new Problem('invalid', 'the query must be a single statement')
  const open: unknown[] = [tree.statements]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (typeof node !== 'object' || node === null) continue
    assertHarmless(node as Record<string, unknown>)
    for (const each of Object.values(node)) if (each !== null && each !== undefined) open.push(each)
  }
}

function assertHarmless(node: Record<string, unknown>): void {
  if (node['type'] === 'SHOW_REF')
    throw new Problem('invalid', 'the query must read rows, and not describe tables')
  if (node['type'] !== 'TABLE_FUNCTION') return
  const named = (node['function'] as { function_name?: string } | undefined)?.function_name ?? ''
  if (!HARMLESS.has(named.toLowerCase()))
    throw new Problem(
      'invalid',
      `the query calls ${named}, which reads more than the contract's data; only its tables can be read`,
    )
}
