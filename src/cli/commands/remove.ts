import { command } from '../command.ts'

export const remove = command({
  command: ['remove <targets..>', 'rm'],
  describe: 'Stop tracking data: takes .dvc files away, and what Git ignored for them',
  builder: (argv) =>
    argv
      .positional('targets', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: '.dvc files',
      })
      .option('outs', {
        type: 'boolean',
        default: false,
        describe: 'Remove the data from this folder as well; the cache keeps it until gc',
      })
      .option('dry', {
        type: 'boolean',
        default: false,
        describe: 'Show what would go, and leave it',
      })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'Say nothing' }),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const here = calledIn()
    const targets = here.targets(flags.targets)
    if (flags.dry) {
      const plan = await here.data.removal(targets)
      return say(
        flags,
        {
          dry: true,
          removed: plan.map(({ file, outs }) => ({
            file,
            outs: outs.map(({ path }) => path),
            data: flags.outs,
          })),
        },
        plan.flatMap(({ file, outs }) =>
          [`${here.shown(file)} would go`].concat(
            outs.map(({ path }) => `  ${here.shown(path)} would ${flags.outs ? 'go' : 'stay'}`),
          ),
        ),
      )
    }
    const removed = await here.data.remove(targets, { withData: flags.outs })
    if (flags.quiet) return
    say(
      flags,
      { removed },
      removed.map(
        ({ file, outs, data }) =>
          `${here.shown(file)} is gone; ${outs.map((path) => here.shown(path)).join(', ') || 'it tracked nothing'}${outs.length === 0 ? '' : data ? ' went as well' : ' stayed'}`,
      ),
    )
  },
})
