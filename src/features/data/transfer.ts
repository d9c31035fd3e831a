import { Problem } from '#base/problem'
import { isFolder, type Content, type TreeEntry } from './content.ts'
import type { Failed, Moving, ObjectName, Objects, Remote } from './store.ts'

/** One out to move: a folder's list and its files, or one file. */
export interface Cargo {
  readonly path: string
  readonly content: Content
  /** Only files below this path of a folder. */
  readonly part: string | undefined
}

export interface Moved {
  /** Objects that were copied. */
  readonly objects: number
  /** Runs of the run cache that were copied, where they were asked for; null for a remote that cannot tell what it has. */
  readonly runs?: number | null
  readonly failed: readonly NotMoved[]
}

interface NotMoved {
  readonly path: string
  readonly reason: string
  /** Nothing else is wrong than that the other side does not have it. */
  readonly absent?: boolean
}

/** Takes one thing to a remote by a way of its own. Throws `unavailable` unless all of it arrived. */
export async function sent(
  way: { cache: Objects; remote: Remote; moving: Moving },
  { path, content, source }: { path: string; content: Content; source: string },
): Promise<void> {
  const { cache, remote, moving } = way
  const { failed } = await pushed([{ path, content, part: undefined }], cache, remote, moving)
  const [failure] = failed
  if (failure !== undefined)
    throw new Problem(
      'unavailable',
      `${source} did not reach the remote ${remote.name}: ${failure.reason}; nothing was recorded, so run it again`,
    )
}

/**
 * Copies to the remote what it lacks. A folder's list goes up only after all of its files are there, since
 * everybody takes the presence of the list as proof of the files.
 */
export async function pushed(
  cargo: readonly Cargo[],
  cache: Objects,
  remote: Remote,
  moving: Moving = {},
): Promise<Moved> {
  const folders = cargo.filter((each) => isFolder(each.content))
  const singles = cargo.filter((each) => !isFolder(each.content)).map(objectOf)
  const lists = await remote.missing(folders.map(objectOf))
  const wanting = folders.filter((each) => holds(lists, objectOf(each)))
  const failed: { path: string; reason: string }[] = []
  const parts = new Map<Cargo, ObjectName[]>()
  for (const folder of wanting) {
    const entries = await cache.tree(folder.content)
    if (entries === undefined)
      failed.push({
        path: folder.path,
        reason: `its list ${folder.content.md5} is not in the cache`,
      })
    else parts.set(folder, membersOf(folder.content, entries))
  }
  const needed = await remote.missing(unique([...singles, ...[...parts.values()].flat()]))
  moving.onMore?.(needed.length)
  const faults = await remote.upload(needed, moving)
  const bad = faultsByObject(faults)
  const whole: Cargo[] = []
  for (const [folder, members] of parts) {
    const fault = members.map(keyOf).find((key) => bad.has(key))
    if (fault === undefined) whole.push(folder)
    else failed.push({ path: folder.path, reason: bad.get(fault)?.reason ?? '' })
  }
  const ready = unique(whole.map(objectOf))
  moving.onMore?.(ready.length)
  const listFaults = await remote.upload(ready, moving)
  failed.push(...named(cargo, [...faults, ...listFaults]))
  return { objects: needed.length - faults.length + whole.length - listFaults.length, failed }
}

/** Copies to the cache what it lacks: the lists of folders first, since they say what else is needed. */
export async function pulled(
  cargo: readonly Cargo[],
  cache: Objects,
  remote: Remote,
  moving: Moving = {},
): Promise<Moved> {
  const folders = cargo.filter((each) => isFolder(each.content))
  const lists = await cache.missing(unique(folders.map(objectOf)))
  moving.onMore?.(lists.length)
  const listFaults = await remote.download(lists, moving)
  const wanted = cargo.filter((each) => !isFolder(each.content)).map(objectOf)
  for (const folder of folders) {
    const entries = await cache.tree(folder.content)
    if (entries === undefined) continue
    // One by one: a folder may hold more files than a call takes as arguments.
    for (const member of membersOf(folder.content, entriesWithin(entries, folder.part)))
      wanted.push(member)
  }
  const needed = await cache.missing(unique(wanted))
  moving.onMore?.(needed.length)
  const faults = await remote.download(needed, moving)
  const bad = faultsByObject([...listFaults, ...faults])
  const failed: NotMoved[] = []
  for (const each of bad.size === 0 ? [] : cargo) {
    const entries = isFolder(each.content) ? await cache.tree(each.content) : undefined
    const objects = [
      objectOf(each),
      ...(entries === undefined ? [] : membersOf(each.content, entriesWithin(entries, each.part))),
    ]
    const found = objects.flatMap((object) => bad.get(keyOf(object)) ?? [])
    const fault = found.find(({ absent }) => absent !== true) ?? found[0]
    if (fault !== undefined)
      failed.push({
        path: each.path,
        reason: fault.reason,
        ...(fault.absent === true ? { absent: true } : {}),
      })
  }
  return {
    objects: lists.length + needed.length - listFaults.length - faults.length,
    failed,
  }
}

export function entriesWithin(
  entries: readonly TreeEntry[],
  part: string | undefined,
): readonly TreeEntry[] {
  if (part === undefined || part === '') return entries
  return entries.filter((entry) => entry.path === part || entry.path.startsWith(`${part}/`))
}

export function objectOf(cargo: { content: Content }): ObjectName {
  return { md5: cargo.content.md5, legacy: cargo.content.legacy ?? false }
}

export function membersOf(folder: Content, entries: readonly TreeEntry[]): ObjectName[] {
  const legacy = folder.legacy ?? false
  return entries.map(({ md5 }) => ({ md5, legacy }))
}

function keyOf(object: ObjectName): string {
  return `${object.md5}${object.legacy ? ' legacy' : ''}`
}

function unique(objects: readonly ObjectName[]): ObjectName[] {
  return [...new Map(objects.map((object) => [keyOf(object), object])).values()]
}

function holds(objects: readonly ObjectName[], object: ObjectName): boolean {
  return objects.some((each) => keyOf(each) === keyOf(object))
}

function faultsByObject(faults: readonly Failed[]): Map<string, Failed> {
  return new Map(faults.map((fault) => [keyOf(fault.object), fault]))
}

function named(
  cargo: readonly Cargo[],
  faults: readonly Failed[],
): { path: string; reason: string }[] {
  const bad = faultsByObject(faults)
  return cargo.flatMap((each) => {
    const fault = bad.get(keyOf(objectOf(each)))
    return fault === undefined ? [] : [{ path: each.path, reason: fault.reason }]
  })
}
