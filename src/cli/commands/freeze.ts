import type { Argv } from 'yargs'
import { command, QUIET } from '../command.ts'

function freezing(word: 'freeze' | 'unfreeze', describe: string) {
  return command({
    command: `${word} <targets..>`,
    describe,
    builder: (argv: Argv) =>
      argv
        .positional('targets', {
          type: 'string',
          array: true,
          demandOption: true,
          describe: 'Stages',
        })
        .option('quiet', QUIET),
    handler: async (flags) => {
      const { calledIn, say } = await import('../workspace.ts')
      const here = calledIn()
      const edits = await here.stageEdits()
      const changed = await edits.freeze(here.targets(flags.targets), word === 'freeze')
      if (flags.quiet) return
      say(
        flags,
        { changed },
        changed.map(
          (address) => `${address} is ${word === 'freeze' ? 'frozen' : 'not frozen any more'}`,
        ),
      )
    },
  })
}

export const freeze = freezing('freeze', 'Stop looking at what stages read')
export const unfreeze = freezing('unfreeze', 'Look at what stages read again')
