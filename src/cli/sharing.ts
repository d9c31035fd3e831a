import type { Argv } from 'yargs'
import { QUIET } from './command.ts'
import type { Moved, Sharing } from '#data'
import { showProgress } from './progress.ts'
import { counted } from './tables/text.ts'
import type { CalledIn } from './workspace.ts'

/** Flags of the commands that share data. */
export function sharingFlags(argv: Argv) {
  return argv
    .positional('targets', { type: 'string', array: true })
    .option('remote', {
      alias: 'r',
      type: 'string',
      describe: 'Name of the remote (default: the default one)',
    })
    .option('jobs', {
      alias: 'j',
      type: 'number',
      describe: 'How many objects to move at once (default: as set for the remote, or 16)',
    })
    .option('all-branches', { ...flag('What the tips of all branches need, too'), alias: 'a' })
    .option('all-tags', { ...flag('What all tags need, too'), alias: 'T' })
    .option('all-commits', { ...flag('What all commits need, too'), alias: 'A' })
    .option('run-cache', flag('What is remembered of runs of stages, too'))
    .option('glob', flag('Targets are patterns'))
    .option('recursive', {
      ...flag('Taken for the sake of scripts: a folder always means all that is in it'),
      alias: 'R',
    })
    .option('with-deps', { ...flag('What the targets need as well'), alias: 'd' })
    .option('quiet', QUIET)
}

function flag(describe: string) {
  return { type: 'boolean' as const, default: false, describe }
}

interface SharingFlags {
  readonly allBranches: boolean
  readonly allTags: boolean
  readonly allCommits: boolean
  readonly glob: boolean
  readonly runCache: boolean
  readonly remote?: string | undefined
  readonly jobs?: number | undefined
  readonly quiet?: boolean | undefined
  readonly json?: boolean | undefined
}

/** The data and stages that were named, with what they need where that was asked for. */
export async function targetsWith(
  here: CalledIn,
  flags: { targets?: readonly unknown[] | undefined; withDeps: boolean },
): Promise<string[]> {
  const named = here.targets(flags.targets)
  return flags.withDeps ? here.pipelines.withNeeds(named) : named
}

/** What the flags ask for, with progress on the screen while it is done. */
export async function shared<T>(
  flags: SharingFlags,
  work: (how: Sharing) => Promise<T>,
): Promise<T> {
  const progress = showProgress('objects', flags)
  const { movingSteps } = await import('#data')
  const moving = movingSteps('fetched', ({ files, sizeBytes, ofFiles, ofBytes }) => {
    progress.expect(ofFiles, ofBytes)
    progress.pass(sizeBytes)
    progress.add(files)
  })
  try {
    return await work({
      ...chosenBy(flags),
      runCache: flags.runCache,
      ...(flags.remote === undefined ? {} : { remote: flags.remote }),
      ...(flags.jobs === undefined ? {} : { jobs: await checkedJobs(flags.jobs) }),
      ...moving,
    })
  } finally {
    progress.end()
  }
}

function chosenBy({
  allBranches,
  allTags,
  allCommits,
  glob,
}: SharingFlags): Pick<Sharing, 'revisions' | 'glob'> {
  const revisions = { branches: allBranches, tags: allTags, commits: allCommits }
  return { glob, ...(allBranches || allTags || allCommits ? { revisions } : {}) }
}

async function checkedJobs(jobs: number): Promise<number> {
  if (Number.isInteger(jobs) && jobs >= 1) return jobs
  const { Problem } = await import('#base/problem')
  throw new Problem('invalid', `--jobs takes a whole number from 1, and this is ${jobs}`)
}

/** What became of the runs, where they were asked for. */
export function runsMoved({ runs }: Moved): string[] {
  if (runs === undefined) return []
  return runs === null
    ? [
        'The run cache stayed: this remote cannot tell which runs it has; folders, s3:// and ssh:// can.',
      ]
    : [`${counted(runs, 'run')} copied`]
}

export function failures(moved: Moved, shown: (path: string) => string): string[] {
  return moved.failed.map((each) => `failed  ${shown(each.path)}: ${each.reason}`)
}
