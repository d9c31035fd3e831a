import { Problem } from '#base/problem'
import type { DataDependencies } from './dependencies.ts'
import type { Out } from './out.ts'

export interface Removed {
  readonly file: string
  /** What it tracked. */
  readonly outs: readonly string[]
  /** Whether the data went as well. */
  readonly data: boolean
}

/** What `remove` would do for these `.dvc` files. Throws a `Problem` before anything is removed. */
export async function removalOf(
  { catalog, trackedFiles }: DataDependencies,
  files: readonly string[],
): Promise<{ file: string; outs: Out[] }[]> {
  const outs = await catalog.outs()
  return [...new Set(files)].map((file) => {
    if (!file.endsWith('.dvc')) {
      const owner = outs.find((out) => out.path === file)?.owner
      const hint = owner?.kind === 'tracked' ? `; did you mean ${owner.file}?` : ''
      throw new Problem(
        'invalid',
        `${file} is not a .dvc file, which is what stops tracking its data when it is removed${hint}`,
      )
    }
    if (!trackedFiles.exists(file))
      throw new Problem(
        'not-found',
        `${file} does not exist; \`orrery status\` lists what is tracked`,
      )
    return { file, outs: outs.filter((out) => out.owner.file === file) }
  })
}

/** Stops tracking what the files name. The data stays where it is, as files of its own, unless `withData`. */
export async function removeAll(
  dependencies: DataDependencies,
  files: readonly string[],
  how: { withData: boolean },
): Promise<Removed[]> {
  const { trackedFiles } = dependencies
  const removed: Removed[] = []
  for (const { file, outs } of await removalOf(dependencies, files)) {
    for (const out of outs) await letGo(dependencies, out, how)
    await trackedFiles.remove(file)
    removed.push({ file, outs: outs.map(({ path }) => path), data: how.withData })
  }
  return removed
}

/** Of one out: its data or the links to the cache, and the line that ignores it. */
export async function letGo(
  { workspace, tree }: Pick<DataDependencies, 'workspace' | 'tree'>,
  out: Pick<Out, 'path' | 'cached'>,
  how: { withData: boolean },
): Promise<void> {
  if (how.withData) await tree.remove(out.path)
  else if (out.cached && (await workspace.exists(out.path))) await workspace.unlink(out.path)
  if (out.cached) await tree.unignore(out.path)
}
