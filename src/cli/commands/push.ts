import { command } from '../command.ts'
import { failures, runsMoved, shared, sharingFlags, targetsWith } from '../sharing.ts'

export const push = command({
  command: 'push [targets..]',
  describe: 'Copy data to the remote, so that others can pull it',
  builder: sharingFlags,
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { counted } = await import('../tables/text.ts')
    const here = calledIn()
    const targets = await targetsWith(here, flags)
    const moved = await shared(flags, (how) => here.data.push(targets, how))
    if (!flags.quiet)
      say(flags, moved, [
        moved.objects === 0 && moved.failed.length === 0
          ? 'The remote has everything already.'
          : `${counted(moved.objects, 'object')} copied to the remote`,
        ...runsMoved(moved),
        ...failures(moved, here.shown),
      ])
    if (moved.failed.length > 0) process.exitCode = 1
  },
})
