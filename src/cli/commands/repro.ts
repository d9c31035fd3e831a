import type { Argv } from 'yargs'
import type { Reason, ReproEvent, ReproResult, RunRecorder } from '#stages'
import { command } from '../command.ts'
import { dvcFlags, dvcOptions } from '../repro-flags.ts'
import type { CalledIn } from '../workspace.ts'

function flagsOf(argv: Argv) {
  return dvcFlags(argv)
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
    .option('single-item', {
      alias: 's',
      type: 'boolean',
      default: false,
      describe: 'Only the targets, not what they need',
    })
    .option('keep-going', {
      alias: 'k',
      type: 'boolean',
      default: false,
      describe: 'Go on with what does not need a stage that failed',
    })
    .option('run-cache', {
      type: 'boolean',
      default: true,
      describe: 'Take outputs of the same run from the cache',
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
    const here = calledIn()
    const targets =
      flags.targets === undefined || flags.targets.length === 0
        ? [defaultTarget(here)]
        : here.targets(flags.targets)
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
      const lines = plan.flatMap((step) => explain({ ...step, step: step.name }, step.action))
      return say(flags, { plan }, lines)
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
        onEvent: flags.json === true ? toStandardError() : printer(explain),
      }),
    )
    say(flags, result, summary(result))
    if (result.outcome !== 'succeeded' && !flags['ignore-errors']) process.exitCode = 1
  },
})

/** All stages of the `dvc.yaml` in the folder of the call. */
function defaultTarget(here: CalledIn): string {
  return here.folder === '' ? 'dvc.yaml' : `${here.folder}/dvc.yaml`
}

async function recorderFor(flags: {
  url?: string | undefined
  record?: boolean | undefined
}): Promise<RunRecorder | undefined> {
  if (flags.record === false) return undefined
  const { environment } = await import('#app/environment')
  const named = flags.url ?? environment['ORRERY_URL'] ?? environment['MLFLOW_TRACKING_URI']
  const isServer = named === undefined ? await runsHere(environment) : /^https?:\/\//.test(named)
  if (!isServer && flags.record !== true) return undefined
  const { httpRecorder } = await import('#app/recorder')
  const { serverUrl } = await import('../client.ts')
  return httpRecorder(await serverUrl(flags))
}

/** Whether a server that was started in this folder is running. */
async function runsHere(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const { existsSync } = await import('node:fs')
  const { join } = await import('node:path')
  const home = environment['ORRERY_HOME'] ?? '.orrery'
  if (!existsSync(join(home, 'server.json'))) return false
  const { runningServer } = await import('#app/home')
  const server = await runningServer(home)
  try {
    return server !== undefined && process.kill(server.pid, 0)
  } catch {
    // It died without taking its announcement back.
    return false
  }
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

/** Ends what runs, with all that it started, when the person interrupts. */
async function untilSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController()
  const stop = () => abort.abort()
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  try {
    return await work(abort.signal)
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

function write(text: string): void {
  process.stdout.write(text)
}

type Explainer = (
  decided: { step: string; reason: string; reasons?: readonly Reason[] },
  words: string,
) => string[]

/** What makes a stage run: the first reason behind its name, or all of them below it. */
async function explainer(all: boolean): Promise<Explainer> {
  const { explained } = await import('#stages')
  return ({ step, reason, reasons = [] }, words) =>
    all && reasons.length > 0
      ? [`${step}: ${words}`].concat(reasons.map((each) => `  ${explained(each)}`))
      : [`${step}: ${words} (${reason})`]
}

function printer(explain: Explainer): (event: ReproEvent) => void {
  const lines = linePrefixer(write)
  return (event) => {
    if (event.kind === 'decided' && event.action !== 'up-to-date')
      write(`${explain(event, WORDS[event.action]).join('\n')}\n`)
    else if (event.kind === 'started')
      for (const each of event.commands) write(`${event.step} > ${each}\n`)
    else if (event.kind === 'output') lines.add(event.step, event.text)
    else if (event.kind === 'progress') write(`${event.text}\n`)
    else if (event.kind === 'finished') {
      lines.flush(event.step.name)
      if (event.step.failure !== null) write(`${event.step.name}: failed: ${event.step.failure}\n`)
      else if (event.step.action === 'run')
        write(`${event.step.name}: done in ${(event.step.durationMs / 1000).toFixed(1)} s\n`)
    }
  }
}

const WORDS = {
  run: 'running',
  restored: 'restored from the cache',
  committed: 'taken as it is',
  skipped: 'skipped',
  waiting: 'waits for approval',
  'up-to-date': 'up to date',
} as const

function toStandardError(): (event: ReproEvent) => void {
  const lines = linePrefixer((text) => process.stderr.write(text))
  return (event) => {
    if (event.kind === 'output') lines.add(event.step, event.text)
    else if (event.kind === 'finished') lines.flush(event.step.name)
  }
}

/** Output of stages, each line after the name of its stage, also where several write at once. */
function linePrefixer(put: (text: string) => unknown) {
  const rests = new Map<string, string>()
  return {
    add: (step: string, text: string) => {
      const lines = ((rests.get(step) ?? '') + text).split(/\r?\n/)
      rests.set(step, lines.pop() ?? '')
      for (const line of lines) put(`${step} | ${line}\n`)
    },
    flush: (step: string) => {
      const rest = rests.get(step) ?? ''
      if (rest !== '') put(`${step} | ${rest}\n`)
      rests.delete(step)
    },
  }
}

function summary(result: ReproResult): string[] {
  const count = (action: string) =>
    result.steps.filter((step) => step.action === action && step.failure === null).length
  const failed = result.steps.filter((step) => step.failure !== null && step.action !== 'skipped')
  if (failed.length === 0 && result.steps.every((step) => step.action === 'up-to-date'))
    return ['Data and pipelines are up to date.']
  const parts = [
    `${count('run')} run`,
    `${count('restored')} restored from the cache`,
    `${count('up-to-date')} up to date`,
    ...(failed.length > 0 ? [`${failed.length} failed; their old outputs are as they were`] : []),
  ]
  return [parts.join(', ')]
}
