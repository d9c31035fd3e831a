import { command, QUIET } from '../command.ts'

export const remove = command({
  command: ['remove <targets..>', 'rm'],
  describe: 'Stop tracking data, or take stages out of dvc.yaml',
  builder: (argv) =>
    argv
      .positional('targets', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: '.dvc files, and stages',
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
      .option('quiet', QUIET),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const here = calledIn()
    const targets = here.targets(flags.targets)
    const { stages } = await here.pipelines.load()
    const named = stages.filter((stage) =>
      [stage.address, stage.file].some((each) => targets.includes(each)),
    )
    const files = targets.filter(
      (target) => !named.some(({ address, file }) => address === target || file === target),
    )
    const plan = await here.data.removal(files)
    const gone = [
      ...plan.map(({ file, outs }) => ({ name: file, outs: outs.map(({ path }) => path) })),
      ...named.map(({ address, outs }) => ({ name: address, outs: outs.map(({ path }) => path) })),
    ]
    const how = { withData: flags.outs }
    if (!flags.dry) {
      await here.pipelines.remove(
        named.map(({ address }) => address),
        how,
      )
      await here.data.remove(files, how)
    }
    if (flags.quiet) return
    const [went, data] = flags.dry
      ? ['would go', flags.outs ? 'would go as well' : 'would stay']
      : ['is gone', flags.outs ? 'went as well' : 'stayed']
    say(
      flags,
      { removed: gone, data: flags.outs, dry: flags.dry },
      gone.map(({ name, outs }) => {
        const shown = outs.map((path) => here.shown(path)).join(', ')
        return `${here.shown(name)} ${went}${shown === '' ? '' : `; ${shown} ${data}`}`
      }),
    )
  },
})
