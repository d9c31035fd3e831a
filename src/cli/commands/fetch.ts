import type { Out } from '#data'
import { command } from '../command.ts'
import { failures, runsMoved, shared, sharingFlags, targetsWith } from '../sharing.ts'
import type { CalledIn } from '../workspace.ts'

type ShownAs = 'metrics' | 'plots'

export const fetchCommand = command({
  command: 'fetch [targets..]',
  describe: 'Bring data from the remote into the cache, without checking it out',
  builder: (argv) =>
    sharingFlags(argv)
      .option('max-size', {
        type: 'number',
        describe: 'Only files and folders that are smaller than this, in bytes',
      })
      .option('type', {
        type: 'string',
        choices: ['metrics', 'plots'] as const,
        describe: 'Only metrics, or only plots; may be given twice',
      }),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { counted } = await import('../tables/text.ts')
    const { fetchImports } = await import('../imports.ts')
    const here = calledIn()
    const targets = await targetsWith(here, flags)
    const only = await wantedBy(here, flags)
    await fetchImports(here, targets, only)
    const moved = await shared(flags, (how) => here.data.fetch(targets, { ...how, only }))
    if (!flags.quiet)
      say(flags, moved, [
        moved.objects === 0 && moved.failed.length === 0
          ? 'The cache has everything already.'
          : `${counted(moved.objects, 'object')} fetched`,
        ...runsMoved(moved),
        ...failures(moved, here.shown),
      ])
    if (moved.failed.length > 0) process.exitCode = 1
  },
})

/** What the flags leave of the data; as in dvc, data of unknown size is never too big, and 0 is no limit. */
async function wantedBy(
  here: CalledIn,
  flags: {
    maxSize?: number | undefined
    type?: ShownAs | ShownAs[] | undefined
    allBranches: boolean
    allTags: boolean
    allCommits: boolean
  },
): Promise<(out: Out) => boolean> {
  const { maxSize = 0 } = flags
  if (!(Number.isInteger(maxSize) && maxSize >= 0)) {
    const { Problem } = await import('#base/problem')
    throw new Problem('invalid', `--max-size takes a whole number of bytes, and this is ${maxSize}`)
  }
  const fits = ({ content }: Out) => maxSize === 0 || (content?.sizeBytes ?? 0) < maxSize
  const types = [flags.type ?? []].flat()
  if (types.length === 0) return fits
  const { overlaps } = await import('#data')
  const paths = await shownPaths(here, types, {
    branches: flags.allBranches,
    tags: flags.allTags,
    commits: flags.allCommits,
  })
  return (out) => fits(out) && paths.some((path) => overlaps(path, out.path))
}

/** What the folder, or any of the revisions, shows as metrics or plots. */
async function shownPaths(
  here: CalledIn,
  types: readonly ShownAs[],
  revisions: { branches: boolean; tags: boolean; commits: boolean },
): Promise<string[]> {
  const { pathsShown } = await import('#stages')
  const { withViews } = await import('../figures.ts')
  const paths = new Set<string>()
  await withViews(here, async (views) => {
    const isAnyMeant = Object.values(revisions).includes(true)
    for (const view of [views.workspace, ...(isAnyMeant ? await views.all(revisions) : [])])
      for (const type of types) for (const path of await pathsShown(view, type)) paths.add(path)
  })
  return [...paths]
}
