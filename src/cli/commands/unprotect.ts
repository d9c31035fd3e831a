import { command, QUIET } from '../command.ts'

export const unprotect = command({
  command: 'unprotect <targets..>',
  describe: 'Make data that is linked to the cache files of their own, to be written to',
  builder: (argv) =>
    argv
      .positional('targets', { type: 'string', array: true, demandOption: true })
      .option('quiet', QUIET),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const here = calledIn()
    const paths = flags.targets.map((each) => here.path(each))
    await here.data.unprotect(paths)
    if (!flags.quiet)
      say(
        flags,
        { unprotected: paths },
        paths.map((path) => `${here.shown(path)} may be written to`),
      )
  },
})
