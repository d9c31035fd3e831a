import { chosen, nameOfObject } from './diff.ts'
import { revisionsOf } from './diff.ts'
import type { DataDependencies } from '../dependencies.ts'
import { selected, type Selection } from '../out.ts'
import type { RevisionSelection } from './revisions.ts'
import { recordedVersion, type DataEntry } from './version.ts'

/** `new`: only here. `deleted`: only at the remote. `missing`: at neither. The words are DVC's. */
export type CloudChange = 'new' | 'deleted' | 'missing'

export interface CloudRequest {
  readonly targets?: readonly string[]
  readonly remote?: string
  /** Of these revisions too. */
  readonly revisions?: RevisionSelection
}

/** How the cache and the remote differ, by path; what both have is left out. */
export async function cloudStatusOf(
  dependencies: DataDependencies,
  { targets = [], remote, revisions = {} }: CloudRequest,
): Promise<{ readonly path: string; readonly change: CloudChange }[]> {
  const { catalog, cache } = dependencies
  const selection = [
    ...selected(await catalog.outs(), targets),
    ...(await selectedBefore(dependencies, targets, revisions)),
  ].filter(
    ({ out }) =>
      out.push && (remote === undefined || out.remote === undefined || out.remote === remote),
  )
  const { entries } = await mergedVersion(dependencies, selection)
  const here = new Set((await cache.missing(entries.map(({ object }) => object))).map(nameOfObject))
  const found = new Map<string, CloudChange>()
  // A remote that does not exist is an error even when there is nothing to ask it.
  if (entries.length === 0) await dependencies.remote(remote)
  for (const [name, asked] of byRemote(entries, remote)) {
    const there = await dependencies.remote(name)
    there.learn?.(asked.map(({ out }) => out))
    const lost = new Set((await there.missing(asked.map(({ object }) => object))).map(nameOfObject))
    for (const { path, object } of asked) {
      const [isLost, isLacking] = [lost.has(nameOfObject(object)), here.has(nameOfObject(object))]
      if (isLost || isLacking)
        found.set(path, isLost && isLacking ? 'missing' : isLost ? 'new' : 'deleted')
    }
  }
  return [...found].map(([path, change]) => ({ path, change }))
}

async function selectedBefore(
  dependencies: DataDependencies,
  targets: readonly string[],
  which: RevisionSelection,
): Promise<Selection[]> {
  if (Object.keys(which).length === 0) return []
  const revisions = revisionsOf(dependencies)
  const selection: Selection[] = []
  for (const { commit } of await revisions.all(which))
    selection.push(...chosen(await revisions.outsAt(commit), targets))
  return selection
}

/** The entries of all versions, each object once under each of its paths. */
async function mergedVersion(
  dependencies: DataDependencies,
  selection: readonly Selection[],
): Promise<{ entries: DataEntry[] }> {
  const found = new Map<string, DataEntry>()
  const seen = new Set<string>()
  for (const each of selection) {
    const { content, path } = each.out
    const key = `${path}\0${content?.md5 ?? ''}\0${each.part ?? ''}`
    if (content === undefined || seen.has(key)) continue
    seen.add(key)
    const { entries } = await recordedVersion(dependencies, [each], { deep: true })
    for (const entry of entries.values()) {
      // What lists its files itself needs no list of them anywhere.
      if (entry.isFolder && entry.out.files !== undefined) continue
      found.set(`${entry.path}\0${nameOfObject(entry.object)}`, entry)
    }
  }
  return { entries: [...found.values()] }
}

function byRemote(
  entries: readonly DataEntry[],
  name: string | undefined,
): Map<string | undefined, DataEntry[]> {
  const groups = new Map<string | undefined, DataEntry[]>()
  for (const entry of entries) {
    const at = name ?? entry.out.remote
    const group = groups.get(at) ?? []
    group.push(entry)
    groups.set(at, group)
  }
  return groups
}
