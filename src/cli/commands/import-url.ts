import { REPLACE } from '../bringing.ts'
import { command, QUIET } from '../command.ts'

export const importUrl = command({
  command: 'import-url <url> [out]',
  describe: 'Take data from a path, a web server or a remote, and track it with where it came from',
  builder: (argv) =>
    argv
      .positional('url', { type: 'string', demandOption: true, describe: 'Path or address' })
      .positional('out', { type: 'string', describe: 'Where to put it' })
      .option('force', REPLACE)
      .option('no-exec', { type: 'boolean', default: false, describe: 'Only write the .dvc file' })
      .option('no-download', {
        type: 'boolean',
        default: false,
        describe: 'Write the .dvc file with the version; bring no data',
      })
      .option('to-remote', {
        type: 'boolean',
        default: false,
        describe: 'Put the data into a remote and not into the workspace',
      })
      .option('remote', { alias: 'r', type: 'string', describe: 'Remote for --to-remote' })
      .option('version-aware', {
        type: 'boolean',
        default: false,
        describe: 'Name the version that the store itself keeps',
      })
      .option('fs-config', { type: 'string', array: true, describe: 'Settings, name=value' })
      .option('jobs', { alias: 'j', type: 'number', describe: 'How much to do at once' })
      .option('quiet', QUIET)
      .parserConfiguration({ 'boolean-negation': false })
      .example('$0 import-url https://example.org/prices.csv', 'a file of a web server')
      .example('$0 import-url remote://lake/2026 raw', 'a folder of a remote'),
  handler: async (flags) => {
    const { Problem } = await import('#base/problem')
    const { calledIn } = await import('../workspace.ts')
    const { addressIn, extentOf, outIn, sayImports, settingsIn } = await import('../imports.ts')
    if (flags.remote !== undefined && !flags.toRemote)
      throw new Problem('invalid', '--remote says where --to-remote puts data; give both')
    if (flags.toRemote && (flags.noExec || flags.noDownload || flags.versionAware))
      throw new Problem(
        'invalid',
        '--to-remote brings the data to a remote; leave out --no-exec, --no-download and --version-aware',
      )
    const here = calledIn()
    const imports = await here.imports()
    const out = outIn(here, flags.out, flags.url)
    const settings = settingsIn(flags.fsConfig)
    const done = await imports.importAddress({
      url: addressIn(here, flags.url, out),
      out,
      force: flags.force,
      extent: extentOf(flags),
      ...(flags.toRemote ? { toRemote: flags.remote ?? '' } : {}),
      ...(settings === undefined && !flags.versionAware
        ? {}
        : { settings: { ...settings, ...(flags.versionAware ? { version_aware: true } : {}) } }),
    })
    sayImports(here, flags, [done])
  },
})
