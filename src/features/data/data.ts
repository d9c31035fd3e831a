import { Problem } from '#base/problem'
import { contentWithPart, entriesAt, placeOf, withPart, type Place } from './add.ts'
import { isFolder, sameContent, type Content, type Measured } from './content.ts'
import { isWithin, nameOf, outsNamed, type Out, type Owner, type Selection } from './out.ts'
import {
  exclusively,
  type Cache,
  type Catalog,
  type ProjectLock,
  type Remote,
  type Restored,
  type VersionControl,
  type Workspace,
} from './store.ts'
import {
  entriesWithin,
  membersOf,
  objectOf,
  pulled,
  pushed,
  type Cargo,
  type Moved,
} from './transfer.ts'

export interface Added {
  readonly path: string
  readonly file: string
  readonly content: Content
  readonly change: 'new' | 'changed' | 'unchanged'
  /** Files that Git should be told of. */
  readonly files: readonly string[]
}

/** How an out differs from what its file says; the words are DVC's. */
export type OutChange = 'modified' | 'deleted' | 'not in cache'

export interface OutStatus {
  readonly path: string
  readonly owner: Owner
  readonly change: OutChange
}

export interface CheckedOut {
  readonly path: string
  readonly result: Restored
}

export interface Checkout {
  readonly outs: readonly CheckedOut[]
  readonly failed: readonly { readonly path: string; readonly reason: string }[]
}

/** Paths and targets are relative to the project's root. No target means everything. */
export interface Data {
  /** Puts files and folders under version control: their bytes in the cache, their hashes in `.dvc` files. */
  add(paths: readonly string[]): Promise<Added[]>
  /** What differs from the `.dvc` files; empty when nothing does. */
  status(targets?: readonly string[]): Promise<OutStatus[]>
  /** Makes the workspace hold what the files say. Without `force`, bytes that are kept nowhere else are not overwritten. */
  checkout(targets?: readonly string[], how?: { force: boolean }): Promise<Checkout>
  push(targets?: readonly string[], to?: { remote?: string }): Promise<Moved>
  /** Fetches into the cache and checks out. */
  pull(targets?: readonly string[], from?: { remote?: string; force?: boolean }): Promise<Pulled>
  /** Every out with what it should hold. */
  outs(): Promise<Out[]>
}

export interface Pulled {
  readonly fetched: Moved
  readonly checkout: Checkout
}

export interface DataDependencies {
  readonly workspace: Workspace
  readonly cache: Cache
  readonly catalog: Catalog
  readonly versionControl: VersionControl
  /** The remote of that name, or the default one; throws a `Problem` where there is none. */
  readonly remote: (name: string | undefined) => Promise<Remote>
  /** Held, in this order, while data changes. */
  readonly locks: readonly ProjectLock[]
}

export function createData(dependencies: DataDependencies): Data {
  const { catalog, locks } = dependencies
  return {
    add: (paths) => exclusively(locks, () => addAll(dependencies, paths)),
    status: async (targets = []) => {
      const outs = selected(await catalog.outs(), targets).filter(
        ({ out }) => out.owner.kind === 'tracked',
      )
      const found: OutStatus[] = []
      for (const { out } of outs) {
        const change = await outChange(dependencies, out)
        if (change !== undefined) found.push({ path: out.path, owner: out.owner, change })
      }
      return found
    },
    checkout: (targets = [], how = { force: false }) =>
      exclusively(locks, async () =>
        checkoutAll(dependencies, selected(await catalog.outs(), targets), how),
      ),
    push: (targets = [], to = {}) =>
      exclusively(locks, () =>
        transferAll(dependencies, { targets, remote: to.remote, direction: 'push' }),
      ),
    pull: (targets = [], from = {}) =>
      exclusively(locks, async () => {
        const fetched = await transferAll(dependencies, {
          targets,
          remote: from.remote,
          direction: 'pull',
        })
        const checkout = await checkoutAll(dependencies, selected(await catalog.outs(), targets), {
          force: from.force ?? false,
        })
        return { fetched, checkout }
      }),
    outs: () => catalog.outs(),
  }
}

/** How an out differs from what is written of it: its objects first, then the workspace. */
export async function outChange(
  { workspace, cache }: Pick<DataDependencies, 'workspace' | 'cache'>,
  out: Pick<Out, 'path' | 'content' | 'cached'>,
): Promise<OutChange | undefined> {
  const { content } = out
  if (content !== undefined && out.cached && !(await isInCache(cache, content)))
    return 'not in cache'
  if (!(await workspace.exists(out.path))) return 'deleted'
  // What was never recorded counts as modified, so nothing need be hashed to say so.
  if (content === undefined) return 'modified'
  const now = await workspace.measure(out.path, { legacy: content.legacy ?? false })
  if (now === undefined) return 'deleted'
  return sameContent(now.content, content) ? undefined : 'modified'
}

/** Whether the cache has all of it: a folder's list and every file. */
export async function isInCache(cache: Cache, content: Content): Promise<boolean> {
  if (!isFolder(content)) return (await cache.missing([objectOf({ content })])).length === 0
  const entries = await cache.tree(content)
  if (entries === undefined) return false
  return (await cache.missing(membersOf(content, entries))).length === 0
}

/** The content with its files, out of the cache; undefined when a folder's list is not there. */
export async function measuredInCache(
  cache: Cache,
  content: Content,
): Promise<Measured | undefined> {
  if (!isFolder(content)) return { content }
  const entries = await cache.tree(content)
  return entries === undefined ? undefined : { content, entries }
}

async function addAll(dependencies: DataDependencies, paths: readonly string[]): Promise<Added[]> {
  const { catalog, versionControl } = dependencies
  const outs = await catalog.outs()
  const places: Place[] = []
  // All are checked before anything is written.
  for (const path of new Set(paths)) {
    const place = placeOf(path, [...outs, ...places.flatMap(asOut)])
    await checkAddable(dependencies, place, path)
    places.push(place)
  }
  const added: Added[] = []
  for (const place of places)
    added.push(
      place.kind === 'part'
        ? await addPart(dependencies, place)
        : await addWhole(dependencies, place),
    )
  await versionControl.stage([...new Set(added.flatMap(({ files }) => files))])
  return added
}

async function checkAddable(
  { workspace, versionControl }: DataDependencies,
  place: Place,
  path: string,
): Promise<void> {
  if (place.kind === 'part') return
  if (!(await workspace.exists(path)))
    throw new Problem('not-found', `cannot add ${path}: there is no such file or folder`)
  if (await workspace.isIgnored(path))
    throw new Problem('conflict', `cannot add ${path}: a rule in .dvcignore leaves it out`)
  if (place.kind === 'new' && (await versionControl.isIgnored(place.file)))
    throw new Problem(
      'conflict',
      `cannot add ${path}: Git ignores ${place.file}, which has to be kept; take it out of .gitignore`,
    )
  if (place.kind === 'new' && (await versionControl.isTracked(path)))
    throw new Problem(
      'conflict',
      `cannot add ${path}: Git tracks it; run \`git rm -r --cached ${path}\` and commit, then add it again`,
    )
}

function asOut(place: Place): Out[] {
  if (place.kind !== 'new') return []
  const owner: Owner = { kind: 'tracked', file: place.file, frozen: false, imported: false }
  return [
    { path: place.path, owner, content: undefined, cached: true, push: true, remote: undefined },
  ]
}

async function addWhole(
  { workspace, catalog, versionControl }: DataDependencies,
  place: Exclude<Place, { kind: 'part' }>,
): Promise<Added> {
  const path = place.kind === 'new' ? place.path : place.out.path
  const file = place.kind === 'new' ? place.file : place.out.owner.file
  const before = place.kind === 'new' ? undefined : place.out
  const measured = await workspace.measure(path)
  if (measured === undefined)
    throw new Problem('not-found', `cannot add ${path}: there is no such file or folder`)
  const { content } = measured
  const files = [file]
  if (before?.cached !== false) {
    await workspace.keep(path, measured)
    const ignoreFile = await versionControl.ignore(path)
    if (ignoreFile !== undefined) files.push(ignoreFile)
  }
  await catalog.saveTracked(file, path, content)
  const change =
    before === undefined ? 'new' : sameContent(before.content, content) ? 'unchanged' : 'changed'
  return { path, file, content, change, files }
}

async function addPart(
  { workspace, cache, catalog }: DataDependencies,
  { out, part }: Extract<Place, { kind: 'part' }>,
): Promise<Added> {
  const path = `${out.path}/${part}`
  const measured = await workspace.measure(path)
  const before = out.content === undefined ? [] : await cache.tree(out.content)
  if (before === undefined)
    throw new Problem(
      'conflict',
      `cannot add ${path}: the list of ${out.path} is not in the cache; run \`orrery pull ${out.path}\` or add the whole folder`,
    )
  const replaced = before.some((entry) => isWithin(entry.path, part))
  if (measured === undefined && !replaced)
    throw new Problem('not-found', `cannot add ${path}: there is no such file or folder`)
  if (measured !== undefined) await workspace.keep(path, measured)
  const entries = withPart(before, part, entriesAt(part, measured))
  const md5 = await cache.keepTree(entries)
  const content = contentWithPart(
    out.content,
    { md5, files: entries.length },
    { sizeBytes: measured?.content.sizeBytes ?? 0, appended: !replaced && measured !== undefined },
  )
  await catalog.saveTracked(out.owner.file, out.path, content)
  const change = sameContent(out.content, content) ? 'unchanged' : 'changed'
  return { path, file: out.owner.file, content, change, files: [out.owner.file] }
}

function selected(outs: readonly Out[], targets: readonly string[]): Selection[] {
  if (targets.length === 0) return outs.map((out) => ({ out, part: undefined }))
  return targets.flatMap((target) => {
    const found = outsNamed(outs, target)
    if (found.length === 0)
      throw new Problem(
        'not-found',
        `${target} names no tracked data, no file that tracks data and no stage; \`orrery status\` lists them`,
      )
    return found
  })
}

async function checkoutAll(
  { workspace, cache }: DataDependencies,
  selection: readonly Selection[],
  how: { force: boolean },
): Promise<Checkout> {
  const outs: CheckedOut[] = []
  const failed: { path: string; reason: string }[] = []
  for (const { out, part } of selection) {
    if (!out.cached || out.content === undefined) continue
    const wanted = await measuredInCache(cache, out.content)
    const reason = await missingFor(cache, out.content, { wanted, part })
    if (wanted === undefined || reason !== undefined) {
      failed.push({ path: out.path, reason: reason ?? 'its list is not in the cache' })
      continue
    }
    if (part === undefined)
      outs.push({ path: out.path, result: await workspace.restore(out.path, wanted, how) })
    else outs.push(...(await restorePart(workspace, { out, part }, wanted, how)))
  }
  return { outs, failed }
}

async function missingFor(
  cache: Cache,
  content: Content,
  { wanted, part }: { wanted: Measured | undefined; part: string | undefined },
): Promise<string | undefined> {
  if (wanted === undefined)
    return `its list ${content.md5} is not in the cache; run \`orrery pull\``
  const objects =
    wanted.entries === undefined
      ? [objectOf(wanted)]
      : membersOf(content, entriesWithin(wanted.entries, part))
  const missing = await cache.missing(objects)
  if (missing.length === 0) return undefined
  return `${missing.length} of ${objects.length} objects are not in the cache (${missing[0]?.md5 ?? ''}); run \`orrery pull\``
}

async function restorePart(
  workspace: Workspace,
  { out, part }: { out: Out; part: string },
  wanted: Measured,
  how: { force: boolean },
): Promise<CheckedOut[]> {
  const legacy = out.content?.legacy ?? false
  const entries = entriesWithin(wanted.entries ?? [], part)
  if (entries.length === 0)
    throw new Problem(
      'not-found',
      `${out.path} has no ${part} in it, as ${nameOf(out.owner)} has it`,
    )
  const done: CheckedOut[] = []
  for (const { path, md5 } of entries) {
    const whole = `${out.path}/${path}`
    done.push({
      path: whole,
      result: await workspace.restore(whole, { content: { md5, legacy } }, how),
    })
  }
  return done
}

async function transferAll(
  dependencies: DataDependencies,
  what: { targets: readonly string[]; remote: string | undefined; direction: 'push' | 'pull' },
): Promise<Moved> {
  const { catalog, cache, remote } = dependencies
  const outs = selected(await catalog.outs(), what.targets).filter(({ out }) => moves(out, what))
  const byRemote = new Map<string | undefined, Cargo[]>()
  for (const { out, part } of outs) {
    if (out.content === undefined) continue
    // What is all here already needs no remote, which may not even be set up.
    if (what.direction === 'pull' && (await isInCache(cache, out.content))) continue
    const wanted = what.direction === 'pull' ? part : undefined
    const name = what.remote ?? out.remote
    const cargo = { path: out.path, content: out.content, part: wanted }
    byRemote.set(name, [...(byRemote.get(name) ?? []), cargo])
  }
  // A remote that does not exist is an error even when there is nothing to push.
  if (byRemote.size === 0 && what.direction === 'push') await remote(what.remote)
  const total = { objects: 0, failed: [] as Moved['failed'][number][] }
  for (const [name, cargo] of byRemote) {
    const move = what.direction === 'push' ? pushed : pulled
    const { objects, failed } = await move(cargo, cache, await remote(name))
    total.objects += objects
    total.failed.push(...failed)
  }
  return total
}

function moves(
  out: Out,
  what: { remote: string | undefined; direction: 'push' | 'pull' },
): boolean {
  if (!out.cached || (what.direction === 'push' && !out.push)) return false
  return what.remote === undefined || out.remote === undefined || out.remote === what.remote
}
