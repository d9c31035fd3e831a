import type { Bar, Tally } from '#stages'
import { printable } from '../tables/text.ts'
import { shortNumber, type Pen } from './figures.ts'

/** More classes than this are no table in a terminal. */
const CLASSES_MAX = 24
const BARS_MAX = 60

/** A table for each revision; `shares` of each row instead of counts. */
export function tallyLines(tables: readonly Tally[], { shares }: { shares: boolean }): string[] {
  return tables.flatMap(({ name, rows, columns, counts }) => {
    const classes = Math.max(columns.length, rows.length)
    if (classes > CLASSES_MAX)
      return [`  ${printable(name)}: ${classes} classes; --html shows them`]
    const table = rows.map((row, at) => {
      const found = counts[at] ?? []
      const sum = found.reduce((all, one) => all + one, 0) || 1
      const cells = found.map((one) => (shares ? (one / sum).toFixed(2) : String(one)))
      return [printable(row)].concat(cells)
    })
    return [`  ${printable(name)}`, ...aligned([['', ...columns.map(printable)], ...table])]
  })
}

/** A bar for each name and revision. */
export function barLines(bars: readonly Bar[], { columns, painted }: Pen): string[] {
  const names = [...new Set(bars.map(({ line }) => line))]
  const shown = bars.slice(0, BARS_MAX)
  const most = Math.max(...shown.map(({ value }) => Math.abs(value)), Number.MIN_VALUE)
  const wide = Math.min(24, Math.max(...shown.map(({ name }) => name.length), 1))
  const room = Math.max(4, columns - wide - 16)
  return [
    ...shown.map(({ name, line, value }) => {
      const bar = '█'.repeat(Math.max(1, Math.round((Math.abs(value) / most) * room)))
      const label = printable(name).slice(0, wide).padEnd(wide)
      return `  ${label} ${painted(bar, names.indexOf(line))} ${shortNumber(value)}`
    }),
    ...(bars.length > shown.length ? [`  … ${bars.length - shown.length} more in --html`] : []),
    ...names.map((name, at) => `  ${painted('■', at)} ${printable(name)}`),
  ]
}

function aligned(table: readonly (readonly string[])[]): string[] {
  const widths = (table[0] ?? []).map((_, at) =>
    Math.max(...table.map((row) => row[at]?.length ?? 0)),
  )
  return table.map(
    (row) => `    ${row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  ')}`,
  )
}
