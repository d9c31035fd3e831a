import { command, QUIET } from '../command.ts'

export const checkIgnore = command({
  command: 'check-ignore [targets..]',
  describe: 'Show which paths .dvcignore files leave out; exits with 1 if they leave out none',
  builder: (argv) =>
    argv
      .positional('targets', { type: 'string', array: true })
      .option('details', {
        alias: 'd',
        type: 'boolean',
        default: false,
        describe: 'Show the rule that decides, with its file and line',
      })
      .option('all', {
        alias: 'a',
        type: 'boolean',
        default: false,
        describe: 'With --details, as DVC has it: one rule decides, so it is shown alone',
      })
      .option('non-matching', {
        alias: 'n',
        type: 'boolean',
        default: false,
        describe: 'With --details, also paths that no rule matches',
      })
      .option('stdin', {
        type: 'boolean',
        default: false,
        describe: 'Read paths from the standard input, one a line',
      })
      .option('quiet', QUIET),
  handler: async (flags) => {
    const { Problem } = await import('#base/problem')
    const { ignoreVerdict } = await import('#app/project/ignore')
    const { placeOf } = await import('../place.ts')
    const { say } = await import('../say.ts')
    const { details, all, nonMatching, stdin, quiet, targets = [] } = flags
    if (stdin === targets.length > 0)
      throw new Problem('invalid', 'name the paths to check, or give them by --stdin')
    if (!details && (all || nonMatching))
      throw new Problem('invalid', '--all and --non-matching are about --details; add that')
    if (quiet && details)
      throw new Problem('invalid', '--quiet says nothing and --details says much; use one')
    const here = placeOf()
    const { readFileSync } = await import('node:fs')
    const paths = stdin
      ? readFileSync(0, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : targets
    const checked = paths.map((path) =>
      Object.assign({ path }, ignoreVerdict(here.root, here.path(path))),
    )
    const lines = checked.flatMap(({ path, ignored, rule }) => {
      if (!details) return ignored ? [path] : []
      if (rule === undefined) return nonMatching ? [`::\t${path}`] : []
      return [`${rule.file}:${rule.line}:${rule.pattern}\t${path}`]
    })
    if (!quiet) say(flags, { checked }, lines)
    if (!checked.some(({ ignored, rule }) => (details ? rule !== undefined : ignored)))
      process.exitCode = 1
  },
})
