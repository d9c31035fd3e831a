import { Problem } from '#base/problem'
import type { LoggedColumn, LoggedType, Table } from '#tables'
import type { Session } from '../engine.ts'
import { sql } from '../sql.ts'

/** Files of a table that have its columns by the same names. */
export interface Layout {
  /** Their places among the table's files. */
  readonly files: readonly number[]
  readonly columns: readonly LoggedColumn[]
}

/** Where the log has columns by numbers, the names that the files give to those; files that agree are together. */
export async function layoutsOf(
  session: Session,
  table: Table,
  columns: readonly LoggedColumn[],
): Promise<Layout[]> {
  const own = columns.filter(({ name }) => !table.partitions.some((each) => each.name === name))
  const trees = new Map<string, readonly Node[]>()
  const layouts = new Map<string, { files: number[]; columns: readonly LoggedColumn[] }>()
  for (const [index, { path, name }] of table.files.entries()) {
    const fields = trees.get(path) ?? (await fieldsOf(session, path))
    trees.set(path, fields)
    if (own.length > 0 && fields.every(({ id }) => id === undefined))
      throw new Problem(
        'invalid',
        `${table.name}: its file ${name} has no field ids, by which the log names the columns (delta.columnMapping.mode = id), so nobody can tell which is which; write that file again with a writer that knows them`,
      )
    const found = columns.map((column) => foundIn(column, fields))
    const key = JSON.stringify(found)
    const layout = layouts.get(key) ?? { files: [], columns: found }
    layout.files.push(index)
    layouts.set(key, layout)
  }
  return [...layouts.values()]
}

interface Node {
  readonly name: string
  readonly id: number | undefined
  readonly children: readonly Node[]
}

async function fieldsOf(session: Session, path: string): Promise<readonly Node[]> {
  const rows = await session.rows(
    sql`select name, num_children, field_id from parquet_schema(${path})`,
  )
  let next = 0
  // Parents stand before their children, and say how many these are.
  const take = (): Node => {
    const row = rows[next++] ?? {}
    const { name, field_id: id } = row
    const children = Array.from({ length: Number(row['num_children'] ?? 0) }, take)
    return { name: String(name), id: id === null ? undefined : Number(id), children }
  }
  return take().children
}

/** What a file does not have is missing in all of its rows. */
function foundIn(column: LoggedColumn, fields: readonly Node[]): LoggedColumn {
  const node = fields.find(({ id }) => id === column.id)
  if (node === undefined) return { ...column, physical: undefined }
  return { ...column, physical: node.name, type: typeIn(column.type, node) }
}

function typeIn(type: LoggedType, node: Node): LoggedType {
  if (type.kind === 'struct')
    return { ...type, fields: type.fields.map((field) => foundIn(field, node.children)) }
  const [repeated] = node.children
  if (repeated === undefined) return type
  if (type.kind === 'list') return { ...type, of: typeIn(type.of, elementOf(repeated, node)) }
  if (type.kind !== 'map') return type
  const [key, value] = repeated.children
  return {
    ...type,
    key: key === undefined ? type.key : typeIn(type.key, key),
    value: value === undefined ? type.value : typeIn(type.value, value),
  }
}

/** Old writers had the element itself repeated, without a group around it. */
function elementOf(repeated: Node, list: Node): Node {
  const [only] = repeated.children
  const isElement =
    repeated.children.length !== 1 ||
    repeated.name === 'array' ||
    repeated.name === `${list.name}_tuple`
  return isElement || only === undefined ? repeated : only
}
