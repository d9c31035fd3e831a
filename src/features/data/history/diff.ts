import { Problem } from '#base/problem'
import { differences, type DataChange } from './difference.ts'
import type { DataDependencies } from '../dependencies.ts'
import { outsNamed, type Out, type Selection } from '../out.ts'
import type { Revisions } from './revisions.ts'
import type { ObjectName } from '../store.ts'
import { presentVersion, recordedVersion, type DataEntry, type DataVersion } from './version.ts'

export interface DiffRequest {
  /** The commit that is compared with; the last one, if not said. */
  readonly from?: string
  /** The workspace, if not said. */
  readonly to?: string
  readonly targets?: readonly string[]
}

export interface DataDiff {
  /** Paths that differ. */
  readonly changes: readonly DataChange[]
  /** What `from` has and the cache has not; looked for only when the workspace is compared. */
  readonly notInCache: readonly DataEntry[]
}

/** What became of the data between two commits, or a commit and the workspace. */
export async function diffOf(
  dependencies: DataDependencies,
  { from = 'HEAD', to, targets = [] }: DiffRequest,
): Promise<DataDiff> {
  const revisions = revisionsOf(dependencies)
  if (from === 'HEAD' && to === undefined && (await revisions.all({ commits: true })).length === 0)
    return { changes: [], notInCache: [] }
  const before = (await revisions.resolve(from)).commit
  const after = to === undefined ? undefined : (await revisions.resolve(to)).commit
  if (before === after) return { changes: [], notInCache: [] }
  const outs = {
    before: await revisions.outsAt(before),
    after: after === undefined ? await dependencies.catalog.outs() : await revisions.outsAt(after),
  }
  checkNamed([...outs.before, ...outs.after], targets)
  const old = await recordedVersion(dependencies, chosen(outs.before, targets), { deep: true })
  const now =
    after === undefined
      ? await presentVersion(dependencies, chosen(outs.after, targets), { deep: true })
      : await recordedVersion(dependencies, chosen(outs.after, targets), { deep: true })
  return {
    changes: differences(old, now).filter(
      (change) => change.kind !== 'unknown' && change.kind !== 'unchanged',
    ),
    notInCache: after === undefined ? await missingOf(dependencies, old) : [],
  }
}

/** Throws for a project that has no history. */
export function revisionsOf({ revisions }: Pick<DataDependencies, 'revisions'>): Revisions {
  if (revisions === undefined)
    throw new Problem(
      'unsupported',
      'the project is not in a Git repository, so it has no earlier versions; run `git init` and commit, then try again',
    )
  return revisions
}

/** What the targets mean here; one that means nothing here may mean something on the other side. */
export function chosen(outs: readonly Out[], targets: readonly string[]): Selection[] {
  if (targets.length === 0) return outs.map((out) => ({ out, part: undefined }))
  return targets.flatMap((target) => outsNamed(outs, target))
}

function checkNamed(outs: readonly Out[], targets: readonly string[]): void {
  for (const target of targets)
    if (outsNamed(outs, target).length === 0)
      throw new Problem('not-found', `${target} is no data on either side of what is compared`)
}

/** Of all that a version has, what the cache lacks. */
export async function missingOf(
  { cache }: Pick<DataDependencies, 'cache'>,
  { entries }: DataVersion,
): Promise<DataEntry[]> {
  const all = [...entries.values()]
  const missing = new Set((await cache.missing(all.map(({ object }) => object))).map(nameOfObject))
  return all.filter(({ object }) => missing.has(nameOfObject(object)))
}

export function nameOfObject({ md5, legacy }: ObjectName): string {
  return `${md5}${legacy ? ' legacy' : ''}`
}
