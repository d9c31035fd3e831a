import type { ColumnChange, RowDifference, ShownRow } from '#tables'
import { counted, grouped, printable } from './text.ts'

const VALUE_CHARS = 60

/** A difference as people read it: what changed of the columns, how many rows, and some of them. */
export function differenceLines(found: RowDifference, out: string | undefined): string[] {
  const { keys, added, removed, changed, unchanged } = found
  const by = keys.length === 0 ? 'whole rows compared' : `by ${keys.join(', ')}`
  const counts = [
    `${grouped(added)} added`,
    `${grouped(removed)} removed`,
    ...(keys.length === 0 ? [] : [`${grouped(changed)} changed`]),
    `${grouped(unchanged)} the same`,
  ]
  return [
    `${found.old.name} (${counted(found.old.rows, 'row')}) → ${found.new.name} (${counted(found.new.rows, 'row')}), ${by}`,
    counts.join(', '),
    ...duplicateLines(found),
    ...found.columns.map(columnLine),
    ...changedLines(found),
    ...exampleLines('Added', '+', found.examples.added),
    ...exampleLines('Removed', '-', found.examples.removed),
    ...(out === undefined ? [] : ['', `All rows that differ are in ${out}`]),
  ]
}

function duplicateLines({ duplicates }: RowDifference): string[] {
  const { oldKeys, oldRows, newKeys, newRows, examples } = duplicates
  if (examples.length === 0 && oldKeys + newKeys === 0) return []
  return [
    `Keys that come more than once: ${grouped(oldKeys)} in the old table, ${grouped(newKeys)} in the new one; their ${grouped(oldRows)} and ${grouped(newRows)} rows are in no other count`,
    ...examples.map((row) => `  ${rowText(row)}`),
  ]
}

function columnLine({ name, change, old, new: current }: ColumnChange): string {
  if (change === 'added') return `Column ${printable(name)} is new: ${current}`
  if (change === 'removed') return `Column ${printable(name)} is gone: it was ${old}`
  return `Column ${printable(name)} was ${old} and is ${current}`
}

function changedLines({ changedColumns, examples }: RowDifference): string[] {
  if (changedColumns.length === 0) return []
  return [
    '',
    'Changed, by column:',
    ...changedColumns.map(({ name, rows }) => `  ${printable(name)}  ${counted(rows, 'row')}`),
    ...examples.changed.flatMap(({ key, changes }) => [
      `  ${rowText(key)}`,
      ...changes.map(
        ({ column, old, new: current }) =>
          `    ${printable(column)}: ${valueText(old)} → ${valueText(current)}`,
      ),
    ]),
  ]
}

function exampleLines(title: string, sign: string, rows: readonly ShownRow[]): string[] {
  if (rows.length === 0) return []
  return ['', `${title}:`, ...rows.map((row) => `  ${sign} ${rowText(row)}`)]
}

function rowText(row: ShownRow): string {
  return Object.entries(row)
    .map(([column, value]) => `${printable(column)}=${valueText(value)}`)
    .join('  ')
}

function valueText(value: unknown): string {
  const text = printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? '-'))
  return text.length > VALUE_CHARS ? `${text.slice(0, VALUE_CHARS - 1)}…` : text
}
