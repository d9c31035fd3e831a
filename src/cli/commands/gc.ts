import { Problem } from '#base/problem'
import type { GarbageRequest, RevisionSelection } from '#data'
import { command } from '../command.ts'
import type { CalledIn } from '../workspace.ts'

export const gc = command({
  command: 'gc',
  describe: "Free what nothing needs: of a project's cache and remote, or of a server",
  builder: (argv) =>
    argv
      .option('workspace', {
        ...flag('Keep what the workspace needs; all others below keep it as well'),
        alias: 'w',
      })
      .option('all-branches', { ...flag('Keep what the tips of all branches need'), alias: 'a' })
      .option('all-tags', { ...flag('Keep what all tags need'), alias: 'T' })
      .option('all-commits', { ...flag('Keep what all commits need'), alias: 'A' })
      .option('all-experiments', flag('Keep what the experiments of dvc need'))
      .option('rev', { type: 'string', array: true, describe: 'Keep what this revision needs' })
      .option('num', {
        alias: 'n',
        type: 'number',
        describe: 'With --rev or --all-branches: so many commits of each, going back',
      })
      .option('date', { type: 'string', describe: 'Keep what commits since YYYY-MM-DD need' })
      .option('run-cache', flag('Keep all that runs in the run cache could bring back'))
      .option('projects', {
        alias: 'p',
        type: 'string',
        array: true,
        describe: 'Keep what these projects need, too: they share the cache',
      })
      .option('not-in-remote', flag('Of what is needed, keep only what the remote does not have'))
      .option('cloud', { ...flag('Free objects of the remote as well'), alias: 'c' })
      .option('remote', { alias: 'r', type: 'string', describe: 'Name of the remote' })
      .option('skip-failed', flag('Pass over revisions that cannot be read'))
      .option('dry', { ...flag('Tell what would go; remove nothing'), alias: 'dry-run' })
      .option('force', { ...flag('Do not ask; also where it cannot be undone'), alias: 'f' })
      .option('undo', flag('Bring back what was put aside last'))
      .option('purge', flag('Remove at once, for good, also what was put aside before'))
      .option('server', flag("Clear the server's trash and object store instead"))
      .option('url', { type: 'string', describe: 'Address of the server' })
      .option('home', { type: 'string', describe: 'Home of a server on this machine' })
      .option('jobs', { alias: 'j', type: 'number', describe: 'Taken for the sake of scripts' })
      .option('quiet', { ...flag('Say nothing but errors'), alias: 'q' })
      .option('verbose', { ...flag('Name every object'), alias: 'v' }),
  handler: async (flags) => {
    const { insideProject } = await import('../project-gc.ts')
    const selection = selectionOf(flags)
    const scoped = flags.workspace || selection !== undefined || flags.undo
    if (flags.server || (!scoped && !insideProject())) {
      const { collectOnServer } = await import('../server-gc.ts')
      return collectOnServer(flags)
    }
    if (!scoped)
      throw new Problem(
        'invalid',
        "say what must stay: `orrery gc --workspace` frees what the project's workspace does not need (--all-branches, --all-tags, --all-commits, --rev and --date keep more); `orrery gc --server` clears the server's trash and object store",
      )
    const { calledIn } = await import('../workspace.ts')
    const { collectInProject, undoInProject } = await import('../project-gc.ts')
    const here = calledIn()
    if (flags.undo) return undoInProject(here, flags)
    return collectInProject(here, requestOf(here, { ...flags, selection }), flags)
  },
})

function flag(describe: string) {
  return { type: 'boolean' as const, default: false, describe }
}

interface Scoped {
  readonly allBranches: boolean
  readonly allTags: boolean
  readonly allCommits: boolean
  readonly allExperiments: boolean
  readonly rev?: string[] | undefined
  readonly num?: number | undefined
  readonly date?: string | undefined
}

function selectionOf(flags: Scoped): RevisionSelection | undefined {
  const { rev, num, date, allBranches, allTags, allCommits, allExperiments } = flags
  if (num !== undefined && (!Number.isInteger(num) || num < 1))
    throw new Problem('invalid', '--num takes a whole number from 1 up')
  const selection: RevisionSelection = {
    ...(rev === undefined ? {} : { revs: rev }),
    ...(num === undefined ? {} : { last: num }),
    ...(allBranches ? { branches: true } : {}),
    ...(allTags ? { tags: true } : {}),
    ...(allCommits ? { commits: true } : {}),
    ...(allExperiments ? { experiments: true } : {}),
    ...(date === undefined ? {} : { sinceMs: dayOf(date) }),
  }
  if (num !== undefined && rev === undefined && !allBranches)
    throw new Problem('invalid', '--num goes with --rev or --all-branches')
  return Object.keys(selection).length === 0 ? undefined : selection
}

function dayOf(date: string): number {
  const ms = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00`) : Number.NaN
  if (Number.isNaN(ms)) throw new Problem('invalid', `${date} is no date; write it as 2026-11-21`)
  return ms
}

function requestOf(
  here: CalledIn,
  flags: {
    readonly selection: RevisionSelection | undefined
    readonly projects?: string[] | undefined
    readonly notInRemote: boolean
    readonly runCache: boolean
    readonly cloud: boolean
    readonly remote?: string | undefined
    readonly skipFailed: boolean
  },
): GarbageRequest {
  return {
    ...(flags.selection === undefined ? {} : { revisions: flags.selection }),
    ...(flags.remote === undefined ? {} : { remote: flags.remote }),
    projects: flags.projects ?? [],
    notInRemote: flags.notInRemote,
    allRuns: flags.runCache,
    cloud: flags.cloud,
    skipFailed: flags.skipFailed,
  }
}
