import { command, QUIET } from '../command.ts'

export const update = command({
  command: 'update [targets..]',
  describe: 'Bring imported data to the newest version of where it came from',
  builder: (argv) =>
    argv
      .positional('targets', { type: 'string', array: true, describe: '.dvc files, or their data' })
      .option('rev', { type: 'string', describe: 'Branch, tag or commit to go to' })
      .option('recursive', {
        alias: 'R',
        type: 'boolean',
        default: false,
        describe: 'Everything that was imported in these folders',
      })
      .option('no-download', {
        type: 'boolean',
        default: false,
        describe: 'Only write the new version; bring no data',
      })
      .option('to-remote', {
        type: 'boolean',
        default: false,
        describe: 'Send the new data to a remote, and keep it neither here nor in the cache',
      })
      .option('remote', { alias: 'r', type: 'string', describe: 'Remote for --to-remote' })
      .option('force', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'Overwrite what was changed here and is kept nowhere else',
      })
      .option('jobs', { alias: 'j', type: 'number', describe: 'How much to do at once' })
      .option('quiet', QUIET)
      .parserConfiguration({ 'boolean-negation': false }),
  handler: async (flags) => {
    const { Problem } = await import('#base/problem')
    const { calledIn } = await import('../workspace.ts')
    const { sayImports } = await import('../imports.ts')
    if (flags.remote !== undefined && !flags.toRemote)
      throw new Problem('invalid', '--remote says where --to-remote puts data; give both')
    if (flags.toRemote && flags.noDownload)
      throw new Problem(
        'invalid',
        '--to-remote brings the data to a remote; leave --no-download out',
      )
    const here = calledIn()
    const targets = here.targets(flags.targets)
    if (targets.length === 0)
      throw new Problem('invalid', 'name what to update: a .dvc file, its data, or -R and a folder')
    const imports = await here.imports()
    const done = await imports.update({
      targets,
      extent: flags.noDownload ? 'lock' : 'fetch',
      force: flags.force,
      ...(flags.rev === undefined ? {} : { rev: flags.rev }),
      ...(flags.toRemote ? { toRemote: flags.remote ?? '' } : {}),
    })
    sayImports(here, flags, done)
  },
})
