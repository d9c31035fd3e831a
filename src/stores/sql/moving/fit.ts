import type { Misfit } from './end.ts'
import { keyColumns, type Column, type Kind, type Table } from './table.ts'
import { VALUE_BYTES_MAX, type Value } from './tuple.ts'

const INT4_MAX = 2n ** 31n - 1n
const SHOWN_CHARS = 80

const WRONG: Readonly<Record<Kind, (value: Exclude<Value, null>) => string | undefined>> = {
  text: (value) => {
    if (typeof value !== 'string') return `holds ${typeName(value)} instead of a text`
    if (value.includes('\0')) return 'holds the character \\0, which PostgreSQL cannot keep'
    return value.length > VALUE_BYTES_MAX / 3 ? 'is too long a text' : undefined
  },
  big: wrongNumber,
  small: (value) => {
    const isLarge = typeof value === 'bigint' && (value > INT4_MAX || value < -INT4_MAX - 1n)
    return isLarge ? 'is too large a number' : wrongNumber(value)
  },
  float: (value) =>
    typeof value === 'number' ? undefined : `holds ${typeName(value)} instead of a number`,
  bytes: (value) =>
    Buffer.isBuffer(value) ? undefined : `holds ${typeName(value)} instead of bytes`,
}

/** Why PostgreSQL could not keep a value that SQLite does; undefined when it can. */
export function misfitOf(value: Value, { kind, isRequired }: Column): string | undefined {
  if (value === null) return isRequired ? 'is missing' : undefined
  return WRONG[kind](value)
}

function wrongNumber(value: Exclude<Value, null>): string | undefined {
  return typeof value === 'bigint' ? undefined : `holds ${typeName(value)} instead of a number`
}

/** Whether a text may have been read otherwise than it is kept: what is no UTF-8 comes as this character. */
export function isDoubtful(value: Value): boolean {
  return typeof value === 'string' && value.includes('\ufffd')
}

/** Which row it is and which column of it, for people. */
export function misfit(
  table: Table,
  { column, values, what }: { column: Column; values: readonly Value[]; what: string },
): Misfit {
  const key = keyColumns(table).map(({ name }) => {
    const value = values[table.columns.findIndex((each) => each.name === name)] ?? null
    return `${name} ${shown(value)}`
  })
  return { where: `${table.name} (${key.join(', ')})`, what: `${column.name} ${what}` }
}

function shown(value: Value): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text
}

function typeName(value: Value): string {
  if (Buffer.isBuffer(value)) return 'bytes'
  if (typeof value === 'string') return 'a text'
  return typeof value === 'bigint' ? 'a whole number' : 'a fraction'
}
