import type { Argv } from 'yargs'
import { command } from '../command.ts'

export const diff = command({
  command: 'diff [a_rev] [b_rev]',
  describe: 'Compare metrics and parameters of two experiments, or of one and this folder',
  builder: (argv: Argv) =>
    argv
      .positional('a_rev', { type: 'string', default: 'HEAD', describe: 'The old one' })
      .positional('b_rev', {
        type: 'string',
        default: 'workspace',
        describe: 'The new one; without it the files as they stand',
      })
      .option('all', { type: 'boolean', default: false, describe: 'Show what is the same, too' })
      .option('param-deps', {
        type: 'boolean',
        default: false,
        describe: 'Only parameters that stages depend on',
      })
      .option('md', { type: 'boolean', default: false, describe: 'Print tables in Markdown' })
      .option('no-path', { type: 'boolean', default: false, describe: 'Leave out the paths' })
      .option('precision', { type: 'number', default: 5, describe: 'Decimals of figures' })
      .parserConfiguration({ 'boolean-negation': false }),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { warnOf, withViews } = await import('../figures.ts')
    const { differences, metricsIn, paramsIn } = await import('#stages')
    const { differencesJson, differencesTable, tableText } = await import('#protocols/dvc/figures')
    const here = calledIn()
    const revisions = [flags.a_rev, flags.b_rev] as const
    await withViews(here, async (views) => {
      const [old, now] = [await views.at(revisions[0]), await views.at(revisions[1])]
      const params = { stagesOnly: flags.paramDeps }
      const figures = {
        metrics: [await metricsIn(old), await metricsIn(now)] as const,
        params: [await paramsIn(old, params), await paramsIn(now, params)] as const,
      }
      warnOf(revisions, figures.metrics)
      const { shown } = here
      const found = {
        metrics: differences(...figures.metrics, { unchanged: flags.all }),
        params: differences(...figures.params, { unchanged: flags.all }),
      }
      const { precision, noPath } = flags
      const lines = (['metrics', 'params'] as const).map((kind) =>
        tableText(
          differencesTable(found[kind], {
            title: kind === 'metrics' ? 'Metric' : 'Param',
            revisions,
            changes: true,
            paths: !noPath,
            precision,
            shown,
          }),
          { markdown: flags.md },
        ),
      )
      const [first = [], second = []] = lines
      const gap = first.length > 0 && second.length > 0 && !flags.md ? [''] : []
      say(
        flags,
        {
          metrics: differencesJson(found.metrics, shown),
          params: differencesJson(found.params, shown),
        },
        [...first, ...gap, ...second],
      )
    })
  },
})
