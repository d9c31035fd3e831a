import { command } from '../command.ts'

export const dataset = command({
  command: 'dataset <action> [name]',
  describe:
    'Declare tables with versions of their own (Delta Lake) for stages to read as ds://NAME',
  builder: (argv) =>
    argv
      .positional('action', {
        type: 'string',
        choices: ['add', 'update', 'list'] as const,
        demandOption: true,
      })
      .positional('name', { type: 'string' })
      .option('delta', { type: 'string', describe: 'With add: the folder of the Delta table' })
      .option('table-version', {
        type: 'number',
        describe: 'The version to take (default: the newest)',
      })
      .option('as-of', { type: 'string', describe: 'The version that the table had at that time' })
      .option('force', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'With add: also where one of that name is declared',
      })
      .example('$0 dataset add people --delta data/people', 'stages may now read ds://people')
      .example('$0 dataset update people', 'take the newest version'),
  handler: async (flags) => {
    const { addDataset, listDatasets, updateDataset } = await import('../tables/datasets.ts')
    if (flags.action === 'list') return listDatasets(flags)
    return flags.action === 'add' ? addDataset(flags) : updateDataset(flags)
  },
})
