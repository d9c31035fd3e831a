import type { Pulled } from '#data'
import { command } from '../command.ts'
import { runsMoved, shared, sharingFlags, targetsWith } from '../sharing.ts'

export const pull = command({
  command: 'pull [targets..]',
  describe: 'Fetch data from the remote and check it out',
  builder: (argv) =>
    sharingFlags(argv)
      .option('force', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'Overwrite what is kept nowhere else',
      })
      .option('allow-missing', {
        type: 'boolean',
        default: false,
        describe: 'What the remote does not have is told, and is no failure',
      }),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { counted } = await import('../tables/text.ts')
    const { fetchImports } = await import('../imports.ts')
    const here = calledIn()
    const targets = await targetsWith(here, flags)
    await fetchImports(here, targets)
    const pulled = await shared(flags, (how) =>
      here.data.pull(targets, { ...how, force: flags.force, allowMissing: flags.allowMissing }),
    )
    const changed = pulled.checkout.outs.filter((out) => out.result !== 'unchanged')
    const { failed, missing } = without(pulled, flags.allowMissing)
    if (!flags.quiet)
      say(flags, pulled, [
        `${counted(pulled.fetched.objects, 'object')} fetched, ${counted(changed.length, 'path')} changed`,
        ...runsMoved(pulled.fetched),
        ...changed.map((out) => `${out.result === 'added' ? 'A' : 'M'}  ${here.shown(out.path)}`),
        ...missing.map((each) => `missing  ${here.shown(each.path)}: ${each.reason}`),
        ...failed.map((each) => `failed  ${here.shown(each.path)}: ${each.reason}`),
      ])
    if (failed.length > 0) process.exitCode = 1
  },
})

interface Lacked {
  readonly path: string
  readonly reason: string
}

/** Each path that did not come, once; apart those that nobody has, where this is allowed. */
function without(
  { fetched, checkout }: Pulled,
  allowMissing: boolean,
): { failed: Lacked[]; missing: Lacked[] } {
  const byPath = new Map([...checkout.failed, ...fetched.failed].map((each) => [each.path, each]))
  const broken = new Set(
    fetched.failed.filter(({ absent }) => absent !== true).map(({ path }) => path),
  )
  const isFailure = ({ path }: Lacked) => !allowMissing || broken.has(path)
  const { failed = [], missing = [] } = Object.groupBy(byPath.values(), (each) =>
    isFailure(each) ? 'failed' : 'missing',
  )
  return { failed, missing }
}
