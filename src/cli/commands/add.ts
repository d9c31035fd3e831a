import { command, QUIET } from '../command.ts'

export const add = command({
  command: 'add <paths..>',
  describe: 'Put files and folders under version control: bytes in the cache, hashes in .dvc files',
  builder: (argv) =>
    argv
      .positional('paths', { type: 'string', array: true, demandOption: true })
      .option('out', {
        alias: 'o',
        type: 'string',
        describe: 'Copy the path to here first; it may be anywhere on this machine',
      })
      .option('force', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'With --out, replace what is there',
      })
      .option('glob', {
        type: 'boolean',
        default: false,
        describe: "The paths are patterns, as in 'data/**/*.csv'",
      })
      .option('commit', {
        type: 'boolean',
        default: true,
        describe: 'Keep the bytes in the cache; --no-commit only records hashes',
      })
      .option('relink', {
        type: 'boolean',
        default: true,
        describe: 'Where cache.type wants links, make links of the files; --no-relink leaves them',
      })
      .option('to-remote', {
        type: 'boolean',
        default: false,
        describe: 'Send the bytes to the remote, and keep them neither here nor in the cache',
      })
      .option('remote', {
        alias: 'r',
        type: 'string',
        describe: 'With --to-remote, another remote than the default one',
      })
      .option('remote-jobs', { type: 'number', describe: 'With --to-remote, how many at once' })
      .option('quiet', QUIET),
  handler: async (flags) => {
    const { Problem } = await import('#base/problem')
    const { calledIn, say } = await import('../workspace.ts')
    const { adding } = await import('../adding.ts')
    const refused = refusal(flags)
    if (refused !== undefined) throw new Problem('invalid', refused)
    const here = calledIn()
    const added = await adding(here, flags)
    const files = [...new Set(added.flatMap((each) => each.files))]
    if (flags.quiet) return
    say(flags, { added }, [
      ...added.map(({ path, file, change, content }) =>
        change === 'unchanged'
          ? `${here.shown(path)} did not change`
          : `${here.shown(path)} -> ${here.shown(file)}  ${content.md5.slice(0, 8)}${content.files === undefined ? '' : `, ${content.files} files`}`,
      ),
      ...(added.some(({ change }) => change !== 'unchanged')
        ? [
            '',
            `To keep this version: git add ${files.map((file) => quoted(here.shown(file))).join(' ')}`,
          ]
        : []),
    ])
  },
})

function refusal(flags: {
  paths: string[]
  out: string | undefined
  toRemote: boolean
  remote: string | undefined
  remoteJobs: number | undefined
  glob: boolean
  commit: boolean
}): string | undefined {
  const copies = flags.toRemote ? '--to-remote' : flags.out === undefined ? undefined : '--out'
  if (copies !== undefined) {
    if (flags.paths.length > 1) return `${copies} takes one path; call it for each of them`
    if (flags.glob) return `${copies} takes one path, not a pattern; leave --glob out`
    if (!flags.commit) return `${copies} keeps the bytes; leave --no-commit out`
  }
  if (flags.toRemote) return undefined
  if (flags.remote !== undefined) return '--remote says where --to-remote sends the bytes; add that'
  if (flags.remoteJobs !== undefined) return '--remote-jobs is about --to-remote; add that'
  return undefined
}

function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
