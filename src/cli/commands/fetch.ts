import { command } from '../command.ts'
import { failures, runsMoved, shared, sharingFlags, targetsWith } from '../sharing.ts'

export const fetchCommand = command({
  command: 'fetch [targets..]',
  describe: 'Bring data from the remote into the cache, without checking it out',
  builder: sharingFlags,
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { fetchImports } = await import('../imports.ts')
    const here = calledIn()
    const targets = await targetsWith(here, flags)
    await fetchImports(here, targets)
    const moved = await shared(flags, (how) => here.data.fetch(targets, how))
    if (!flags.quiet)
      say(flags, moved, [
        moved.objects === 0 && moved.failed.length === 0
          ? 'The cache has everything already.'
          : `${moved.objects} objects fetched`,
        ...runsMoved(moved),
        ...failures(moved, here.shown),
      ])
    if (moved.failed.length > 0) process.exitCode = 1
  },
})
