import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { BatchResult } from '#app/batch/index'
import type { OnError } from '#app/batch/writer'
import { Problem } from '#base/problem'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { fetchModel, versionMeant } from '../package/fetch.ts'
import { showProgress } from '../progress.ts'

export interface BatchFlags {
  readonly endpoint: string
  readonly batch: string
  readonly rev?: string | undefined
  readonly output?: string | undefined
  readonly keep?: string | undefined
  readonly rows?: number | undefined
  readonly onError: OnError
  readonly split: boolean
  readonly restart: boolean
  readonly timeoutMs: number
  readonly quiet: boolean
  readonly python?: string | undefined
  readonly json?: boolean
  readonly url?: string | undefined
  readonly home?: string | undefined
}

/** The engine that reads and writes the files may take so much; models have their own. */
const ENGINE_MB = 1024
/** No endpoint has one of these in its name: a version is meant, as `churn:3`, `churn/3` or `churn@champion`. */
const VERSION_MARK = /[:/@]/

/** Predicts all rows of files on this machine, and says how that went. */
export async function predictBatch(flags: BatchFlags): Promise<void> {
  const { output, rows } = flags
  if (output === undefined)
    throw new Problem('invalid', 'say where the answers go: --output OUT.parquet')
  if (rows !== undefined && !(Number.isSafeInteger(rows) && rows > 0))
    throw new Problem('invalid', '--rows is a whole number from 1')
  const work = await mkdtemp(join(tmpdir(), 'orrery-batch-'))
  try {
    const [{ predictFiles }, { modelAt }, { modelRuntimes }, { loadConfig }] = await Promise.all([
      import('#app/batch/index'),
      import('#app/standalone/model-folder'),
      import('#app/serving/runtimes'),
      import('#app/settings/config'),
    ])
    const { folder, name } = await modelFolder(flags, work)
    const { config } = loadConfig(flags.python === undefined ? {} : { modelPython: flags.python })
    const logger = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }))
    const progress = showProgress('rows', flags)
    const startedMs = performance.now()
    const result = await predictFiles(
      await modelAt(folder, name),
      {
        input: await inputOf(flags),
        output,
        ...(flags.keep === undefined ? {} : { keep: listOf(flags.keep) }),
        ...(rows === undefined ? {} : { rows }),
        onError: flags.onError,
        split: flags.split,
        restart: flags.restart,
        timeoutMs: flags.timeoutMs,
      },
      {
        runtime: modelRuntimes(config, logger),
        logger,
        memoryMb: ENGINE_MB,
        threads: 2,
        onTotal: progress.expect,
        onRows: (count) => progress.add(count),
      },
    ).finally(progress.end)
    const seconds = (performance.now() - startedMs) / 1000
    process.stdout.write(
      flags.json === true ? `${JSON.stringify({ ...result, seconds })}\n` : words(result, seconds),
    )
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function inputOf({ batch, rev }: BatchFlags): Promise<string> {
  if (rev === undefined) return batch
  const { folderAtRevision } = await import('./version.ts')
  return folderAtRevision(batch, rev)
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}

/** The files of the model that is meant, and the name that it goes by. */
async function modelFolder(
  flags: BatchFlags,
  work: string,
): Promise<{ folder: string; name: string }> {
  const { endpoint } = flags
  if (/[/\\.]/.test(endpoint) && !endpoint.startsWith('models:/') && existsSync(endpoint))
    return { folder: endpoint, name: 'model' }
  if (/^\.{0,2}\//.test(endpoint))
    throw new Problem('not-found', `there is no folder ${endpoint}; name one that MLflow has saved`)
  const api = apiClient(await serverUrl(flags))
  const meant = await (VERSION_MARK.test(endpoint) ? versionMeant : versionServed)(api, endpoint)
  const folder = join(work, 'model')
  const progress = showProgress('bytes of the model', flags)
  const { digest } = await fetchModel(api, meant, folder, (bytes) => progress.add(bytes))
  progress.end()
  await writeFile(join(folder, '.orrery.json'), JSON.stringify({ ...meant, digest }))
  return { folder, name: meant.model }
}

async function versionServed(
  api: ApiClient,
  endpoint: string,
): Promise<{ model: string; version: number }> {
  const { live } = await api.get<{ live: { model: string; version: number } | null }>(
    `/endpoints/${encodeURIComponent(endpoint)}`,
  )
  if (live === null)
    throw new Problem(
      'unavailable',
      `nothing serves at ${endpoint} yet; name a version instead, as models:/NAME/3`,
    )
  return { model: live.model, version: live.version }
}

function words(result: BatchResult, seconds: number): string {
  const { read, written, bad, resumed, examples, output, modelVersion } = result
  const fresh = read - resumed
  const lines = [
    `${output}: ${written} rows by ${modelVersion}, ${Math.round(fresh / seconds)} rows/s`,
    ...(resumed > 0 ? [`${resumed} of them were done before`] : []),
    ...(bad > 0 ? [`${bad} rows were refused, such as`] : []),
    ...examples.map(({ file, row, reason }) => `  row ${row} of ${file}: ${reason}`),
  ]
  return `${lines.join('\n')}\n`
}
