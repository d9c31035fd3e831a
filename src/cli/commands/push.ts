import { command } from '../command.ts'

export const push = command({
  command: 'push [targets..]',
  describe: 'Copy data to the remote, so that others can pull it',
  builder: (argv) =>
    argv.positional('targets', { type: 'string', array: true }).option('remote', {
      alias: 'r',
      type: 'string',
      describe: 'Name of the remote (default: the default one)',
    }),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const here = calledIn()
    const moved = await here.data.push(
      here.targets(flags.targets),
      flags.remote === undefined ? {} : { remote: flags.remote },
    )
    say(flags, moved, [
      moved.objects === 0 && moved.failed.length === 0
        ? 'The remote has everything already.'
        : `${moved.objects} objects copied to the remote`,
      ...moved.failed.map((each) => `failed  ${here.shown(each.path)}: ${each.reason}`),
    ])
    if (moved.failed.length > 0) process.exitCode = 1
  },
})
