import { command } from '../command.ts'

export const init = command({
  command: 'init',
  describe: 'Make this folder a project, as dvc init does',
  builder: (argv) =>
    argv.option('scm', {
      type: 'boolean',
      default: true,
      describe: 'Use Git; --no-scm does without',
    }),
  handler: async (flags) => {
    const { initProject } = await import('#app/project-init')
    const { say } = await import('../workspace.ts')
    const files = await initProject(process.cwd(), { noScm: !flags.scm })
    say(flags, { root: process.cwd(), files }, [
      'This folder is a project now. Put data under version control with `orrery add PATH`.',
      ...(files.length > 0 ? [`Git was told of ${files.join(', ')}; commit them.`] : []),
    ])
  },
})
