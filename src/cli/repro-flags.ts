import type { Argv } from 'yargs'
import type { ReproOptions } from '#stages'

/** How stages are run, whoever runs them. */
export function runFlags<T>(argv: Argv<T>) {
  return argv
    .option('single-item', flag('Only the targets, not what they need', ['s']))
    .option('keep-going', flag('Go on with what does not need a stage that failed', ['k']))
    .option('run-cache', {
      type: 'boolean',
      default: true,
      describe: 'Take outputs of the same run from the cache',
    })
}

/** What `dvc repro` knows of which stages are meant, and of data that is missing. */
export function dvcFlags<T>(argv: Argv<T>) {
  return argv
    .option('pipeline', flag('All stages that hang together with the targets', ['p']))
    .option('all-pipelines', flag('All stages of the project', ['P']))
    .option('recursive', flag('Targets are folders: all stages in them', ['R']))
    .option('downstream', flag('The targets and what needs them, not what they need'))
    .option('glob', flag('Targets are patterns of names, such as "train-*"'))
    .option('force-downstream', flag('Run whatever needs a stage that ran'))
    .option('pull', flag('Bring missing data from the remote'))
    .option('allow-missing', flag('Pass over stages of which only data is missing'))
    .option(
      'ignore-errors',
      flag('Go on with everything, also with what needs a stage that failed'),
    )
    .option('interactive', flag('Ask before each stage', ['i']))
    .option('commit', {
      type: 'boolean',
      default: true,
      describe: 'Put what stages write into the cache',
    })
}

function flag(describe: string, alias: string[] = []) {
  return { type: 'boolean', default: false, describe, alias } as const
}

type DvcFlags = Readonly<
  Record<
    | 'pipeline'
    | 'all-pipelines'
    | 'recursive'
    | 'downstream'
    | 'glob'
    | 'force-downstream'
    | 'pull'
    | 'allow-missing'
    | 'ignore-errors'
    | 'interactive'
    | 'commit',
    boolean
  >
>

export async function dvcOptions(
  flags: DvcFlags,
  targets: readonly string[],
): Promise<Omit<ReproOptions, 'force'>> {
  const isWhole = flags.pipeline || flags['all-pipelines']
  return {
    targets: flags['all-pipelines'] ? [] : targets,
    pipeline: flags.pipeline,
    downstream: flags.downstream && !isWhole,
    recursive: flags.recursive,
    glob: flags.glob,
    forceDownstream: flags['force-downstream'],
    pull: flags.pull,
    allowMissing: flags['allow-missing'],
    ignoreErrors: flags['ignore-errors'],
    commit: flags.commit,
    ...(flags.interactive ? { confirm: await asker() } : {}),
  }
}

/** One question after another, also where several stages could begin. */
async function asker(): Promise<(stage: string) => Promise<boolean>> {
  const { agreed, isAnswered } = await import('./ask.ts')
  if (!isAnswered()) {
    const { Problem } = await import('#base/problem')
    throw new Problem('invalid', '--interactive asks on a terminal, and there is none')
  }
  let last: Promise<unknown> = Promise.resolve()
  return (stage) => {
    const answer = last.then(() => agreed(`Run ${stage}?`))
    last = answer
    return answer
  }
}
