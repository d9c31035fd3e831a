import type { Argv } from 'yargs'
import { command, QUIET } from '../command.ts'

const standing = command({
  command: 'status [targets..]',
  describe: 'Show where data stands between the last commit, the .dvc files and the workspace',
  builder: (argv: Argv) =>
    argv
      .positional('targets', { type: 'string', array: true })
      .option('granular', {
        type: 'boolean',
        default: false,
        describe: 'Show the files in folders one by one',
      })
      .option('unchanged', { type: 'boolean', default: false, describe: 'Show what is unchanged' })
      .option('untracked-files', {
        type: 'string',
        choices: ['no', 'all', ''] as const,
        default: 'no' as const,
        describe: 'Show files that nobody tracks',
      })
      .option('not-in-remote', {
        type: 'boolean',
        default: false,
        describe: 'Show what was not pushed',
      })
      .option('remote', { alias: 'r', type: 'string', describe: 'Remote for --not-in-remote' })
      .option('remote-refresh', {
        type: 'boolean',
        default: true,
        describe: 'Taken for the sake of scripts; the remote is always asked',
      })
      .option('quiet', QUIET),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { dataStatusJson, dataStatusLines } = await import('#protocols/dvc/data-status')
    const here = calledIn()
    const untracked = flags.untrackedFiles !== 'no'
    const found = await here.data.standing({
      targets: here.targets(flags.targets),
      granular: flags.granular,
      notInRemote: flags.notInRemote,
      untracked,
      ...(flags.remote === undefined ? {} : { remote: flags.remote }),
    })
    if (flags.quiet) return
    // What Git tells is named as one would write it here, as dvc does.
    const shown = { ...found, untracked: found.untracked.map((path) => here.shown(path)) }
    const json = dataStatusJson(shown, { unchanged: flags.unchanged, untracked })
    say(flags, json, dataStatusLines(json))
  },
})

export const data = command({
  command: 'data <command>',
  describe: 'Look after tracked data',
  builder: (argv) => argv.command(standing).demandCommand(1, 'Name what to do: status.'),
  handler: () => {},
})
