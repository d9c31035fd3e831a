import { command } from '../command.ts'

export const checkout = command({
  command: 'checkout [targets..]',
  describe: 'Make the data in this folder what its .dvc files and dvc.lock say',
  builder: (argv) =>
    argv.positional('targets', { type: 'string', array: true }).option('force', {
      alias: 'f',
      type: 'boolean',
      default: false,
      describe: 'Overwrite what is kept nowhere else',
    }),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const here = calledIn()
    const result = await here.data.checkout(here.targets(flags.targets), { force: flags.force })
    const changed = result.outs.filter((out) => out.result !== 'unchanged')
    say(flags, result, [
      ...changed.map((out) => `${out.result === 'added' ? 'A' : 'M'}  ${here.shown(out.path)}`),
      ...result.failed.map((out) => `failed  ${here.shown(out.path)}: ${out.reason}`),
      ...(changed.length + result.failed.length === 0 ? ['Everything is there already.'] : []),
    ])
    if (result.failed.length > 0) process.exitCode = 1
  },
})
