import { command, QUIET } from '../command.ts'

export const commit = command({
  command: 'commit [targets..]',
  describe: 'Record data and stages as they are now, without running anything',
  builder: (argv) =>
    argv
      .positional('targets', {
        type: 'string',
        array: true,
        describe: 'Data, .dvc files, stages; everything without one',
      })
      .option('force', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'Record what changed without asking',
      })
      .option('with-deps', {
        alias: 'd',
        type: 'boolean',
        default: false,
        describe: 'And everything that the targets are made from',
      })
      .option('recursive', {
        alias: 'R',
        type: 'boolean',
        default: false,
        describe: 'A folder means all that is tracked in it, which it does without this as well',
      })
      .option('relink', {
        type: 'boolean',
        default: true,
        describe: 'Where cache.type wants links, make links of the files; --no-relink leaves them',
      })
      .option('quiet', QUIET),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const here = calledIn()
    const { withNeeded } = await import('../committing.ts')
    const { data, stages } = await withNeeded(here, here.targets(flags.targets), flags)
    const { agreed, isAnswered } = await import('../ask.ts')
    const how = {
      noRelink: !flags.relink,
      agreed: async (name: string, changed: readonly string[]) =>
        flags.force ||
        (isAnswered() &&
          (await agreed(
            `${changed.join(', ')} (${here.shown(name)}) changed. Record it as it is?`,
          ))),
    }
    const committed = data === undefined ? [] : await here.data.commit(data, how)
    const ran = stages === undefined ? [] : await here.pipelines.commit(stages, how)
    if (flags.quiet) return
    say(flags, { data: committed, stages: ran }, [
      ...committed
        .filter(({ change }) => change !== 'unchanged')
        .map(({ path, file }) => `${here.shown(path)} is recorded in ${here.shown(file)}`),
      ...ran.map((address) => `${address} is recorded as it is`),
    ])
  },
})
