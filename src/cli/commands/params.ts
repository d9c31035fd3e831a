import type { Argv } from 'yargs'
import { command } from '../command.ts'
import { differenceFlags } from '../figures.ts'

const difference = command({
  command: 'diff [a_rev] [b_rev]',
  describe: 'Compare parameters between two revisions, or a revision and the workspace',
  builder: (argv: Argv) =>
    differenceFlags(argv)
      .option('deps', {
        type: 'boolean',
        default: false,
        describe: 'Only parameters that stages depend on',
      })
      .example('$0 params diff', 'what changed since the last commit')
      .example('$0 params diff v1 v2 --md', 'between two tags, for a pull request'),
  handler: async (flags) => {
    const { calledIn } = await import('../workspace.ts')
    const { printDifference } = await import('../figures.ts')
    const { paramsIn } = await import('#stages')
    await printDifference(calledIn(), flags, {
      title: 'Param',
      changes: false,
      gather: (view, targets) => paramsIn(view, { targets, stagesOnly: flags.deps }),
    })
  },
})

export const params = command({
  command: 'params <command>',
  describe: 'Compare parameters',
  builder: (argv) => argv.command(difference).demandCommand(1, 'Name what to do: diff.'),
  handler: () => {},
})
