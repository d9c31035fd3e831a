import { Problem } from '#base/problem'
import { apiClient, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { cellOf, tableLines } from '../table.ts'
import { remoteFlags } from './project.ts'
import { recordsIn } from './rows.ts'

interface Answer {
  modelVersion: string
  method: 'trees' | 'paths' | 'exact' | 'permutation'
  note: string | null
  columns: string[]
  outputs: { name: string; of: string; base: number }[]
  rows: { answers: number[]; values: number[][]; errors?: number[][] }[]
  background: { rows: number; from: string }
  evaluations: number
}

const METHODS = {
  trees: 'exact, by the trees of the model',
  paths: 'exact, by the paths of the background through the trees',
  exact: 'exact, by all combinations of columns',
  permutation: 'estimated, by random orders of the columns',
} as const

export const explain = command({
  command: 'explain <endpoint>',
  describe: 'Say how much each column moved what a model answers',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('endpoint', { type: 'string', demandOption: true })
      .option('row', {
        type: 'string',
        array: true,
        describe: 'A row as JSON: {"carrier": "B6", "hour": 17}',
      })
      .option('file', { type: 'string', describe: 'A JSON file of rows (- is the input)' })
      .option('background', {
        type: 'string',
        describe: 'A JSON file of rows that stand for what is usual (default: the input example)',
      })
      .option('method', {
        choices: ['auto', 'sampling', 'paths'] as const,
        default: 'auto' as const,
      })
      .option('evaluations', { type: 'number', describe: 'Rows to ask the model for at most' })
      .option('seed', { type: 'number', describe: 'Of random orders' })
      .option('top', { type: 'number', default: 10, describe: 'Columns to show of each answer' }),
  handler: async (flags) => {
    const records = [
      ...(flags.row ?? []).map(recordIn),
      ...(flags.file === undefined ? [] : await recordsIn(flags.file)),
    ]
    if (records.length === 0)
      throw new Problem('invalid', 'there is no row to explain; give --row or --file')
    const api = apiClient(await serverUrl(flags))
    const { background, evaluations, seed } = flags
    const answer = await api.post<Answer>(
      `/endpoints/${encodeURIComponent(flags.endpoint)}/explanations`,
      {
        records,
        method: flags.method,
        ...(background === undefined ? {} : { background: await recordsIn(background) }),
        ...(evaluations === undefined ? {} : { evaluations }),
        ...(seed === undefined ? {} : { seed }),
      },
    )
    const lines = flags.json === true ? [JSON.stringify(answer)] : shown(answer, records, flags.top)
    process.stdout.write(`${lines.join('\n')}\n`)
  },
})

function recordIn(text: string): Record<string, unknown> {
  try {
    const record: unknown = JSON.parse(text)
    if (typeof record === 'object' && record !== null && !Array.isArray(record))
      return record as Record<string, unknown>
  } catch {
    // Told below, in the same words as for JSON of another form.
  }
  throw new Problem('invalid', `--row ${text} is no JSON object; write {"column": value}`)
}

function shown(answer: Answer, records: readonly Record<string, unknown>[], top: number): string[] {
  const { method, note, background, evaluations } = answer
  const lines = [
    `${answer.modelVersion}: ${METHODS[method]}, against ${background.rows} row${background.rows === 1 ? '' : 's'} of the ${background.from} (${evaluations} evaluations)`,
    ...(note === null ? [] : [note]),
  ]
  for (const [index, row] of answer.rows.entries())
    for (const [output, { name, of, base }] of answer.outputs.entries()) {
      const what = of === 'answer' ? name : `${name}, ${of}`
      lines.push(
        '',
        `row ${index}  ${what} = ${cellOf(row.answers[output])} (usually ${cellOf(base)})`,
        ...bars(
          answer,
          { values: row.values[output] ?? [], errors: row.errors?.[output] },
          {
            record: records[index] ?? {},
            top,
          },
        ),
      )
    }
  return lines
}

const BAR_WIDTH = 24

/** The columns that moved the answer most, each with a bar to the left or right. */
function bars(
  { columns }: Answer,
  { values, errors }: { values: readonly number[]; errors: readonly number[] | undefined },
  { record, top }: { record: Record<string, unknown>; top: number },
): string[] {
  const largest = Math.max(...values.map(Math.abs), Number.MIN_VALUE)
  const order = values
    .map((_, column) => column)
    .toSorted((one, other) => Math.abs(values[other] ?? 0) - Math.abs(values[one] ?? 0))
  const rows = order.slice(0, top).map((column) => {
    const value = values[column] ?? 0
    const bar = '█'.repeat(Math.round((Math.abs(value) / largest) * BAR_WIDTH))
    const error = errors?.[column]
    const name = columns[column] ?? ''
    return [
      `  ${name}`,
      `= ${JSON.stringify(record[name] ?? null)}`,
      `${value < 0 ? '' : '+'}${cellOf(value)}${error === undefined ? '' : ` ±${cellOf(error)}`}`,
      value < 0 ? bar.padStart(BAR_WIDTH) : `${' '.repeat(BAR_WIDTH)}${bar}`,
    ]
  })
  const rest = order.slice(top).reduce((sum, column) => sum + (values[column] ?? 0), 0)
  const others = order.length - rows.length
  return [
    ...tableLines(['', '', '', ''], rows).slice(1),
    ...(others > 0 ? [`  ${others} other columns together ${cellOf(rest)}`] : []),
  ]
}
