import { dirname, join, resolve } from 'node:path'
import { systemClock } from '#base/clock'
import { serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { exportStore, type Exported } from '../mlflow-export/export.ts'
import { MLFLOW } from '../mlflow-export/schema.ts'
import { restClient } from '../mlflow-store/rest-client.ts'
import { restSource } from '../mlflow-store/rest-source.ts'
import { shortTime, showProgress } from '../progress.ts'
import { say } from '../say.ts'
import { remoteFlags } from './project.ts'

export const exportCommand = command({
  command: 'export <what> <to>',
  describe:
    'Write everything as a store that a real MLflow server opens, or a log as lines of ECS JSON',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('what', { choices: ['mlflow', 'ecs'] as const, demandOption: true })
      .positional('to', {
        type: 'string',
        demandOption: true,
        describe: 'New folder, or sqlite:///FILE for the database; of ecs a new file, or -',
      })
      .option('log', {
        choices: ['events', 'predictions'] as const,
        default: 'events' as const,
        describe: 'Which log, of ecs',
      })
      .option('endpoint', { type: 'string', describe: 'Whose predictions, of ecs' })
      .option('from', { type: 'number', describe: 'Where to go on, of ecs: as the last one said' })
      .option('artifacts', {
        type: 'string',
        describe: 'Folder for the artifacts (default: mlartifacts beside the database)',
      })
      .option('experiments', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'Only these, by name or number',
      })
      .option('quiet', { type: 'boolean', default: false, describe: 'Show no progress' })
      .example('$0 export mlflow ./mlflow-store', 'mlflow.db and mlartifacts in a new folder'),
  handler: async (flags) => {
    if (flags.what === 'ecs') {
      const { exportEcs } = await import('../ecs-export.ts')
      await exportEcs(flags)
      return
    }
    const database = databaseIn(flags.to)
    const artifacts = resolve(flags.artifacts ?? join(dirname(database), 'mlartifacts'))
    const source = restSource(restClient(await serverUrl(flags), {}), { usual: [] })
    const progress = showProgress('runs and models', flags)
    try {
      const place = { database, artifacts, experiments: flags.experiments }
      const exported = await exportStore(source, place, {
        progress,
        nowMs: () => systemClock.nowMs(),
      })
      progress.end()
      say(flags, exported, linesOf(exported))
      if (exported.skipped.length > 0) process.exitCode = 1
    } finally {
      progress.end()
    }
  },
})

function databaseIn(to: string): string {
  const named = /^sqlite:\/\/\/(.+)$/.exec(to)?.[1]
  return named === undefined ? join(resolve(to), 'mlflow.db') : resolve(named)
}

function linesOf(exported: Exported): string[] {
  const { database, artifacts, skipped } = exported
  return [
    `Exported ${exported.experiments} experiments, ${exported.runs} runs, ${exported.points} points of metrics, ${exported.loggedModels} logged models,`,
    `${exported.registeredModels} registered models with ${exported.versions} versions, and ${exported.files} files (${(exported.bytes / 1e6).toFixed(1)} MB) in ${shortTime(exported.seconds)}.`,
    ...(exported.elsewhere > 0
      ? [`${exported.elsewhere} keep their files in a store of their own, where they stay.`]
      : []),
    ...skipped.map(({ what, id, reason }) => `NOT exported: ${what} ${id}: ${reason}`),
    `Open it with MLflow ${MLFLOW.release} or newer:`,
    `  mlflow server --backend-store-uri sqlite:///${database} --artifacts-destination ${artifacts}`,
  ]
}
