import { command, QUIET } from '../command.ts'

export const root = command({
  command: 'root',
  describe: 'Show the way to the project’s root from here',
  builder: (argv) => argv.option('quiet', QUIET),
  handler: async (flags) => {
    const { realpathSync } = await import('node:fs')
    const { relative } = await import('node:path')
    const { projectRootOf } = await import('#app/project/root')
    const { say } = await import('../say.ts')
    const here = realpathSync(process.cwd())
    const found = projectRootOf(here)
    if (!flags.quiet) say(flags, { root: found }, [relative(here, found) || '.'])
  },
})
