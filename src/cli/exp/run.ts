import type { Argv } from 'yargs'
import type { ExperimentOrder, ExperimentResult, Experiments } from '#app/project/experiments/index'
import type { Override, ReproOptions, RunRecorder } from '#stages'
import { command } from '../command.ts'
import { runFlags } from '../repro-flags.ts'
import type { CalledIn } from '../workspace.ts'

/** Those that `orrery repro` has, too. */
function flagsOf(argv: Argv) {
  return runFlags(argv)
    .option('force', {
      alias: 'f',
      type: 'boolean',
      default: false,
      describe: 'Run stages that are up to date as well, and replace an experiment of that name',
    })
    .positional('targets', {
      type: 'string',
      array: true,
      describe: 'Stages, with all that they need',
    })
    .option('set-param', {
      alias: 'S',
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'key=value, +key=value, ~key, file:key=value; a=1,2 or a=range(3) for several',
    })
    .option('name', { alias: 'n', type: 'string', describe: 'Name of the experiment' })
    .option('message', { alias: 'm', type: 'string', describe: 'Words for its commit' })
    .option('queue', { type: 'boolean', default: false, describe: 'Let it wait for a worker' })
    .option('run-all', { type: 'boolean', default: false, describe: 'Run all that waits' })
    .option('jobs', {
      alias: 'j',
      type: 'number',
      default: 1,
      describe: 'Experiments at once, of those that wait or are swept over',
    })
    .option('temp', {
      type: 'boolean',
      default: false,
      describe: 'Run beside this folder, which stays as it is',
    })
    .option('copy-paths', {
      alias: 'C',
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Untracked paths to take along (with --temp or --queue)',
    })
    .option('dry', {
      type: 'boolean',
      default: false,
      describe: 'Say what would be run, with which parameters',
    })
    .option('url', { type: 'string', describe: 'Server that records the runs' })
    .option('record', {
      type: 'boolean',
      describe: 'Record the runs on a server (default: as orrery repro)',
    })
    .example('$0 exp run -S train.lr=0.1', 'try another parameter')
    .example('$0 exp run -S train.lr=0.1,0.2 -S "seed=range(3)" -j 2', 'try six, two at once')
}

type Flags = Awaited<ReturnType<ReturnType<typeof flagsOf>['parseAsync']>> & { json?: boolean }

export const run = command({
  command: 'run [targets..]',
  describe: 'Run the pipeline with other parameters and keep what comes of it',
  builder: flagsOf,
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    await withExperiments(async ({ here, experiments }) => {
      const { jobsOf } = await import('./work.ts')
      const jobs = await jobsOf(flags.jobs)
      if (flags.runAll) return runAll(experiments, { ...flags, jobs })
      const orders = await ordersOf(here, flags)
      if (flags.dry) return planned(flags, orders)
      if (flags.queue) return queued(experiments, flags, orders)
      const [only] = orders
      if (orders.length === 1 && only !== undefined) return ranOne(experiments, flags, only)
      for (const order of orders) await experiments.queue.add(order)
      await runAll(experiments, { ...flags, jobs })
    })
  },
})

type Order = ExperimentOrder & { readonly copy: readonly string[] }

/** One for each combination that is swept over. */
async function ordersOf(here: CalledIn, flags: Flags): Promise<Order[]> {
  const { combinationsOf } = await import('#stages')
  const combinations = combinationsOf(flags['set-param'] ?? [])
  const { name, message } = flags
  return combinations.map((overrides, index) => ({
    overrides,
    name: name === undefined || combinations.length === 1 ? name : `${name}-${index + 1}`,
    message,
    replace: flags.force,
    copy: (flags['copy-paths'] ?? []).map((path) => here.path(path)),
    repro: reproOptions(here, flags),
  }))
}

function reproOptions(here: CalledIn, flags: Flags): ReproOptions {
  const targets = flags.targets ?? []
  return {
    targets:
      targets.length > 0
        ? here.targets(targets)
        : [here.folder === '' ? 'dvc.yaml' : `${here.folder}/dvc.yaml`],
    force: flags.force,
    singleItem: flags['single-item'],
    keepGoing: flags['keep-going'],
    runCache: flags['run-cache'],
  }
}

function wordsOf(overrides: readonly Override[]): string {
  return overrides
    .map(({ file, written }) => (file === 'params.yaml' ? written : `${file}:${written}`))
    .join(' ')
}

async function planned(flags: Flags, orders: readonly Order[]): Promise<void> {
  const { say } = await import('../say.ts')
  const shown = orders.map(({ name = null, overrides }) => ({
    name,
    overrides: overrides.map(({ file, written }) => ({ file, written })),
  }))
  say(
    flags,
    { experiments: shown },
    orders.map(
      ({ name, overrides }) =>
        `would run ${name ?? 'an experiment'}: ${wordsOf(overrides) || 'parameters as they are'}`,
    ),
  )
}

async function queued(
  experiments: Experiments,
  flags: Flags,
  orders: readonly Order[],
): Promise<void> {
  const { say } = await import('../say.ts')
  const all = []
  for (const order of orders) all.push(await experiments.queue.add(order))
  say(flags, { queued: all }, [
    ...all.map(
      ({ name }, at) =>
        `${name} waits: ${wordsOf(orders[at]?.overrides ?? []) || 'parameters as they are'}`,
    ),
    `run ${all.length === 1 ? 'it' : 'them'} with \`orrery exp run --run-all\``,
  ])
}

async function ranOne(experiments: Experiments, flags: Flags, order: Order): Promise<void> {
  const { untilSignal } = await import('../recording.ts')
  const { explainer, printer, summary, toStandardError } = await import('../repro-output.ts')
  const { say } = await import('../say.ts')
  const recording = await recordingOf(flags)
  const explain = await explainer(false)
  const name = order.name ?? (await experiments.freshName())
  const result = await untilSignal((signal) => {
    const given = {
      ...order,
      name,
      repro: {
        ...order.repro,
        ...recording(name),
        signal,
        onEvent: flags.json === true ? toStandardError() : printer(explain),
      },
    }
    return flags.temp ? experiments.runApart(given) : experiments.runHere(given)
  })
  say(flags, resultJson(result), [...summary(result.repro), ended(result, flags.temp)])
  if (result.commit === null) process.exitCode = 1
}

function ended({ name, commit }: ExperimentResult, isApart: boolean): string {
  if (commit === null) return `${name} failed; this folder is as it was`
  return isApart
    ? `${name} is kept as ${commit.slice(0, 7)}; \`orrery exp apply ${name}\` brings it here`
    : `${name} is kept as ${commit.slice(0, 7)}`
}

function resultJson({ name, baseline, commit, repro }: ExperimentResult) {
  return { name, baseline, commit, ...repro }
}

/** What records the stages of an experiment, with its name on them; nothing where nobody records. */
async function recordingOf(
  flags: Pick<Flags, 'url' | 'record'>,
): Promise<(name: string) => { recorder?: RunRecorder }> {
  const { recorderFor } = await import('../recording.ts')
  const recorder = await recorderFor(flags)
  if (recorder === undefined) return () => ({})
  return (experiment) => ({
    recorder: {
      ...recorder,
      stageStarted: (start) => recorder.stageStarted({ ...start, experiment }),
    },
  })
}

async function runAll(
  experiments: Experiments,
  flags: Pick<Flags, 'url' | 'record' | 'json'> & { jobs: number },
): Promise<void> {
  const { workOff } = await import('./work.ts')
  await workOff(experiments, { ...flags, recording: await recordingOf(flags) })
}
