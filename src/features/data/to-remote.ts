import { Problem } from '#base/problem'
import { checkNew, outAt, type Added } from './adding.ts'
import { placeOf } from './add.ts'
import type { DataDependencies } from './dependencies.ts'
import { sameContent } from './content.ts'
import { sent } from './transfer.ts'

/** Tracks something of this machine at `path` whose bytes go to the remote only. */
export async function addToRemote(
  dependencies: DataDependencies,
  from: { source: string; path: string; remote: string | undefined; force: boolean },
): Promise<Added[]> {
  const { catalog, courier, trackedFiles, versionControl, workspace } = dependencies
  const place = placeOf(from.path, await catalog.outs())
  if (place.kind === 'part')
    throw new Problem(
      'conflict',
      `cannot add to ${from.path}: it lies in ${place.out.path}, which is tracked`,
    )
  if (!from.force && (await workspace.exists(from.path)))
    throw new Problem('exists', `${from.path} is there already; use --force, or another --out`)
  await checkNew(dependencies, place, from.path)
  const out = place.kind === 'new' ? outAt(place) : place.out
  const way = await courier(from.source, from.remote)
  try {
    const measured = await way.workspace.measure(way.path)
    if (measured === undefined)
      throw new Problem('not-found', `${from.source} vanished while it was read`)
    await way.workspace.keep(way.path, measured)
    const { content } = measured
    await sent(way, { path: from.path, content, source: from.source })
    const { file } = out.owner
    const change = !trackedFiles.exists(file)
      ? 'new'
      : sameContent(out.content, content)
        ? 'unchanged'
        : 'changed'
    await catalog.saveTracked(file, from.path, content)
    await versionControl.stage([file])
    return [{ path: from.path, file, content, change, files: [file] }]
  } finally {
    await way.close()
  }
}
