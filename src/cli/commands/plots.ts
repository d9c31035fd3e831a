import type { Argv } from 'yargs'
import { command } from '../command.ts'
import { displayFlags, outputFlags } from '../plots/options.ts'

const show = command({
  command: 'show [targets..]',
  describe: 'Draw plots: on the terminal, as a page, or as JSON',
  builder: (argv: Argv) =>
    outputFlags(
      displayFlags(
        argv.positional('targets', {
          type: 'string',
          array: true,
          describe: 'Files, or names of plots in dvc.yaml',
        }),
      ),
    ),
  handler: async (flags) => {
    const { calledIn } = await import('../workspace.ts')
    const { showPlots } = await import('../plots/show.ts')
    const targets = (flags.targets ?? []).map(String)
    await showPlots(calledIn(), flags, { revisions: ['workspace'], targets })
  },
})

const difference = command({
  command: 'diff [revisions..]',
  describe: 'Draw the plots of revisions over one another; without any, what changed since HEAD',
  builder: (argv: Argv) =>
    outputFlags(
      displayFlags(
        argv
          .positional('revisions', {
            type: 'string',
            array: true,
            describe: 'Commits, branches or tags; one alone is compared with the workspace',
          })
          .option('targets', { type: 'string', array: true, describe: 'Only these plots' }),
      ),
    ),
  handler: async (flags) => {
    const { calledIn } = await import('../workspace.ts')
    const { revisionsToCompare } = await import('#app/project/plots')
    const { showPlots } = await import('../plots/show.ts')
    const here = calledIn()
    const revisions = await revisionsToCompare(here.root, (flags.revisions ?? []).map(String))
    const targets = (flags.targets ?? []).map(String)
    await showPlots(here, flags, { revisions, targets })
  },
})

const templates = command({
  command: 'templates [name]',
  describe: 'List the templates that come with Orrery, or print one',
  builder: (argv: Argv) =>
    argv.positional('name', { type: 'string', describe: 'The template to print' }),
  handler: async ({ json, name }) => {
    const { Problem } = await import('#base/problem')
    const { PLOT_TEMPLATES } = await import('#protocols/dvc/plot-templates')
    const { print } = await import('../table.ts')
    const names = [...PLOT_TEMPLATES.keys()]
    if (name === undefined) return print(json, { value: names, lines: names })
    const template = PLOT_TEMPLATES.get(name)
    if (template === undefined)
      throw new Problem('not-found', `there is no template ${name}; there are ${names.join(', ')}`)
    print(json, { value: template, lines: [JSON.stringify(template, undefined, 2)] })
  },
})

export const plots = command({
  command: 'plots <command>',
  describe: 'Draw and compare plots',
  builder: (argv) =>
    argv
      .command(show)
      .command(difference)
      .command(templates)
      .demandCommand(1, 'Name what to do: show, diff or templates.'),
  handler: () => {},
})
