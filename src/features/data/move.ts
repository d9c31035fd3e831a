import { Problem } from '#base/problem'
import { sameContent } from './content.ts'
import type { DataDependencies } from './dependencies.ts'
import { overlaps, type Out } from './out.ts'

export interface MovedOut {
  readonly from: string
  readonly to: string
  readonly file: string
  /** False where there was no data to move, only its name. */
  readonly data: boolean
}

/** Gives tracked data another path: the data, its `.dvc` file if it is named after it, and what Git ignores. */
export async function moveOut(
  dependencies: DataDependencies,
  from: string,
  target: string,
): Promise<MovedOut> {
  const { catalog, workspace, tree, trackedFiles, versionControl } = dependencies
  const outs = await catalog.outs()
  const out = outs.find((each) => each.path === from)
  if (out === undefined)
    throw new Problem('not-found', `${from} is not tracked data; \`orrery status\` lists what is`)
  if (out.owner.kind === 'stage')
    throw new Problem(
      'conflict',
      `${from} is written by the stage ${out.owner.address}; change its path in ${out.owner.file} instead`,
    )
  const to = tree.kindOf(target) === 'folder' ? joined(target, nameIn(from)) : target
  const { file } = out.owner
  const isNamedAfter = file === `${from}.dvc`
  const toFile = isNamedAfter ? `${to}.dvc` : file
  const isThere = await workspace.exists(from)
  const resumed = !isThere && (await wasMoved(dependencies, out, to))
  if (!resumed) checkFree(dependencies, { outs, out, to, toFile })
  if (isThere) await tree.move(from, to)
  const hasData = isThere || resumed
  const ignoreFiles = [out.cached ? await tree.unignore(from) : undefined]
  await trackedFiles.moveOut(file, { from, to, toFile })
  if (out.cached) {
    // What changed meanwhile stays changed, as with DVC, but is not lost from here on.
    const measured = hasData ? await workspace.measure(to) : undefined
    if (measured !== undefined) await workspace.keep(to, measured)
    ignoreFiles.push(await versionControl.ignore(to))
  }
  const changed = [...ignoreFiles, file, toFile].filter((each) => each !== undefined)
  await versionControl.stage([...new Set(changed)])
  return { from, to, file: toFile, data: hasData }
}

/** Whether an earlier move to there was cut short after the data had gone. */
async function wasMoved({ workspace }: DataDependencies, out: Out, to: string): Promise<boolean> {
  if (out.content === undefined || !(await workspace.exists(to))) return false
  const there = await workspace.measure(to, { legacy: out.content.legacy ?? false })
  return sameContent(there?.content, out.content)
}

function checkFree(
  { tree, trackedFiles }: DataDependencies,
  move: { outs: readonly Out[]; out: Out; to: string; toFile: string },
): void {
  const { outs, out, to, toFile } = move
  if (to === out.path) throw new Problem('invalid', `${to} is where the data is already`)
  if (toFile !== out.owner.file && trackedFiles.exists(toFile))
    throw new Problem(
      'exists',
      `${toFile} is there already; remove it first, or choose another path`,
    )
  if (tree.kindOf(to) !== undefined)
    throw new Problem('exists', `${to} is there already; remove it first, or choose another path`)
  const other = outs.find((each) => each.path !== out.path && overlaps(each.path, to))
  if (other !== undefined)
    throw new Problem(
      'conflict',
      `cannot move ${out.path} to ${to}: ${other.path} is tracked already`,
    )
  if (overlaps(out.path, to))
    throw new Problem('invalid', `cannot move ${out.path} into itself, to ${to}`)
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function joined(folder: string, name: string): string {
  return folder === '' || folder === '.' ? name : `${folder}/${name}`
}
