import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

export const backfill = command({
  command: 'backfill <subject> [names..]',
  describe:
    'Run a pipeline for each date of a range: backfill PROJECT [STAGE..] --from --to; also list, show ID, cancel ID, resume ID',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('subject', {
        type: 'string',
        demandOption: true,
        describe: 'PROJECT; or list, show, cancel, resume',
      })
      .positional('names', { type: 'string', array: true, describe: 'Stages; or the backfill' })
      .option('from', { type: 'string', describe: 'The first date, as 2026-01-31 (UTC)' })
      .option('to', { type: 'string', describe: 'No date is after it' })
      .option('every', { type: 'string', default: '1d', describe: '15m, 1h, 1d, 1w, 1mo or 1y' })
      .option('jobs', { alias: 'j', type: 'number', default: 1, describe: 'Runs at the same time' })
      .option('set-param', {
        alias: 'S',
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Change a parameter, with {date}, {start} and {end}: -S day={date}',
      })
      .option('force', {
        type: 'boolean',
        describe:
          'Run stages that are up to date as well (default where no -S tells the date); --no-force',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only say what would be run',
      })
      .option('reason', { type: 'string', alias: 'm', describe: 'For cancel: why' })
      .option('state', { type: 'string', describe: 'For show: only dates in this state' })
      .option('limit', { type: 'number', default: 20 })
      .option('before', { type: 'string', describe: 'For list: the next page' })
      .option('after', { type: 'number', describe: 'For show: the next page' })
      .example("$0 backfill flights --from 2026-01-01 --to 2026-01-31 -S 'day={date}' -j 4", ''),
  handler: async (flags) => {
    const { backfillAs } = await import('../policies/backfill.ts')
    await backfillAs(flags)
  },
})
