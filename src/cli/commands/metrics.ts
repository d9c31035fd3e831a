import { inspect } from 'node:util'
import type { Argv } from 'yargs'
import type { Figures } from '#stages'
import { command } from '../command.ts'
import { differenceFlags } from '../figures.ts'

const PRECISION = 5

function precisionFlag<T>(argv: Argv<T>) {
  return argv.option('precision', {
    type: 'number',
    describe: `Decimals to round to (default: ${PRECISION})`,
  })
}

const show = command({
  command: 'show [targets..]',
  describe: 'Show metrics, also those of other revisions',
  builder: (argv: Argv) =>
    precisionFlag(argv)
      .positional('targets', { type: 'string', array: true, describe: 'Only these files' })
      .option('all-branches', {
        alias: 'a',
        type: 'boolean',
        default: false,
        describe: 'Those of every branch',
      })
      .option('all-tags', {
        alias: 'T',
        type: 'boolean',
        default: false,
        describe: 'Those of every tag',
      })
      .option('all-commits', {
        alias: 'A',
        type: 'boolean',
        default: false,
        describe: 'Those of every commit',
      })
      .option('recursive', {
        alias: 'R',
        type: 'boolean',
        default: false,
        describe: 'Taken for the sake of scripts; folders are always searched',
      })
      .option('md', { type: 'boolean', default: false, describe: 'Print a table in Markdown' }),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { warnOf, withViews } = await import('../figures.ts')
    const { metricsIn } = await import('#stages')
    const { figuresJson, figuresTable, tableText } = await import('#protocols/dvc/figures')
    const here = calledIn()
    const targets = (flags.targets ?? []).map((each) => here.path(each))
    const { allBranches: branches, allTags: tags, allCommits: commits } = flags
    const revisions = branches || tags || commits
    const shown = (path: string) => here.shown(path)
    const found: Gathered[] = []
    await withViews(here, async (views) => {
      const others = revisions ? await views.all({ branches, tags, commits }) : []
      for (const view of [views.workspace, ...others])
        found.push({
          // Alone, the workspace has no name.
          name: revisions ? view.name : '',
          figures: await metricsIn(view, targets),
        })
      const branch = await views.branch()
      const same = found.find(({ name }) => name === branch)
      // The workspace is not shown beside the branch that says the same.
      if (same !== undefined && saysOf(same) === saysOf(found[0])) found.shift()
    })
    const named = found.map(({ name }) => name || 'the workspace')
    warnOf(
      named,
      found.map(({ figures }) => figures),
    )
    const precision = flags.precision ?? PRECISION
    const table = figuresTable(found, { precision, revisions, shown })
    say(flags, figuresJson(found, shown), tableText(table, { markdown: flags.md }))
  },
})

function saysOf(gathered: Gathered | undefined): string {
  return inspect(gathered?.figures, { depth: null, maxArrayLength: null, sorted: true })
}

interface Gathered {
  readonly name: string
  readonly figures: Figures
}

const difference = command({
  command: 'diff [a_rev] [b_rev]',
  describe: 'Compare metrics between two revisions, or a revision and the workspace',
  builder: (argv: Argv) =>
    precisionFlag(differenceFlags(argv)).option('recursive', {
      alias: 'R',
      type: 'boolean',
      default: false,
      describe: 'Taken for the sake of scripts; folders are always searched',
    }),
  handler: async (flags) => {
    const { calledIn } = await import('../workspace.ts')
    const { printDifference } = await import('../figures.ts')
    const { metricsIn } = await import('#stages')
    await printDifference(calledIn(), flags, {
      title: 'Metric',
      changes: true,
      precision: PRECISION,
      gather: metricsIn,
    })
  },
})

export const metrics = command({
  command: 'metrics <command>',
  describe: 'Show and compare metrics',
  builder: (argv) =>
    argv.command(show).command(difference).demandCommand(1, 'Name what to do: show or diff.'),
  handler: () => {},
})
