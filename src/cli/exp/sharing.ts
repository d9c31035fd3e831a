import type { Argv } from 'yargs'
import type { Shared } from '#app/project/experiments/sharing'
import { command } from '../command.ts'
import { baselineFlags } from './keep.ts'

function flagsOf(argv: Argv) {
  return baselineFlags(argv)
    .positional('git_remote', {
      type: 'string',
      demandOption: true,
      describe: 'Name or address of a Git remote',
    })
    .positional('names', {
      type: 'string',
      array: true,
      describe: 'Experiments (default: those of the commit at hand)',
    })
    .option('force', {
      alias: 'f',
      type: 'boolean',
      default: false,
      describe: 'Replace what is otherwise there',
    })
    .option('cache', {
      type: 'boolean',
      default: true,
      describe: 'Their data, too; --no-cache leaves it out',
    })
    .option('remote', { alias: 'r', type: 'string', describe: 'DVC remote for the data' })
}

type Flags = Awaited<ReturnType<ReturnType<typeof flagsOf>['parseAsync']>>

function which(flags: Flags) {
  const names = (flags.names ?? []).map(String)
  const remote = flags.git_remote
  if (names.length > 0 && flags.rev === undefined && !flags.allCommits) return { names, remote }
  return { names, remote, revs: flags.rev ?? [], last: flags.num, commits: flags.allCommits }
}

export const push = command({
  command: 'push <git_remote> [names..]',
  describe: 'Send experiments, with their data, to where others find them',
  builder: flagsOf,
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    await withExperiments(async ({ experiments }) => {
      const shared = await experiments.push(which(flags), flags)
      await told(flags, shared, `sent to ${flags.git_remote}`)
    })
  },
})

export const pull = command({
  command: 'pull <git_remote> [names..]',
  describe: 'Bring experiments, with their data, from where others sent them',
  builder: flagsOf,
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    await withExperiments(async ({ experiments }) => {
      const shared = await experiments.pull(which(flags), flags)
      await told(flags, shared, `brought from ${flags.git_remote}`)
    })
  },
})

async function told(flags: { json?: boolean }, shared: Shared, what: string): Promise<void> {
  const { say } = await import('../say.ts')
  const { experiments, diverged, data } = shared
  say(flags, shared, [
    ...experiments.map((name) => `${name} ${what}`),
    ...diverged.map(
      (name) => `${name} is another one on the other side; rename it, or replace it with --force`,
    ),
    ...(data?.failed ?? []).map((path) => `${path} could not be moved`),
    ...(experiments.length + diverged.length === 0 ? ['No experiment is meant.'] : []),
    ...(data === null
      ? []
      : [`${data.objects} object${data.objects === 1 ? '' : 's'} of data moved`]),
  ])
  if (diverged.length > 0 || (data?.failed.length ?? 0) > 0) process.exitCode = 1
}
