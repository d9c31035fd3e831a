import type { ColumnReport, DriftReport, StatisticReport } from '#drift'
import { wholeLines } from './whole-lines.ts'
import { cellOf, tableLines } from '../table.ts'
import { counted, printable } from '../tables/text.ts'

/** A report as people read it: what drifted first, then the rest, then what could not be compared. */
export function reportLines(report: DriftReport, { details }: { details: boolean }): string[] {
  const { reference, current, preset, windows } = report
  const whole = windows === null ? [] : ['']
  return [
    `${printable(current.name)} (${counted(current.rows, 'row')}) against ${printable(reference.name)} (${counted(reference.rows, 'row')}), by the ${preset} rules`,
    verdictLine(report),
    ...onlyLines(report),
    '',
    ...columnLines(report.columns, details),
    ...whole,
    ...(windows === null ? [] : windowLines(report)),
    ...(report.multivariate === null ? [] : ['', ...wholeLines(report.multivariate)]),
  ]
}

function verdictLine({ verdict, drifted, compared, share, shareMax }: DriftReport): string {
  if (verdict === 'not-applicable') return 'No column could be compared.'
  const part = `${drifted.length} of ${counted(compared, 'column')} drifted (${percent(share)})`
  const rule = shareMax > 0 ? `; the data as a whole has from ${percent(shareMax)} on` : ''
  return `${verdict === 'drifted' ? 'Drifted' : 'Steady'}: ${part}${rule}.`
}

function onlyLines({ only }: DriftReport): string[] {
  return [
    ...(only.reference.length === 0
      ? []
      : [`The current rows lack: ${only.reference.map(printable).join(', ')}`]),
    ...(only.current.length === 0
      ? []
      : [`The reference lacks: ${only.current.map(printable).join(', ')}`]),
  ]
}

const HEADS = ['column', 'verdict', 'statistic', 'value', 'threshold', 'p', 'noise floor', 'note']

function columnLines(columns: readonly ColumnReport[], details: boolean): string[] {
  const sorted = columns.toSorted((one, other) => rank(other) - rank(one))
  return tableLines(
    HEADS,
    sorted.flatMap((column) => columnRows(column, details)),
  )
}

/** How far beyond its threshold a column is, those with a verdict of drift before all others. */
function rank({ verdict, statistics }: ColumnReport): number {
  if (verdict === 'not-applicable') return -1
  const [first] = statistics
  const { value = null, threshold = null } = first ?? {}
  const times = value === null || threshold === null || threshold === 0 ? 0 : value / threshold
  return Math.min(times, 1e6) + (verdict === 'drifted' ? 1e6 : 0)
}

function columnRows(report: ColumnReport, details: boolean): string[][] {
  const { statistics, verdict, reason } = report
  const name = printable(report.column)
  if (statistics.length === 0) return [[name, 'no verdict', '-', '-', '-', '-', '-', reason ?? '']]
  const shown = details ? statistics : [deciding(report)]
  return shown.map((each, index) => [
    index === 0 ? name : '',
    index === 0 ? verdict : '',
    each.statistic,
    shortly(each.value),
    shortly(each.threshold),
    shortly(each.p ?? (details ? null : pIn(statistics))),
    shortly(each.noiseFloor),
    [index === 0 ? reason : null, each.reason].filter((note) => note !== null).join('; '),
  ])
}

/** The statistic that speaks for the verdict. */
function deciding({ statistics, verdict }: ColumnReport): StatisticReport {
  const first = statistics[0] as StatisticReport
  if (verdict !== 'drifted' || first.verdict === 'drifted') return first
  return statistics.find((each) => each.verdict === 'drifted') ?? first
}

function pIn(statistics: readonly StatisticReport[]): number | null {
  return statistics.find(({ p }) => p !== null)?.p ?? null
}

function windowLines({ windows }: DriftReport): string[] {
  return tableLines(
    ['from', 'rows', 'verdict', 'drifted', 'columns'],
    (windows ?? []).map(({ from, rows, verdict, drifted, compared }) => [
      from.slice(0, 19),
      String(rows),
      verdict === 'not-applicable' ? 'no verdict' : verdict,
      `${drifted.length} of ${compared}`,
      drifted.map(printable).join(', '),
    ]),
  )
}

function shortly(value: number | null): string {
  return value === null ? '-' : cellOf(Number(value.toPrecision(4)))
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`
}
