import { environment } from '#app/environment'
import { systemClock } from '#base/clock'
import { Problem } from '#base/problem'
import { serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { importStore } from '../mlflow-import/import.ts'
import { reportLines } from '../mlflow-import/report.ts'
import { importTarget } from '../mlflow-import/target.ts'
import type { Wanted } from '../mlflow-import/work.ts'
import { openSource } from '../mlflow-store/open.ts'
import { showProgress } from '../progress.ts'
import { say } from '../workspace.ts'
import { remoteFlags } from './project.ts'

export const importCommand = command({
  command: 'import <what> <from>',
  describe: 'Bring everything from an MLflow server, a folder mlruns or a file mlflow.db',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('what', { choices: ['mlflow'] as const, demandOption: true })
      .positional('from', {
        type: 'string',
        demandOption: true,
        describe: 'Address of the server, folder of runs, or database',
      })
      .option('artifacts', {
        type: 'string',
        describe: 'Folder, or address of an MLflow server, that has the artifacts',
      })
      .option('experiments', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'Only these, by name or number',
      })
      .option('since', {
        type: 'string',
        describe: 'Only runs that went on after this time, 2024-05-01 say',
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only tell what is new' })
      .option('verify', {
        choices: ['counts', 'full', 'no'] as const,
        default: 'counts' as const,
        describe: 'Compare afterwards: counts, or all of it file by file',
      })
      .option('quiet', { type: 'boolean', default: false, describe: 'Show no progress' })
      .example('$0 import mlflow http://localhost:5000', 'from a server')
      .example('$0 import mlflow ./mlruns', 'from a folder'),
  handler: async (flags) => {
    const wanted: Wanted = {
      experiments: flags.experiments,
      sinceMs: timeIn(flags.since),
      dryRun: flags.dryRun,
      counting: flags.verify !== 'no',
    }
    const source = openSource(flags.from, flags.artifacts, environment)
    const target = importTarget(await targetUrl(flags), source.name)
    if (source.name === target.url)
      throw new Problem(
        'invalid',
        `${target.url} is the server to import into; name another to read from`,
      )
    const progress = showProgress('runs and models', flags)
    const world = { wanted, progress, nowMs: () => systemClock.nowMs() }
    try {
      const report = await importStore(source, target, world)
      if (flags.verify === 'full' && !wanted.dryRun) {
        const { compareStores } = await import('../mlflow-import/verify.ts')
        await compareStores(source, target, { report, wanted })
      }
      progress.end()
      say(flags, report, reportLines(report))
      if (report.differences.length > 0) process.exitCode = 1
    } finally {
      progress.end()
      source.close()
    }
  },
})

/** MLFLOW_TRACKING_URI may well name the server that they come from, so it is not taken for this one. */
function targetUrl(flags: { url?: string | undefined; home?: string | undefined }) {
  const { MLFLOW_TRACKING_URI: _, ...rest } = environment
  return serverUrl(flags, rest)
}

function timeIn(text: string | undefined): number | null {
  if (text === undefined) return null
  const ms = Date.parse(text)
  if (Number.isNaN(ms))
    throw new Problem(
      'invalid',
      `${JSON.stringify(text)} is no time; write it like 2024-05-01 or 2024-05-01T12:00:00Z`,
    )
  return ms
}
