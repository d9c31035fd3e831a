import { Problem } from '#base/problem'
import type { Logged, Value } from '#inference'
import {
  performanceOf,
  type AnsweredRow,
  type MeasuredPerformance,
  type Metrics,
  type PerformanceVerdict,
  type Roles,
  type Task,
} from '#performance'
import { withTableRows, type TableRows } from '#app/monitoring/table-rows'
import { tableNamed } from '../drift/sides.ts'
import { showProgress, type Progress } from '../progress.ts'
import { cellOf, tableLines } from '../table.ts'
import { counted, printable } from '../tables/text.ts'

export interface ScoreFlags {
  readonly predictions: string
  readonly truth?: string | undefined
  readonly label: string
  readonly id?: string | undefined
  readonly outputs?: readonly string[] | undefined
  readonly by?: readonly string[] | undefined
  readonly task?: string | undefined
  readonly positive?: string | undefined
  readonly group?: string | undefined
  readonly k?: number | undefined
  readonly minSamples: number
  readonly quiet?: boolean | undefined
  readonly json?: boolean
}

/** More rows than this are not held at once. */
const ROWS_MAX = 3_000_000

/** Measures the predictions of a file by what turned out to be true, and prints it. */
export async function scorePredictions(flags: ScoreFlags): Promise<void> {
  if (flags.truth !== undefined && flags.id === undefined)
    throw new Problem('invalid', 'say which column both files share: --id request')
  const progress = showProgress('rows', flags)
  const { rows, unknown } = await answeredRows(flags, progress).finally(progress.end)
  const verdict = performanceOf(rows, {
    roles: rolesOf(flags),
    samplesMin: flags.minSamples,
    slices: { by: words(flags.by) },
  })
  const about = { predictions: rows.length, withoutTruth: unknown }
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ version: 1, ...about, ...verdict })}\n`
      : `${scoreLines(verdict, { ...about, name: flags.predictions }).join('\n')}\n`,
  )
}

function rolesOf({ task, positive, group, k }: ScoreFlags): Roles {
  return {
    ...(task === undefined ? {} : { task: task as Task }),
    ...(positive === undefined ? {} : { positive }),
    ...(group === undefined ? {} : { group }),
    ...(k === undefined ? {} : { k }),
  }
}

/** Each prediction with its truth, null where none is told. */
async function answeredRows(
  flags: ScoreFlags,
  progress: Progress,
): Promise<{ rows: AnsweredRow[]; unknown: number }> {
  const { id, label, truth } = flags
  const truths = truth === undefined ? undefined : await truthsIn(truth, flags, progress)
  const table = await tableNamed(flags.predictions)
  const rows: AnsweredRow[] = []
  let unknown = 0
  await withTableRows(table, async (source) => {
    const outputs = outputsOf(source, flags)
    const inputs = [...new Set([...words(flags.by), ...words([flags.group ?? ''])])]
    const told = truths === undefined ? label : (id as string)
    const columns = [...new Set([told, ...outputs, ...inputs])]
    for await (const value of rowsOf(source, columns, progress)) {
      const own = truths === undefined ? value(label) : truths.get(String(value(told)))
      if (own === null || own === undefined) unknown++
      rows.push({
        inputs: pick(inputs, value),
        outputs: pick(outputs, value),
        label: (own ?? null) as AnsweredRow['label'],
      })
    }
  })
  return { rows, unknown }
}

/** The last truth that is told of an id holds. */
async function truthsIn(
  path: string,
  { id = '', label }: ScoreFlags,
  progress: Progress,
): Promise<Map<string, Value>> {
  const truths = new Map<string, Value>()
  await withTableRows(await tableNamed(path), async (source) => {
    for await (const value of rowsOf(source, [id, label], progress))
      if (value(id) !== null) truths.set(String(value(id)), value(label))
  })
  return truths
}

async function* rowsOf(
  source: TableRows,
  columns: readonly string[],
  progress: Progress,
): AsyncGenerator<(column: string) => Value> {
  const missing = columns.filter((column) => !source.columns.includes(column))
  if (missing.length > 0)
    throw new Problem(
      'not-found',
      `there is no column ${missing.join(', ')}; the data has ${source.columns.join(', ')}`,
    )
  let rows = 0
  for await (const block of source.blocks(columns)) {
    rows += block.rows
    if (rows > ROWS_MAX)
      throw new Problem(
        'invalid',
        `more than ${ROWS_MAX} rows are not measured at once; name a part of them`,
      )
    const cells = new Map(columns.map((column) => [column, block.cells(column)]))
    for (let at = 0; at < block.rows; at++) yield (column) => cells.get(column)?.[at] ?? null
    progress.add(block.rows)
  }
}

/** Where nobody says which columns are answers, those that are called so. */
function outputsOf({ columns }: TableRows, flags: ScoreFlags): string[] {
  const said = words(flags.outputs)
  if (said.length > 0) return said
  const found = columns.filter(
    (column) => /prob|score|pred/i.test(column) && column !== flags.label && column !== flags.id,
  )
  if (found.length > 0) return found
  throw new Problem(
    'invalid',
    `say which columns hold what was predicted: --outputs NAME; the data has ${columns.join(', ')}`,
  )
}

function pick(
  columns: readonly string[],
  value: (column: string) => Value,
): Readonly<Record<string, Logged>> {
  return Object.fromEntries(columns.map((column) => [column, value(column) as Logged]))
}

function words(given: readonly string[] | undefined): string[] {
  return (given ?? []).flatMap((each) => each.split(',')).filter((each) => each !== '')
}

function scoreLines(
  verdict: PerformanceVerdict,
  about: { name: string; predictions: number; withoutTruth: number },
): string[] {
  const head = `${printable(about.name)}: ${counted(about.predictions, 'prediction')}, ${counted(about.withoutTruth, 'prediction')} without a truth`
  if (verdict.state === 'too-few') return [head, `Nothing is measured: ${verdict.reason}.`]
  return [
    head,
    `As ${verdict.task}: ${verdict.because}${verdict.unread === 0 ? '' : `; ${counted(verdict.unread, 'row')} could not be read`}.`,
    '',
    ...metricLines(verdict.metrics),
    ...sliceLines(verdict),
  ]
}

function metricLines(metrics: Metrics): string[] {
  return tableLines(
    ['metric', 'value', '95 % from', 'to', 'note'],
    Object.entries(metrics).map(([name, { value, ciLow, ciHigh, note }]) => [
      name,
      shortly(value),
      shortly(ciLow),
      shortly(ciHigh),
      note ?? '',
    ]),
  )
}

/** Each value of a column by the metric that is looked at first. */
function sliceLines({ slices, main }: MeasuredPerformance): string[] {
  return slices.flatMap(({ by, slices: parts, left }) => [
    '',
    ...tableLines(
      [printable(by), 'labels', main, '95 % from', 'to'],
      parts.map(({ value, labels, metrics }) => {
        const metric = metrics?.[main]
        return [
          printable(value),
          String(labels),
          metrics === null ? 'too few' : shortly(metric?.value ?? null),
          shortly(metric?.ciLow ?? null),
          shortly(metric?.ciHigh ?? null),
        ]
      }),
    ),
    ...(left === 0 ? [] : [`and ${counted(left, 'value')} more`]),
  ])
}

function shortly(value: number | null): string {
  return value === null ? '-' : cellOf(Number(value.toPrecision(5)))
}
