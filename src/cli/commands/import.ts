import { REPLACE } from '../bringing.ts'
import { command, QUIET } from '../command.ts'
import { remoteFlags } from './project.ts'

export const importCommand = command({
  command: 'import <source> <path>',
  describe: 'Take data from another repository and track it; or everything from MLflow',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('source', {
        type: 'string',
        demandOption: true,
        describe: 'Path or address of a Git repository; or the word mlflow',
      })
      .positional('path', {
        type: 'string',
        demandOption: true,
        describe: 'File or folder in it; of mlflow: server, folder of runs, or database',
      })
      .option('out', { alias: 'o', type: 'string', describe: 'Where to put it' })
      .option('rev', { type: 'string', describe: 'Branch, tag or commit' })
      .option('force', REPLACE)
      .option('no-exec', { type: 'boolean', default: false, describe: 'Only write the .dvc file' })
      .option('no-download', {
        type: 'boolean',
        default: false,
        describe: 'Write the .dvc file with the version; bring no data',
      })
      .option('jobs', { alias: 'j', type: 'number', describe: 'How much to do at once' })
      .option('config', {
        type: 'string',
        describe: 'Settings to lay over those of the repository',
      })
      .option('remote', { type: 'string', describe: 'Remote of the repository to fetch from' })
      .option('remote-config', {
        type: 'string',
        array: true,
        describe: 'Settings of that remote, name=value',
      })
      .option('artifacts', {
        type: 'string',
        describe: 'mlflow: folder, or address of a server, that has the artifacts',
      })
      .option('experiments', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'mlflow: only these, by name or number',
      })
      .option('since', {
        type: 'string',
        describe: 'mlflow: only runs that went on after this time, 2024-05-01 say',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'mlflow: only tell what is new',
      })
      .option('verify', {
        choices: ['counts', 'full', 'no'] as const,
        default: 'counts' as const,
        describe: 'mlflow: compare afterwards, counts or all of it file by file',
      })
      .option('quiet', QUIET)
      .parserConfiguration({ 'boolean-negation': false })
      .example('$0 import https://example.org/team/data.git prices', 'data of another repository')
      .example('$0 import ../data prices --rev v2 -o raw/prices', 'at a tag, to another path')
      .example('$0 import mlflow http://localhost:5000', 'everything from an MLflow server'),
  handler: async (flags) => {
    if (flags.source === 'mlflow') {
      const { importFromMlflow } = await import('../mlflow-import/command.ts')
      return importFromMlflow(flags.path, flags)
    }
    const { calledIn } = await import('../workspace.ts')
    const { extentOf, outIn, repositoryUrl, sayImports, settingsIn } = await import('../imports.ts')
    const here = calledIn()
    const imports = await here.imports()
    const remoteConfig = settingsIn(flags.remoteConfig)
    const done = await imports.importRepository({
      path: flags.path.replace(/\/+$/, ''),
      out: outIn(here, flags.out, flags.path),
      force: flags.force,
      extent: extentOf(flags),
      repository: {
        url: repositoryUrl(here, flags.source),
        ...(flags.rev === undefined ? {} : { rev: flags.rev }),
        ...(flags.config === undefined ? {} : { config: flags.config }),
        ...(flags.remote === undefined ? {} : { remote: flags.remote }),
      },
      ...(remoteConfig === undefined ? {} : { remoteConfig }),
    })
    sayImports(here, flags, [done])
  },
})
