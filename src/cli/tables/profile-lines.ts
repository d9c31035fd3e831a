import type { ColumnProfile, Histogram, TableProfile } from '#tables'
import { counted, grouped, printable } from './text.ts'

const BLOCKS = ' ▁▂▃▄▅▆▇█'
const BAR_CHARS = 20
const TOP_SHOWN = 5

/** A profile as people read it: one line for the table, a few for each column. */
export function profileLines(
  name: string,
  profile: TableProfile,
  shown: readonly ColumnProfile[],
): string[] {
  const { rows, sampledRows, columns } = profile
  const head = `${name}: ${counted(rows, 'row')}, ${counted(columns.length, 'column')}, ${counted(profile.files, 'file')}, ${sizeOf(profile.sizeBytes)}`
  const note =
    sampledRows === rows
      ? []
      : [
          `Quantiles, histograms and frequent values are of ${grouped(sampledRows)} rows chosen by chance; counts of distinct values with ~ are estimates.`,
        ]
  return [head, ...note, ...shown.flatMap((column) => ['', ...columnLines(column, profile)])]
}

function columnLines(column: ColumnProfile, { rows, sampledRows }: TableProfile): string[] {
  const { distinct, nulls, lengths, quantiles, histogram } = column
  const facts = [
    column.type,
    nulls === 0 ? 'no gaps' : `${grouped(nulls)} null (${percent(nulls, rows)})`,
    ...(distinct === null
      ? []
      : [
          distinct.isExact
            ? `${grouped(distinct.count)} distinct`
            : `~${grouped(distinct.count)} distinct (±${Number((distinct.within * 100).toPrecision(1))}%)`,
        ]),
    ...(column.nonFinite === null || column.nonFinite === 0
      ? []
      : [`${grouped(column.nonFinite)} not finite`]),
    ...(column.trues === null ? [] : [`${percent(column.trues, rows - nulls)} true`]),
  ]
  const lines = [`${column.name}  ${facts.join(', ')}`]
  if (column.min !== null && column.kind !== 'boolean')
    lines.push(
      `  ${valueOf(column.min)} … ${valueOf(column.max)}${
        column.mean === null ? '' : `  mean ${short(column.mean)}`
      }${column.std === null ? '' : `  std ${short(column.std)}`}`,
    )
  if (histogram !== null && histogram.from !== histogram.to) lines.push(`  ${drawn(histogram)}`)
  if (quantiles.length > 0)
    lines.push(
      `  ${quantiles.map(({ share, value }) => `${Math.round(share * 100)}% ${valueOf(value)}`).join('  ')}`,
    )
  if (lengths !== null)
    lines.push(
      `  length ${short(lengths.min)} … ${short(lengths.max)}  mean ${short(lengths.mean)}`,
    )
  return [...lines, ...topLines(column, sampledRows)]
}

/** Frequent values say something only where values come again. */
function topLines({ top, kind, distinct }: ColumnProfile, rows: number): string[] {
  const [most] = top
  const isFew = (distinct?.count ?? 0) <= 50
  if (most === undefined || most.count < 2 || (kind !== 'text' && kind !== 'boolean' && !isFew))
    return []
  const shown = top.slice(0, TOP_SHOWN)
  const width = Math.min(32, Math.max(...shown.map(({ value }) => printable(value).length)))
  return shown.map(({ value, count }) => {
    const bar = '█'.repeat(Math.max(1, Math.round((count / most.count) * BAR_CHARS)))
    const text = printable(value)
    const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width)
    return `  ${cut}  ${percent(count, rows).padStart(6)}  ${bar}`
  })
}

function drawn({ counts, from, to }: Histogram): string {
  const most = Math.max(...counts, 1)
  const bars = counts
    .map((count) => BLOCKS[count === 0 ? 0 : Math.max(1, Math.round((count / most) * 8))])
    .join('')
  return `▕${bars}▏ ${valueOf(from)} to ${valueOf(to)}`
}

function valueOf(value: number | string | null): string {
  if (value === null) return '-'
  return typeof value === 'number' ? short(value) : printable(value).slice(0, 40)
}

function short(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : String(Number(value.toPrecision(6)))
}

function percent(part: number, whole: number): string {
  if (whole === 0) return '0%'
  const share = (part / whole) * 100
  return `${share > 0 && share < 0.1 ? '<0.1' : Number(share.toFixed(1))}%`
}

function sizeOf(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3))
  return `${Number((bytes / 1000 ** step).toPrecision(3))} ${units[step]}`
}
