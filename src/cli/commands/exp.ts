import { command } from '../command.ts'
import { diff } from '../exp/diff.ts'
import { apply, branch, clean, list, remove, rename, save } from '../exp/keep.ts'
import { queue } from '../exp/queue.ts'
import { run } from '../exp/run.ts'
import { pull, push } from '../exp/sharing.ts'
import { show } from '../exp/show.ts'

const COMMANDS = [
  run,
  show,
  list,
  diff,
  apply,
  save,
  branch,
  rename,
  remove,
  queue,
  push,
  pull,
  clean,
]

export const exp = command({
  command: ['exp <command>'],
  describe: 'Run trials with other parameters, compare them and keep the best',
  builder: (argv) =>
    COMMANDS.reduce((all, each) => all.command(each), argv).demandCommand(
      1,
      'Name what to do; "orrery exp --help" lists it.',
    ),
  handler: () => {},
})
