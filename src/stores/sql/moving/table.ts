/** How a column's values are moved; both databases have one of these for each type that migrations use. */
export type Kind = 'text' | 'big' | 'small' | 'float' | 'bytes'

export interface Column {
  readonly name: string
  readonly kind: Kind
  readonly isRequired: boolean
}

/** A table as the migrations made it, read from the database itself. */
export interface Table {
  readonly name: string
  readonly columns: readonly Column[]
  /** The columns whose order its rows are read in: its key, or all where it has none. */
  readonly key: readonly string[]
  /** Tables whose rows must be there before its own. */
  readonly needs: readonly string[]
}

/** Each database has its own of these: how it was made, what became of it, and which servers are there. */
export const NOT_MOVED: ReadonlySet<string> = new Set([
  'migrations',
  'moves',
  'commit_marks',
  'replicas',
  'lead',
])

/** The columns that rows are ordered by. */
export function keyColumns(table: Table): Column[] {
  return table.key.flatMap((name) => table.columns.filter((column) => column.name === name))
}

/** The tables in an order in which each comes after those it needs. */
export function inOrder(tables: readonly Table[]): Table[] {
  const ordered: Table[] = []
  let left = tables.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  while (left.length > 0) {
    const waiting = new Set(left.map(({ name }) => name))
    const free = left.filter(({ name, needs }) =>
      needs.every((need) => need === name || !waiting.has(need)),
    )
    if (free.length === 0)
      throw new Error(`tables need each other: ${[...waiting].join(', ')}; move them together`)
    ordered.push(...free)
    left = left.filter((table) => !free.includes(table))
  }
  return ordered
}

/** What two databases do not have alike, in words; empty when the rows of one fit into the other. */
export function differencesOf(from: readonly Table[], to: readonly Table[]): string[] {
  const shapes = (tables: readonly Table[]) =>
    new Map(tables.map((table) => [table.name, JSON.stringify([table.columns, table.key])]))
  const [own, others] = [shapes(from), shapes(to)]
  return [...new Set([...own.keys(), ...others.keys()])]
    .filter((name) => own.get(name) !== others.get(name))
    .map((name) => {
      if (!others.has(name)) return `only the source has the table ${name}`
      return own.has(name)
        ? `the table ${name} has other columns or another key`
        : `only the target has the table ${name}`
    })
}
