import type { Argv } from 'yargs'
import { command } from '../command.ts'

/** Flags that say of which commits experiments are meant. */
export function baselineFlags<T>(argv: Argv<T>) {
  return argv
    .option('rev', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Those made from this commit (default: the one at hand)',
    })
    .option('num', {
      alias: 'n',
      type: 'number',
      default: 1,
      describe: 'And from so many commits before it; -1 for all',
    })
    .option('all-commits', {
      alias: 'A',
      type: 'boolean',
      default: false,
      describe: 'Those of all commits',
    })
}

export const list = command({
  command: ['list', 'ls'],
  describe: 'List experiments',
  builder: (argv: Argv) =>
    baselineFlags(argv)
      .option('names-only', {
        alias: 'name-only',
        type: 'boolean',
        default: false,
        describe: 'Only names',
      })
      .option('sha-only', {
        alias: 'sha',
        type: 'boolean',
        default: false,
        describe: 'Only commits',
      })
      .option('limit', { type: 'number', default: 1000, describe: 'At most so many' }),
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { say } = await import('../say.ts')
    await withExperiments(async ({ experiments }) => {
      const all = await experiments.list({
        revs: flags.rev ?? [],
        last: flags.num,
        commits: flags.allCommits,
      })
      const shown = all.slice(0, Math.max(1, flags.limit))
      const names = await experiments.baselineNames(shown.map(({ baseline }) => baseline))
      const groups = Map.groupBy(shown, ({ baseline }) => baseline)
      const lines = [...groups].flatMap(([baseline, group]) =>
        [`${names.get(baseline) ?? baseline.slice(0, 7)}:`].concat(
          group.map(({ name, commit }) => `\t${commit.slice(0, 7)} [${name}]`),
        ),
      )
      const bare = shown.map(({ name, commit }) => (flags['names-only'] ? name : commit))
      const more = all.length - shown.length
      say(flags, { experiments: shown, total: all.length }, [
        ...(flags['names-only'] || flags['sha-only'] ? bare : lines),
        ...(more > 0 ? [`${more} more; add --limit ${all.length}`] : []),
      ])
    })
  },
})

export const apply = command({
  command: 'apply <name>',
  describe: 'Make this folder hold what an experiment does',
  builder: (argv: Argv) =>
    argv.positional('name', { type: 'string', demandOption: true }).option('force', {
      alias: 'f',
      type: 'boolean',
      default: false,
      describe: 'Overwrite what is recorded nowhere; a commit of it is kept',
    }),
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { say } = await import('../say.ts')
    await withExperiments(async ({ experiments }) => {
      const applied = await experiments.apply(flags.name, { force: flags.force })
      say(flags, applied, [
        ...applied.changed.map((path) => `changed ${path}`),
        ...applied.missing.map((path) => `${path} is not in the cache; \`orrery fetch\` brings it`),
        ...(applied.before === null ? [] : [`what was here before is kept as ${applied.before}`]),
        `this folder holds ${applied.name}`,
      ])
      if (applied.missing.length > 0) process.exitCode = 1
    })
  },
})

export const branch = command({
  command: 'branch <name> [branch]',
  describe: 'Make a branch of an experiment',
  builder: (argv: Argv) =>
    argv.positional('name', { type: 'string', demandOption: true }).positional('branch', {
      type: 'string',
      describe: 'Name of the branch (default: NAME-branch)',
    }),
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { say } = await import('../say.ts')
    await withExperiments(async ({ experiments }) => {
      const made = await experiments.branch(flags.name, flags.branch)
      say(flags, { branch: made }, [
        `${made} is a branch now; switch to it with \`git checkout ${made}\``,
      ])
    })
  },
})

export const rename = command({
  command: 'rename <name> <to>',
  describe: 'Give an experiment another name',
  builder: (argv: Argv) =>
    argv
      .positional('name', { type: 'string', demandOption: true })
      .positional('to', { type: 'string', demandOption: true })
      .option('force', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'Replace an experiment of that name',
      }),
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { say } = await import('../say.ts')
    await withExperiments(async ({ experiments }) => {
      const renamed = await experiments.rename(flags.name, flags.to, { force: flags.force })
      say(flags, renamed, [`${flags.name} is ${renamed.name} now`])
    })
  },
})

export const save = command({
  command: 'save',
  describe: 'Keep what this folder holds as an experiment, without running anything',
  builder: (argv: Argv) =>
    argv
      .option('name', { alias: 'n', type: 'string', describe: 'Name of the experiment' })
      .option('message', { alias: 'm', type: 'string', describe: 'Words for its commit' })
      .option('force', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'Replace an experiment of that name',
      })
      .option('include-untracked', {
        alias: 'I',
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Files that Git does not track',
      }),
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { say } = await import('../say.ts')
    await withExperiments(async ({ here, experiments }) => {
      const { name, message, force } = flags
      const include = (flags['include-untracked'] ?? []).map((path) => here.path(path))
      const saved = await experiments.save({ name, message, replace: force, include })
      say(flags, saved, [`${saved.name} is kept as ${saved.commit.slice(0, 7)}`])
    })
  },
})

export const remove = command({
  command: ['remove [names..]', 'rm'],
  describe: 'Remove experiments',
  builder: (argv: Argv) =>
    baselineFlags(argv)
      .positional('names', { type: 'string', array: true })
      .option('keep', {
        type: 'boolean',
        default: false,
        describe: 'Remove all but those that are named',
      })
      .option('queue', { type: 'boolean', default: false, describe: 'Those that wait' })
      .option('git-remote', {
        alias: 'g',
        type: 'string',
        describe: 'On this Git remote, instead of here',
      })
      .option('dry', { type: 'boolean', default: false, describe: 'Only say which' }),
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { say } = await import('../say.ts')
    const { Problem } = await import('#base/problem')
    const names = (flags.names ?? []).map(String)
    const byCommit = flags.rev !== undefined || flags.allCommits
    if (names.length === 0 && !byCommit && !flags.queue)
      throw new Problem('invalid', 'name experiments, or add --rev, --all-commits or --queue')
    await withExperiments(async ({ experiments }) => {
      const waiting = flags.queue ? await experiments.queue.waiting() : []
      const { meant, waits } = await experiments.meant({
        names,
        keep: flags.keep,
        ...(byCommit ? { revs: flags.rev ?? [], last: flags.num, commits: flags.allCommits } : {}),
        ...(flags['git-remote'] === undefined ? {} : { remote: flags['git-remote'] }),
      })
      const all = [...meant.map(({ name }) => name), ...waits, ...waiting.map(({ name }) => name)]
      if (!flags.dry) {
        await experiments.remove(meant, flags['git-remote'])
        const stashes = waiting.map(({ stash }) => stash)
        if (waits.length + stashes.length > 0)
          await experiments.queue.remove({ names: [...waits, ...stashes] })
      }
      say(
        flags,
        { removed: flags.dry ? [] : all, meant: all },
        all.length === 0
          ? ['Nothing to remove.']
          : all.map((name) => `${flags.dry ? 'would remove' : 'removed'} ${name}`),
      )
    })
  },
})

export const clean = command({
  command: 'clean',
  describe: 'Remove what ended or killed experiments left on this disk; none of them is lost',
  builder: (argv: Argv) => argv,
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { say } = await import('../say.ts')
    await withExperiments(async ({ experiments }) => {
      const cleaned = await experiments.clean()
      say(flags, { cleaned }, [
        `${cleaned.length} left-over folder${cleaned.length === 1 ? '' : 's'} removed`,
      ])
    })
  },
})
