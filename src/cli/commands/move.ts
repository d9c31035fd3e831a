import { command, QUIET } from '../command.ts'

export const move = command({
  command: ['move <src> <dst>', 'mv'],
  describe: 'Rename or move tracked data, with its .dvc file',
  builder: (argv) =>
    argv
      .positional('src', { type: 'string', demandOption: true, describe: 'The data' })
      .positional('dst', {
        type: 'string',
        demandOption: true,
        describe: 'Its new path, or the folder it goes to',
      })
      .option('quiet', QUIET),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const here = calledIn()
    const moved = await here.data.move(here.path(flags.src), here.path(flags.dst))
    if (flags.quiet) return
    say(flags, moved, [
      `${here.shown(moved.from)} -> ${here.shown(moved.to)}, tracked by ${here.shown(moved.file)}`,
      ...(moved.data
        ? []
        : [`There was no data at ${here.shown(moved.from)}; only its name was moved.`]),
    ])
  },
})
