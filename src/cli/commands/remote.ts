import { command } from '../command.ts'

export const remote = command({
  command: 'remote <action> [name] [folder]',
  describe: 'Name the folder where data is shared (add), or list those named (list)',
  builder: (argv) =>
    argv
      .positional('action', { choices: ['add', 'list'] as const, demandOption: true })
      .positional('name', { type: 'string', describe: 'A short name, for example backup' })
      .positional('folder', { type: 'string', describe: 'Path of the folder' })
      .option('default', {
        alias: 'd',
        type: 'boolean',
        default: false,
        describe: 'Use it where no remote is named',
      })
      .option('force', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'Change a remote that is there',
      }),
  handler: async (flags) => {
    const { Problem } = await import('#base/problem')
    const { addRemote } = await import('#app/project-init')
    const { readSettings } = await import('#app/project-settings')
    const { environment } = await import('#app/environment')
    const { projectRootOf } = await import('#app/workspace')
    const { say } = await import('../workspace.ts')
    const root = projectRootOf(process.cwd())
    if (flags.action === 'add') {
      if (flags.name === undefined || flags.folder === undefined)
        throw new Problem(
          'invalid',
          'name the remote and its folder: orrery remote add -d backup /mnt/backup',
        )
      addRemote(root, {
        name: flags.name,
        folder: flags.folder,
        isDefault: flags.default,
        force: flags.force,
      })
    }
    const settings = readSettings(root, environment)
    const remotes = [...settings.remotes].map(([name, url]) => ({
      name,
      url,
      default: name === settings.defaultRemote,
    }))
    say(
      flags,
      { remotes },
      remotes.map(
        ({ name, url, default: isDefault }) => `${name}  ${url}${isDefault ? '  (default)' : ''}`,
      ),
    )
  },
})
