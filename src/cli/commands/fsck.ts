import type { Finding, Scrubbed, Use } from '#data'
import { command } from '../command.ts'

export const fsck = command({
  command: 'fsck',
  describe: 'Read all that the cache and a remote keep, and mend what is damaged from one another',
  builder: (argv) =>
    argv
      .option('remote', {
        alias: 'r',
        type: 'string',
        describe: 'Look at this remote as well: what is there, and how large',
      })
      .option('cloud', { ...flag('The same for the default remote'), alias: 'c' })
      .option('deep', flag('Read all that is on the remote, too'))
      .option('all-branches', { ...flag('What the tips of all branches need counts'), alias: 'a' })
      .option('all-tags', { ...flag('What all tags need counts'), alias: 'T' })
      .option('all-commits', { ...flag('What all commits need counts'), alias: 'A' })
      .option('skip-failed', flag('Pass over revisions that cannot be read'))
      .option('dry', { ...flag('Tell what is wrong; mend nothing'), alias: 'dry-run' })
      .option('quiet', {
        ...flag('Say nothing; exit with 1 if something stays broken'),
        alias: 'q',
      }),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { showProgress } = await import('../progress.ts')
    const here = calledIn()
    const progress = showProgress('objects', flags)
    const { allBranches, allTags, allCommits, remote } = flags
    const found = await here.upkeep.scrub({
      ...(allBranches || allTags || allCommits
        ? { revisions: { branches: allBranches, tags: allTags, commits: allCommits } }
        : {}),
      ...(remote === undefined && !flags.cloud && !flags.deep ? {} : { remote: { name: remote } }),
      deep: flags.deep,
      dry: flags.dry,
      skipFailed: flags.skipFailed,
      onChecked: (objects) => progress.add(objects),
    })
    progress.end()
    if (found.broken) process.exitCode = 1
    if (flags.quiet) return
    const lines = await linesOf(found)
    say(flags, found, lines)
  },
})

function flag(describe: string) {
  return { type: 'boolean' as const, default: false, describe }
}

async function linesOf(found: Scrubbed): Promise<string[]> {
  const { sizeOf } = await import('../retention.ts')
  const { wordsOfUser } = await import('#data')
  const user = (use: Use | undefined) =>
    use === undefined
      ? 'nothing needs it'
      : `${use.part === undefined ? use.path : `${use.path}/${use.part}`} (${use.owner}), needed by ${wordsOfUser(use.by)}`
  const { checked, findings, notHere, runsLost, skipped } = found
  return [
    ...findings.map((finding) => findingLine(finding, user(finding.neededBy))),
    ...checked.map(
      ({ place, objects, bytes }) => `${place}: ${objects} objects (${sizeOf(bytes)}) checked`,
    ),
    ...(notHere.length === 0
      ? []
      : [
          `not fetched, which is no fault: ${[...new Set(notHere.map(({ path }) => path))].slice(0, 10).join(', ')}${notHere.length > 10 ? ' and more' : ''}; \`orrery pull\` fetches it`,
        ]),
    ...(runsLost === 0
      ? []
      : [`${runsLost} runs of the run cache lack outputs; their stages run again when asked for`]),
    ...skipped.map(({ revision, reason }) => `passed over ${revision}: ${reason}`),
    findings.length === 0
      ? 'Nothing is wrong.'
      : found.broken
        ? `${findings.filter(isBroken).length} of ${findings.length} findings stay broken.`
        : 'All of it is mended or put aside; what was put aside is in the folder orrery/damaged beside the objects.',
  ]
}

function isBroken({ outcome }: Finding): boolean {
  return outcome.kind === 'broken' || outcome.kind === 'untouched'
}

function findingLine({ place, fault, name, outcome, neededBy }: Finding, user: string): string {
  const tail =
    outcome.kind === 'mended'
      ? `mended ${outcome.how}`
      : outcome.kind === 'broken'
        ? `stays broken: ${outcome.why}`
        : outcome.kind === 'untouched'
          ? 'left as it is (--dry)'
          : 'put aside'
  const about = fault === 'damaged' || neededBy !== undefined ? `: ${user}` : ''
  return `${fault} ${name} in ${place}${about}; ${tail}`
}
