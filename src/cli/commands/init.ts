import { command, QUIET } from '../command.ts'

export const init = command({
  command: 'init [directory]',
  describe: 'Make a folder a project, as dvc init does',
  builder: (argv) =>
    argv
      .positional('directory', { type: 'string', describe: 'The folder; this one without it' })
      .option('scm', {
        type: 'boolean',
        default: true,
        describe: 'Use Git; --no-scm does without',
      })
      .option('subdir', {
        type: 'boolean',
        default: false,
        describe: 'The folder is not the top of its Git repository',
      })
      .option('force', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'Replace a .dvc folder, and lose the cache in it',
      })
      .option('quiet', QUIET),
  handler: async (flags) => {
    const { resolve } = await import('node:path')
    const { initProject } = await import('#app/project/init')
    const { say } = await import('../say.ts')
    const root = resolve(flags.directory ?? '.')
    const { scm, subdir, force } = flags
    const files = await initProject(root, { noScm: !scm, subdir, force })
    if (flags.quiet) return
    say(flags, { root, files }, [
      `${flags.directory ?? 'This folder'} is a project now. Put data under version control with \`orrery add PATH\`.`,
      ...(files.length > 0 ? [`Git was told of ${files.join(', ')}; commit them.`] : []),
    ])
  },
})
