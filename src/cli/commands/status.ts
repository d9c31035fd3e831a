import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { ArgumentsCamelCase } from 'yargs'
import { Problem } from '#base/problem'
import type { DvcStatus } from '#protocols/dvc/status'
import type { Reason, StageStatus } from '#stages'
import { command } from '../command.ts'
import type { CalledIn } from '../workspace.ts'

interface Flags {
  targets: string[] | undefined
  cloud: boolean
  remote: string | undefined
  allBranches: boolean
  allTags: boolean
  allCommits: boolean
  withDeps: boolean
  recursive: boolean
  quiet: boolean
  updates: boolean
  explain: boolean
}

export const status = command<Flags>({
  command: 'status [targets..]',
  describe: 'Show which data and stages differ from what was recorded, or from the remote',
  builder: (argv) =>
    argv
      .positional('targets', { type: 'string', array: true })
      .option('cloud', {
        alias: 'c',
        type: 'boolean',
        default: false,
        describe: 'Compare the cache with the remote',
      })
      .option('remote', {
        alias: 'r',
        type: 'string',
        describe: 'Compare the cache with this remote',
      })
      .option('all-branches', {
        alias: 'a',
        type: 'boolean',
        default: false,
        describe: 'With --cloud: the data of all branches too',
      })
      .option('all-tags', {
        alias: 'T',
        type: 'boolean',
        default: false,
        describe: 'With --cloud: the data of all tags too',
      })
      .option('all-commits', {
        alias: 'A',
        type: 'boolean',
        default: false,
        describe: 'With --cloud: the data of all commits too',
      })
      .option('with-deps', {
        alias: 'd',
        type: 'boolean',
        default: false,
        describe: 'What the targets need as well',
      })
      .option('recursive', {
        alias: 'R',
        type: 'boolean',
        default: false,
        describe: 'Everything in the folders that are named',
      })
      .option('jobs', { alias: 'j', type: 'number', describe: 'How much to do at once' })
      .option('updates', {
        type: 'boolean',
        default: true,
        describe:
          'Ask where data was imported from whether there is newer; --no-updates to not ask',
      })
      .option('explain', {
        type: 'boolean',
        default: false,
        describe: 'Say of everything that makes a stage run what was and what is now',
      })
      .option('quiet', {
        alias: 'q',
        type: 'boolean',
        default: false,
        describe: 'Say nothing; exit with 1 if something differs',
      }) as never,
  handler: async (flags) => {
    const { calledIn } = await import('../workspace.ts')
    const here = calledIn()
    const isCloud = flags.cloud || flags.remote !== undefined
    if (isCloud) return cloudStatus(here, flags)
    if (flags.allBranches || flags.allTags || flags.allCommits)
      throw new Problem(
        'invalid',
        'the workspace has no branches, tags or commits to look into; add --cloud to compare all of their data with the remote',
      )
    return localStatus(here, flags)
  },
})

type Called = ArgumentsCamelCase<Flags> & { json?: boolean }

async function cloudStatus(here: CalledIn, flags: Called): Promise<void> {
  const { say } = await import('../say.ts')
  const targets = here.targets(flags.targets)
  const found = await here.data.cloudStatus({
    targets: flags.withDeps ? await here.pipelines.withNeeds(targets) : targets,
    ...(flags.remote === undefined ? {} : { remote: flags.remote }),
    revisions: {
      ...(flags.allBranches ? { branches: true } : {}),
      ...(flags.allTags ? { tags: true } : {}),
      ...(flags.allCommits ? { commits: true } : {}),
    },
  })
  const json = Object.fromEntries(found.map(({ path, change }) => [path, change]))
  if (flags.quiet) {
    if (found.length > 0) process.exitCode = 1
    return
  }
  const lines = found.map(({ path, change }) => `${`${change}:`.padEnd(10)}${here.shown(path)}`)
  say(flags, json, lines.length === 0 ? ['Cache and remote are in sync.'] : lines)
}

async function localStatus(here: CalledIn, flags: Called): Promise<void> {
  const { say } = await import('../say.ts')
  const { statusJson } = await import('#protocols/dvc/status')
  const targets = await targetsOf(here, flags)
  const isAll = here.targets(flags.targets).length === 0
  const data = isAll || targets.data.length > 0 ? await here.data.status(targets.data) : []
  const stages =
    isAll || targets.stages.length > 0
      ? await here.pipelines.status(targets.stages, { files: flags.explain })
      : []
  const asksData = isAll || targets.data.length > 0
  const { outdatedImports, tellLostVersions } = await import('../imports.ts')
  if (!flags.quiet) await tellLostVersions(here)
  const outdated =
    flags.updates && asksData
      ? await outdatedImports(here, targets.data)
      : new Map<string, string>()
  const json = withUpdates(statusJson(data, stages), outdated)
  if (flags.quiet) {
    if (Object.keys(json).length > 0) process.exitCode = 1
    return
  }
  const { explained, inWords } = await import('#stages')
  const lines = [
    ...data.map(({ path, change }) => `${here.shown(path)} is ${change}`),
    ...[...outdated].map(
      ([file, name]) => `${here.shown(file)} has newer data: ${name}; run \`orrery update\``,
    ),
    ...stages
      .filter(({ reasons }) => reasons.length > 0)
      .flatMap(({ stage, lock, reasons }) => {
        const why =
          lock === undefined
            ? ['it has not run before']
            : reasons.map(flags.explain ? explained : inWords)
        return [`${stage.address} would run:`].concat(why.map((each) => `  ${each}`))
      }),
  ]
  const shown = flags.explain ? { status: json, stages: explanations(stages) } : json
  say(flags, shown, lines.length === 0 ? ['Data and pipelines are up to date.'] : lines)
}

/** Every reason with old and new, by the stage's address; for stages that are not up to date. */
function explanations(stages: readonly StageStatus[]): Record<string, readonly Reason[]> {
  return Object.fromEntries(
    stages
      .filter(({ reasons }) => reasons.length > 0)
      .map(({ stage, lock, reasons }) => [
        stage.address,
        lock === undefined ? [{ kind: 'new' }] : reasons,
      ]),
  )
}

/** Which of the targets are data and which are stages; folders become what lies in them. */
async function targetsOf(
  here: CalledIn,
  flags: Called,
): Promise<{ data: string[]; stages: string[] }> {
  const { tracked, stages } = await here.pipelines.load()
  const { isWithin } = await import('#data')
  const named = here.targets(flags.targets)
  const isStage = (target: string) => stages.some(({ address }) => address === target)
  const inFolder = (target: string) => [
    ...tracked.filter(({ owner }) => isWithin(owner.file, target)).map(({ owner }) => owner.file),
    ...stages.filter(({ file }) => isWithin(file, target)).map(({ address }) => address),
  ]
  const asked = flags.recursive
    ? named.flatMap((target) => {
        const inside = isStage(target) ? [] : inFolder(target)
        return inside.length > 0 || isFolderHere(here, target) ? inside : [target]
      })
    : named
  const whole = flags.withDeps ? await here.pipelines.withNeeds(asked) : asked
  const isData = (target: string) =>
    tracked.some(
      ({ path, owner }) =>
        path === target || owner.file === target || target.startsWith(`${path}/`),
    )
  return {
    data: whole.filter(isData),
    stages: whole.filter((target) => !isData(target)),
  }
}

function isFolderHere(here: CalledIn, target: string): boolean {
  return statSync(join(here.root, target), { throwIfNoEntry: false })?.isDirectory() === true
}

/** What has newer data where it came from is a changed dependency, in dvc's words. */
function withUpdates(found: DvcStatus, outdated: ReadonlyMap<string, string>): DvcStatus {
  for (const [file, name] of outdated)
    found[file] = [{ 'changed deps': { [name]: 'update available' } }, ...(found[file] ?? [])]
  return found
}
