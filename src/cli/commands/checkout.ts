import type { CheckedOut } from '#data'
import { command } from '../command.ts'

export const checkout = command({
  command: 'checkout [targets..]',
  describe: 'Make the data in this folder what its .dvc files and dvc.lock say',
  builder: (argv) =>
    argv
      .positional('targets', { type: 'string', array: true })
      .option('force', flag('f', 'Overwrite what is kept nowhere else'))
      .option('with-deps', flag('d', 'What the targets need as well'))
      .option('recursive', flag('R', 'For scripts: a folder always means all that is in it'))
      .option('allow-missing', flag([], 'What is not in the cache is told, and is no failure'))
      .option('relink', flag([], 'Place files that are right as well, as cache.type is now'))
      .option('summary', flag([], 'How many were added and modified, not which'))
      .option('quiet', flag('q', 'Say nothing')),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const here = calledIn()
    const { targetsWith } = await import('../sharing.ts')
    const targets = await targetsWith(here, flags)
    const result = await here.data.checkout(targets, {
      force: flags.force,
      relink: flags.relink,
    })
    const isFailed = result.failed.length > 0 && !flags.allowMissing
    const changed = result.outs.filter((out) => out.result !== 'unchanged')
    const word = flags.allowMissing ? 'missing' : 'failed'
    const lines = [
      ...(flags.summary
        ? [`${numberOf(changed, 'added')} added, ${numberOf(changed, 'modified')} modified`]
        : changed.map((out) => `${out.result === 'added' ? 'A' : 'M'}  ${here.shown(out.path)}`)),
      ...result.failed.map((out) => `${word}  ${here.shown(out.path)}: ${out.reason}`),
    ]
    const unchanged = flags.relink ? 'Every file is placed anew.' : 'Everything is there already.'
    const isSame = changed.length + result.failed.length === 0
    if (!flags.quiet) say(flags, result, isSame ? [unchanged] : lines)
    if (isFailed) process.exitCode = 1
  },
})

function flag(alias: string | string[], describe: string) {
  return { alias, type: 'boolean' as const, default: false, describe }
}

function numberOf(changed: readonly CheckedOut[], result: CheckedOut['result']): number {
  return changed.filter((out) => out.result === result).length
}
