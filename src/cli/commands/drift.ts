import { command } from '../command.ts'

export const drift = command({
  command: 'drift <reference> <current>',
  describe:
    'Compare two tables column by column: which have drifted, by how much, and is it chance',
  builder: (argv) =>
    argv
      .positional('reference', {
        type: 'string',
        demandOption: true,
        describe: 'A file, a folder, a pattern of files, data@revision, or a profile of them',
      })
      .positional('current', {
        type: 'string',
        demandOption: true,
        describe: 'What is held against it',
      })
      .option('preset', {
        choices: ['native', 'evidently', 'tfdv'],
        default: 'native',
        describe: 'Whose rules decide',
      })
      .option('statistic', {
        type: 'string',
        array: true,
        describe:
          'Tell this one too, such as psi or kolmogorov-smirnov; by Evidently’s rules, judge by it',
      })
      .option('by', {
        type: 'string',
        describe: 'Judge the current rows by windows of this time column, too',
      })
      .option('window', { type: 'string', describe: 'With --by: their length (default: 1d)' })
      .option('columns', {
        type: 'string',
        array: true,
        describe: 'Only these columns, such as age,country',
      })
      .option('share', {
        type: 'number',
        describe: 'From this part of drifted columns on the data as a whole has drifted',
      })
      .option('min-samples', {
        type: 'number',
        default: 100,
        describe: 'Fewer rows get no verdict by the native rules',
      })
      .option('details', {
        type: 'boolean',
        default: false,
        describe: 'Show every statistic of each column',
      })
      .option('multivariate', {
        type: 'boolean',
        default: false,
        describe: 'Look at all columns together too, at texts, and at lists of numbers',
      })
      .option('fail-on-drift', {
        type: 'boolean',
        default: false,
        describe: 'End with 1 when the data has drifted',
      })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'No progress' })
      .example('$0 drift train.parquet today.parquet', 'has anything changed since training?')
      .example('$0 drift train.parquet live.parquet --by time --window 1d', 'since when?')
      .example('$0 drift data@v1 data --preset evidently', 'what Evidently would say'),
  handler: async (flags) => {
    const { driftOfFiles } = await import('../drift/index.ts')
    const hasDrifted = await driftOfFiles(flags)
    if (hasDrifted && flags.failOnDrift) process.exitCode = 1
  },
})
