import { command } from '../command.ts'

export const validate = command({
  command: 'validate [targets..]',
  describe: 'Hold data against its contracts, or propose a contract from data',
  builder: (argv) =>
    argv
      .positional('targets', {
        type: 'string',
        array: true,
        describe: 'Data, contracts, or OBJECT=PATH of a contract; none is every contract',
      })
      .option('contract', {
        type: 'string',
        describe: 'The contract (*.odcs.yaml) to hold them to',
      })
      .option('rev', { type: 'string', describe: 'Data as it was at a commit, a branch or a tag' })
      .option('junit', { type: 'string', describe: 'Write a report that CI servers read' })
      .option('examples', {
        type: 'number',
        default: 5,
        describe: 'How many rows to show of what breaks a rule',
      })
      .option('memory', { type: 'number', describe: 'Memory of the engine in MB' })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'Failures only' })
      .option('infer', {
        type: 'string',
        describe: 'Propose a contract from the data at this path',
      })
      .option('import', { type: 'string', describe: 'Make a contract of a TFDV schema.pbtxt' })
      .option('export', { type: 'string', describe: 'Print a contract as a TFDV schema.pbtxt' })
      .option('output', { alias: 'o', type: 'string', describe: 'Write there instead of printing' })
      .conflicts({ infer: ['import', 'export', 'contract'], import: 'export' }),
  handler: async (flags) => {
    const { proposeHere, validateHere } = await import('../validate/index.ts')
    const { importSchema, exportSchema } = await import('../validate/schemas.ts')
    if (flags.infer !== undefined) return proposeHere({ ...flags, infer: flags.infer })
    if (flags.import !== undefined) return importSchema(flags.import, flags.output)
    if (flags.export !== undefined) return exportSchema(flags.export, flags.output)
    const outcome = await validateHere({ ...flags, targets: (flags.targets ?? []).map(String) })
    if (outcome === 'failed') process.exitCode = 1
  },
})
