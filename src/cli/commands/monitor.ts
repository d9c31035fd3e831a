import type { Argv } from 'yargs'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

const DATA = 'A file, a folder, a pattern of files, or data@revision: Parquet, CSV or JSON'

const importing = command({
  command: 'import <endpoint> <data>',
  describe: 'Take in predictions that another system made',
  builder: (argv: Argv) =>
    remoteFlags(argv)
      .positional('endpoint', { type: 'string', demandOption: true, describe: 'One elsewhere' })
      .positional('data', {
        type: 'string',
        demandOption: true,
        describe: `${DATA}; or a profile of whylogs`,
      })
      .option('outputs', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Columns of what was predicted',
      })
      .option('inputs', {
        type: 'string',
        array: true,
        describe: 'Columns of what was asked (default: all that have no other part)',
      })
      .option('id', { type: 'string', describe: 'Column of ids; made from the rows without' })
      .option('time', { type: 'string', describe: 'Column of when it was predicted' })
      .option('key', { type: 'string', describe: 'Column of what the prediction is about' })
      .option('label', { type: 'string', describe: 'Column of what turned out to be true' })
      .option('latency', { type: 'string', describe: 'Column of milliseconds' })
      .option('model-version', { type: 'string', describe: 'NAME/3, or its name elsewhere' })
      .option('version-column', { type: 'string', describe: 'Column of model versions' })
      .option('from', { type: 'string', describe: 'When a profile begins (default: as it says)' })
      .option('span', { type: 'string', describe: 'How long a profile is, as 1h or 1d' })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'No progress' })
      .example(
        '$0 monitor import fraud scores.parquet --outputs probability --id request --time at',
        'the same command again takes nothing in twice',
      )
      .example(
        '$0 monitor import fraud monday.bin --outputs probability --span 1d',
        'what whylogs has profiled',
      ),
  handler: async (flags) => {
    const { importPredictions } = await import('../monitor/import.ts')
    await importPredictions({ ...flags, version: flags.modelVersion })
  },
})

const truths = command({
  command: 'truths <endpoint> <data>',
  describe: 'Tell what turned out to be true, from a file',
  builder: (argv: Argv) =>
    remoteFlags(argv)
      .positional('endpoint', { type: 'string', demandOption: true, describe: 'Any endpoint' })
      .positional('data', { type: 'string', demandOption: true, describe: DATA })
      .option('label', { type: 'string', demandOption: true, describe: 'Column of what is true' })
      .option('id', { type: 'string', describe: 'Column of ids of predictions' })
      .option('key', { type: 'string', describe: 'Column of what they are about' })
      .option('time', { type: 'string', describe: 'Column of when it became known' })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'No progress' }),
  handler: async (flags) => {
    const { importTruths } = await import('../monitor/truths.ts')
    await importTruths(flags)
  },
})

const score = command({
  command: 'score <predictions>',
  describe: 'Measure the predictions of a file by what turned out to be true',
  builder: (argv: Argv) =>
    argv
      .positional('predictions', { type: 'string', demandOption: true, describe: DATA })
      .option('label', { type: 'string', demandOption: true, describe: 'Column of what is true' })
      .option('truth', {
        type: 'string',
        describe: 'The data that has it (default: the predictions themselves)',
      })
      .option('id', { type: 'string', describe: 'Column of ids, which both have' })
      .option('outputs', {
        type: 'string',
        array: true,
        describe:
          'Columns of what was predicted (default: those called score, probability, prediction)',
      })
      .option('by', {
        type: 'string',
        array: true,
        describe: 'Measure each value of these columns, too',
      })
      .option('task', {
        choices: ['binary', 'multiclass', 'multilabel', 'regression', 'ranking'],
        describe: 'What the model was to do (default: read off the values)',
      })
      .option('positive', { type: 'string', describe: 'The class that is the event' })
      .option('group', { type: 'string', describe: 'Column of what was ranked together' })
      .option('k', { type: 'number', describe: 'How far down rankings are looked at' })
      .option('min-samples', { type: 'number', default: 100, describe: 'Fewer are not measured' })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'No progress' })
      .example(
        '$0 monitor score scores.parquet --truth outcomes.csv --id request --label paid',
        'how good were they?',
      ),
  handler: async (flags) => {
    const { scorePredictions } = await import('../monitor/score.ts')
    await scorePredictions(flags)
  },
})

export const monitor = command({
  command: 'monitor',
  describe: 'Watch models that other systems serve, and score files: import, truths, score',
  builder: (argv: Argv) =>
    argv
      .command(importing)
      .command(truths)
      .command(score)
      .demandCommand(1, 'name what to do: orrery monitor import, truths, or score'),
  handler: () => undefined,
})
