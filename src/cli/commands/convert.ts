import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Problem } from '#base/problem'
import { loadConfig } from '#app/settings/config'
import {
  convertWith,
  notConverted,
  sampleIn,
  type ConversionOrder,
  type Converted,
} from '#app/converting/convert'
import { pythonToConvert } from '#app/converting/python'
import { apiClient, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { versionMeant } from '../package/fetch.ts'
import { cellOf, tableLines } from '../table.ts'
import { remoteFlags } from './project.ts'

export const convert = command({
  command: 'convert <model>',
  describe: 'Make ONNX of a registered model, prove that it answers alike, and register it',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('model', {
        type: 'string',
        demandOption: true,
        describe: 'NAME (its newest version), NAME/3 or NAME@ALIAS',
      })
      .option('register-as', {
        type: 'string',
        describe: 'Registered model that the outcome becomes a version of (default: the same)',
      })
      .option('sample', {
        type: 'string',
        describe:
          'A .parquet or .csv file of rows to compare on, beside the input example (default: rows of the training data)',
      })
      .option('rows', { type: 'number', default: 20_000, describe: 'Rows of the sample at most' })
      .option('tolerance', {
        type: 'number',
        default: 1e-4,
        describe: 'How far numbers may differ, relative to one plus their size',
      })
      .option('python', {
        type: 'string',
        describe:
          "A Python with the model's packages and the converter (default: one is built of them)",
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Compare and log nothing' }),
  handler: async (flags) => {
    const url = await serverUrl(flags)
    const { model, version } = await versionOf(url, flags.model)
    const say = (text: string) => {
      if (flags.json !== true) process.stderr.write(`${text}\n`)
    }
    const { config } = loadConfig(flags.home === undefined ? {} : { home: resolve(flags.home) })
    const python =
      flags.python ??
      (await pythonToConvert({
        url,
        model,
        version,
        environments: config.environments,
        onProgress: say,
      }))
    const outcome = await withSample(
      flags.sample,
      { url, model, version, rows: flags.rows },
      (sample) =>
        convertWith(
          python,
          {
            url,
            model,
            version: String(version),
            register_as: flags.registerAs ?? model,
            rows_max: flags.rows,
            tolerance: flags.tolerance,
            dry: flags.dryRun,
            memory_bytes_max: config.modelMemoryBytesMax,
            ...sample,
          },
          { say },
        ),
    )
    if (flags.json === true) process.stdout.write(`${JSON.stringify(outcome)}\n`)
    if (!outcome.converted) throw differs(`${model}/${version}`, outcome)
    if (flags.json !== true) process.stdout.write(`${told(`${model}/${version}`, outcome)}\n`)
  },
})

/** Rows beside the input example: those of the file that is named, or else of what the version was trained on. */
async function withSample<T>(
  named: string | undefined,
  { url, model, version, rows }: { url: string; model: string; version: number; rows: number },
  work: (sample: Pick<ConversionOrder, 'sample' | 'no_sample'>) => Promise<T>,
): Promise<T> {
  if (named !== undefined) return work({ sample: resolve(named) })
  const folder = await mkdtemp(join(tmpdir(), 'orrery-convert-'))
  try {
    const path = `/models/${encodeURIComponent(model)}/versions/${version}/training-rows?rows=${Math.min(rows, SERVED_ROWS_MAX)}`
    const bytes = async () => Buffer.concat(await Array.fromAsync(apiClient(url).stream(path)))
    return await work(await sampleIn(folder, bytes))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** More than this a server gives to nobody. */
const SERVED_ROWS_MAX = 20_000

async function versionOf(url: string, name: string): Promise<{ model: string; version: number }> {
  if (/[:/@]/.test(name)) return versionMeant(apiClient(url), name)
  const query = new URLSearchParams({ name })
  const answer = await fetch(
    `${url}/api/2.0/mlflow/registered-models/get?${query.toString()}`,
  ).catch(() => {
    throw new Problem(
      'unavailable',
      `no server answers at ${apiClient(url).url}; name it with --url`,
    )
  })
  const found = (await answer.json()) as {
    registered_model?: { latest_versions?: { version: string }[] }
  }
  const versions = found.registered_model?.latest_versions ?? []
  const newest = Math.max(0, ...versions.map((each) => Number(each.version)))
  if (newest === 0)
    throw new Problem(
      'not-found',
      `there is no version of a registered model ${name}; "orrery models" lists those that there are`,
    )
  return { model: name, version: newest }
}

function told(source: string, outcome: Converted): string {
  const proof = `${outcome.rows} rows compared (${comparedIn(outcome)}), the largest difference is ${cellOf(outcome.max_difference)} (${outcome.by})`
  return outcome.version === undefined
    ? `${source} can be converted: ${proof}`
    : `${outcome.model}/${outcome.version} is ${source} as ONNX: ${proof}`
}

function comparedIn({ compared, not_compared: reason }: Converted): string {
  const parts = compared.map(({ of, rows, all }) =>
    rows === all ? `${rows} of ${of}` : `${rows} of ${all} of ${of}`,
  )
  return `${parts.join(', ')}${reason === null ? '' : `; ${reason}`}`
}

function differs(source: string, outcome: Converted): Problem {
  const rows = outcome.where.map(
    ({ of, row, output, model, onnx }) =>
      [of, String(row), output, String(model), String(onnx)] as const,
  )
  const table = tableLines(['of', 'row', 'output', 'model', 'onnx'], rows)
  return new Problem(
    'conflict',
    [
      notConverted(source, outcome),
      ...table,
      `serve it as it is, by Python; or allow more with --tolerance`,
    ].join('\n'),
  )
}
