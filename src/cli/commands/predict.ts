import type { Argv } from 'yargs'
import { Problem } from '#base/problem'
import { predictBatch } from '../batch/predict.ts'
import { apiClient, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'
import { recordsIn } from './rows.ts'

interface Answer {
  modelVersion: string
  predictions: { id: string; outputs: Record<string, unknown> }[]
}

export const predict = command({
  command: 'predict <endpoint> [file]',
  describe:
    'Predict the records of a JSON file at an endpoint (a list, or one object a line; - is the input), or files of any size with --batch',
  builder: (argv) =>
    batchFlags(
      remoteFlags(argv)
        .positional('endpoint', {
          type: 'string',
          demandOption: true,
          describe: 'ENDPOINT; with --batch also models:/NAME/3, models:/NAME@ALIAS or a folder',
        })
        .positional('file', { type: 'string' }),
    ),
  handler: async (flags) => {
    if (flags.batch !== undefined) return predictBatch({ ...flags, batch: flags.batch })
    if (flags.file === undefined)
      throw new Problem('invalid', 'name a JSON file, - for the input, or files with --batch')
    const api = apiClient(await serverUrl(flags))
    const records = await recordsIn(flags.file)
    const answer = await api.post<Answer>(
      `/endpoints/${encodeURIComponent(flags.endpoint)}/predictions`,
      { records },
    )
    if (flags.json === true) process.stdout.write(`${JSON.stringify(answer)}\n`)
    else
      for (const { id, outputs } of answer.predictions)
        process.stdout.write(`${id}  ${JSON.stringify(outputs)}\n`)
  },
})

function batchFlags<Flags>(argv: Argv<Flags>) {
  return argv
    .option('batch', {
      type: 'string',
      describe: 'Parquet, CSV or JSON lines: a file, a folder or a pattern',
    })
    .option('rev', {
      type: 'string',
      describe: 'The data of --batch as it was at a commit, a branch or a tag',
    })
    .option('output', { type: 'string', describe: 'OUT.parquet or OUT.csv, for --batch' })
    .option('keep', {
      type: 'string',
      describe: 'Columns of the input to keep, separated by commas (default: all)',
    })
    .option('rows', { type: 'number', describe: 'So many rows at most' })
    .option('on-error', {
      choices: ['fail', 'skip', 'null'] as const,
      default: 'fail' as const,
      describe: 'What becomes of rows that the model refuses',
    })
    .option('split', {
      type: 'boolean',
      default: false,
      describe: 'A column for each probability instead of a list',
    })
    .option('restart', {
      type: 'boolean',
      default: false,
      describe: 'Begin anew, and replace the output',
    })
    .option('timeout-ms', {
      type: 'number',
      default: 60_000,
      describe: 'How long a block of rows may take',
    })
    .option('quiet', { type: 'boolean', default: false, describe: 'No progress' })
    .option('python', { type: 'string', describe: 'Python that runs a model without ONNX' })
}
