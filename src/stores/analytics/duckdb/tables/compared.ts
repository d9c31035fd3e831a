import { Problem } from '#base/problem'
import type { ColumnChange, ColumnInfo } from '#tables'
import type { Session } from '../engine.ts'
import { name as quotedName } from '../sql.ts'
import type { OpenedTable } from './relation.ts'

/** A column of both tables, and the type that its values are compared in. */
export interface ComparedColumn {
  readonly name: string
  /** Undefined where both have the same. */
  readonly type: string | undefined
}

export interface Compared {
  readonly keys: readonly ComparedColumn[]
  readonly values: readonly ComparedColumn[]
  readonly changes: readonly ColumnChange[]
}

/** What of two tables is compared with what. Throws `invalid` for keys that they lack. */
export async function comparedColumns(
  session: Session,
  old: OpenedTable,
  current: OpenedTable,
  keys: readonly string[],
): Promise<Compared> {
  const before = new Map(old.columns.map((column) => [column.name, column.type]))
  const now = new Map(current.columns.map((column) => [column.name, column.type]))
  for (const key of keys)
    if (!before.has(key) || !now.has(key))
      throw new Problem(
        'invalid',
        `${before.has(key) ? 'the new' : 'the old'} table has no column ${key}, so it is no key; both have ${namesIn(old.columns, now)}`,
      )
  const both = old.columns.filter(({ name }) => now.has(name))
  if (both.length === 0)
    throw new Problem('invalid', 'the two tables have no column in common, so no row is comparable')
  const compared: ComparedColumn[] = []
  for (const { name, type } of both) {
    const isSame = now.get(name) === type
    compared.push({
      name,
      type: isSame ? undefined : await commonType(session, { old, current, name }),
    })
  }
  return {
    keys: keys.map((key) => compared.find(({ name }) => name === key) as ComparedColumn),
    values: compared.filter(({ name }) => !keys.includes(name)),
    changes: changesOf(before, now),
  }
}

function changesOf(
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): ColumnChange[] {
  const all = [...new Set([...before.keys(), ...now.keys()])]
  return all.flatMap((name): ColumnChange[] => {
    const [old, current] = [before.get(name) ?? null, now.get(name) ?? null]
    if (old === current) return []
    const change = old === null ? 'added' : current === null ? 'removed' : 'type'
    return [{ name, change, old, new: current }]
  })
}

/** The type that holds the values of both, as the engine sees it; text where it sees none. */
async function commonType(
  session: Session,
  at: { old: OpenedTable; current: OpenedTable; name: string },
): Promise<string> {
  const column = identifier(at.name)
  const [old, current] = [at.old.from.parts[0], at.current.from.parts[0]]
  try {
    const [row] = await session.rows({
      parts: [`describe (select ${column} from ${old} union all select ${column} from ${current})`],
      values: [],
    })
    return (row?.['column_type'] as string | undefined) ?? 'VARCHAR'
  } catch {
    return 'VARCHAR'
  }
}

function namesIn(columns: readonly ColumnInfo[], others: ReadonlyMap<string, string>): string {
  return columns.flatMap(({ name }) => (others.has(name) ? [name] : [])).join(', ')
}

/** The value of a column of the table `of`, in the type that both are compared in. */
export function valueIn(of: string, { name, type }: ComparedColumn): string {
  const value = `${of}.${identifier(name)}`
  return type === undefined ? value : `${value}::${type}`
}

export function identifier(name: string): string {
  return quotedName(name).parts[0] as string
}
