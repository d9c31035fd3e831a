import { command } from '../command.ts'
import { runsMoved, shared, sharingFlags, targetsWith } from '../sharing.ts'

export const pull = command({
  command: 'pull [targets..]',
  describe: 'Fetch data from the remote and check it out',
  builder: (argv) =>
    sharingFlags(argv).option('force', {
      alias: 'f',
      type: 'boolean',
      default: false,
      describe: 'Overwrite what is kept nowhere else',
    }),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { fetchImports } = await import('../imports.ts')
    const here = calledIn()
    const targets = await targetsWith(here, flags)
    await fetchImports(here, targets)
    const pulled = await shared(flags, (how) =>
      here.data.pull(targets, { ...how, force: flags.force }),
    )
    const changed = pulled.checkout.outs.filter((out) => out.result !== 'unchanged')
    const failed = [...pulled.fetched.failed, ...pulled.checkout.failed]
    const byPath = new Map(failed.toReversed().map((each) => [each.path, each]))
    if (!flags.quiet)
      say(flags, pulled, [
        `${pulled.fetched.objects} objects fetched, ${changed.length} paths changed`,
        ...runsMoved(pulled.fetched),
        ...changed.map((out) => `${out.result === 'added' ? 'A' : 'M'}  ${here.shown(out.path)}`),
        ...[...byPath.values()].map((each) => `failed  ${here.shown(each.path)}: ${each.reason}`),
      ])
    if (failed.length > 0) process.exitCode = 1
  },
})
