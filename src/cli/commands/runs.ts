import { mlflowCall, serverUrl } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

interface ShownRun {
  info: { run_id: string; run_name: string; status: string; start_time: number }
  data: { metrics?: { key: string; value: number | string }[] }
}

const EXPERIMENTS_MAX = 1000
const METRICS_SHOWN = 4

export const runs = command({
  command: 'runs',
  describe: "List runs, newest first; --filter takes MLflow's search text",
  builder: (argv) =>
    remoteFlags(argv)
      .option('filter', {
        type: 'string',
        default: '',
        describe: 'For example "metrics.roc_auc > 0.7"',
      })
      .option('limit', { type: 'number', default: 20, describe: 'Runs on a page' })
      .option('page', { type: 'string', describe: 'The token that the page before ended with' }),
  handler: async (flags) => {
    const url = await serverUrl(flags)
    const { experiments = [] } = await mlflowCall<{ experiments?: { experiment_id: string }[] }>(
      url,
      'experiments/search',
      { max_results: EXPERIMENTS_MAX },
    )
    const found = await mlflowCall<{ runs?: ShownRun[]; next_page_token?: string }>(
      url,
      'runs/search',
      {
        experiment_ids: experiments.map((experiment) => experiment.experiment_id),
        filter: flags.filter,
        max_results: flags.limit,
        ...(flags.page === undefined ? {} : { page_token: flags.page }),
      },
    )
    const { runs: shown = [], next_page_token: next } = found
    if (flags.json === true)
      process.stdout.write(`${JSON.stringify({ runs: shown, next: next ?? null })}\n`)
    else if (shown.length === 0) process.stdout.write('No run matches.\n')
    else for (const run of shown) process.stdout.write(`${lineOf(run)}\n`)
    if (flags.json !== true && next !== undefined) process.stdout.write(`more: --page ${next}\n`)
  },
})

function lineOf({ info, data }: ShownRun): string {
  const metrics = (data.metrics ?? []).slice(0, METRICS_SHOWN)
  const figures = metrics.map(
    ({ key, value }) =>
      `${key} ${typeof value === 'number' ? Number(value.toPrecision(5)) : value}`,
  )
  const started = new Date(info.start_time).toISOString().slice(0, 19)
  return [info.run_id, info.status.padEnd(8), started, info.run_name, ...figures].join('  ')
}
