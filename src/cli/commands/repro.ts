import type { Argv } from 'yargs'
import { command, QUIET } from '../command.ts'
import { HERMETIC_FLAG, hermeticOf } from '../hermetic.ts'
import { dvcFlags, dvcOptions, runFlags } from '../repro-flags.ts'
import type { CalledIn } from '../workspace.ts'

function flagsOf(argv: Argv) {
  return runFlags(dvcFlags(argv))
    .positional('targets', {
      type: 'string',
      array: true,
      describe: 'Stages, with all that they need',
    })
    .option('dry', { type: 'boolean', default: false, describe: 'Say what would be done, and why' })
    .option('explain', {
      type: 'boolean',
      default: false,
      describe: 'Say everything that makes a stage run, with old and new',
    })
    .option('force', {
      alias: 'f',
      type: 'boolean',
      default: false,
      describe: 'Run stages that are up to date as well',
    })
    .option('validate', {
      type: 'boolean',
      default: true,
      describe: 'Hold data against its contracts before a stage reads it',
    })
    .option('jobs', {
      alias: 'j',
      type: 'number',
      describe:
        'Stages that run at once (default: those that declare meta.resources, as they have room)',
    })
    .option('timeout', {
      type: 'string',
      describe: 'For stages without meta.timeout, for example 30m',
    })
    .option('quiet', { ...QUIET, describe: 'Say nothing but what stages print' })
    .option(...HERMETIC_FLAG)
    .option('url', { type: 'string', describe: 'Server that records the runs' })
    .option('record', {
      type: 'boolean',
      describe:
        'Record the runs on a server (default: if one runs in this folder, or --url, ORRERY_URL or MLFLOW_TRACKING_URI names one)',
    })
}

export const repro = command({
  command: 'repro [targets..]',
  describe: 'Run the stages of dvc.yaml that are not up to date',
  builder: flagsOf,
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { explainer, printer, summary, toStandardError } = await import('../repro-output.ts')
    const { recorderFor, untilSignal } = await import('../recording.ts')
    const here = calledIn()
    const { hermetic, targets: named } = hermeticOf(flags.hermetic, flags.targets ?? [])
    const targets = named.length === 0 ? [defaultTarget(here)] : here.targets([...named])
    const options = {
      ...(await dvcOptions(flags, targets)),
      force: flags.force,
      singleItem: flags['single-item'],
      keepGoing: flags['keep-going'],
      runCache: flags['run-cache'],
      validate: flags.validate,
    }
    if (flags.dry) {
      const plan = await here.pipelines.plan(options)
      const explain = await explainer(flags.explain)
      const lines = plan.flatMap((step) => [
        ...explain({ ...step, step: step.name }, step.action),
        ...approvalLines(step),
      ])
      return flags.quiet ? undefined : say(flags, { plan }, lines)
    }
    const jobs = await jobsOf(flags.jobs)
    const explain = await explainer(flags.explain)
    const recorder = await recorderFor(flags)
    const timeoutMs = await timeoutOf(flags.timeout)
    const result = await untilSignal((signal) =>
      here.pipelines.repro({
        ...options,
        signal,
        ...(recorder === undefined ? {} : { recorder }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(jobs === undefined ? {} : { jobs }),
        ...(hermetic === undefined ? {} : { hermetic }),
        onEvent: flags.json === true ? toStandardError() : printer(explain, flags),
      }),
    )
    if (!flags.quiet) say(flags, result, summary(result))
    if (result.outcome !== 'succeeded' && !flags['ignore-errors']) process.exitCode = 1
  },
})

/** Whoever calls repro is there to agree; a run on the server waits. */
function approvalLines({ approval }: { approval?: { message: string | null } }): string[] {
  if (approval === undefined) return []
  const { message } = approval
  return [`  on the server it waits for approval${message === null ? '' : `: ${message}`}`]
}

/** All stages of the `dvc.yaml` in the folder of the call. */
function defaultTarget(here: CalledIn): string {
  return here.folder === '' ? 'dvc.yaml' : `${here.folder}/dvc.yaml`
}

async function jobsOf(jobs: number | undefined): Promise<number | undefined> {
  if (jobs === undefined || (Number.isInteger(jobs) && jobs > 0)) return jobs
  const { Problem } = await import('#base/problem')
  throw new Problem('invalid', `--jobs ${jobs} must be a whole number from 1 up`)
}

async function timeoutOf(text: string | undefined): Promise<number | undefined> {
  if (text === undefined) return undefined
  const { durationMs } = await import('#protocols/dvc/stage-meta')
  const { Problem } = await import('#base/problem')
  const ms = durationMs(text)
  if (ms === undefined)
    throw new Problem('invalid', `--timeout ${text} is no time; write for example 90s or 30m`)
  return ms
}
