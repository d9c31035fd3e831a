import { Problem } from '#base/problem'
import { contentWithPart, entriesAt, placeOf, withPart, type Place } from './add.ts'
import { sameContent, type Content, type Measured } from './content.ts'
import type { DataDependencies } from './dependencies.ts'
import type { KeepHow } from './store.ts'
import { isWithin, type Out, type Owner } from './out.ts'

export interface Added {
  readonly path: string
  readonly file: string
  readonly content: Content
  readonly change: 'new' | 'changed' | 'unchanged'
  /** Files that Git should be told of. */
  readonly files: readonly string[]
}

export interface AddHow extends KeepHow {
  /** Record the hashes only; the bytes stay where they are alone. */
  readonly noCommit?: boolean
}

/** All are checked before anything is written. */
export async function addAll(
  dependencies: DataDependencies,
  paths: readonly string[],
  how: AddHow = {},
): Promise<Added[]> {
  const { catalog, versionControl } = dependencies
  const outs = await catalog.outs()
  const places: Place[] = []
  for (const path of new Set(paths)) {
    const place = placeOf(path, [...outs, ...places.flatMap(asOut)])
    await checkAddable(dependencies, place, path)
    places.push(place)
  }
  const added: Added[] = []
  for (const place of places)
    added.push(
      place.kind === 'part'
        ? await addPart(dependencies, place, how)
        : await saveOut(dependencies, place.kind === 'new' ? outAt(place) : place.out, how),
    )
  await versionControl.stage([...new Set(added.flatMap(({ files }) => files))])
  return added
}

/** Copies something of this machine to `path`, and adds it there. */
export async function addFrom(
  dependencies: DataDependencies,
  from: KeepHow & { source: string; path: string; force: boolean },
): Promise<Added[]> {
  const { catalog, tree, versionControl, workspace } = dependencies
  const place = placeOf(from.path, await catalog.outs())
  if (place.kind === 'part')
    throw new Problem(
      'conflict',
      `cannot add to ${from.path}: it lies in ${place.out.path}, which is tracked; copy the file there and add it`,
    )
  if (!from.force && (await workspace.exists(from.path)))
    throw new Problem('exists', `${from.path} is there already; use --force to replace it`)
  await checkNew(dependencies, place, from.path)
  await tree.copyIn(from.source, from.path, { force: from.force })
  const added = await saveOut(dependencies, place.kind === 'new' ? outAt(place) : place.out, from)
  await versionControl.stage(added.files)
  return [added]
}

async function checkAddable(
  dependencies: DataDependencies,
  place: Place,
  path: string,
): Promise<void> {
  if (place.kind === 'part') return checkNoLink(dependencies.tree, path)
  if (!(await dependencies.workspace.exists(path)))
    throw new Problem('not-found', `cannot add ${path}: there is no such file or folder`)
  await checkNew(dependencies, place, path)
}

export async function checkNew(
  { workspace, versionControl, tree }: DataDependencies,
  place: Place,
  path: string,
): Promise<void> {
  checkNoLink(tree, path)
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

function checkNoLink(tree: DataDependencies['tree'], path: string): void {
  const link = tree.linkOnTheWay(path)
  if (link !== undefined)
    throw new Problem(
      'conflict',
      `cannot add ${path}: ${link} is a link to a folder, and what it leads to may be tracked where it lies; add it there`,
    )
}

function asOut(place: Place): Out[] {
  return place.kind === 'new' ? [outAt(place)] : []
}

export function outAt(place: Extract<Place, { kind: 'new' }>): Out {
  const owner: Owner = { kind: 'tracked', file: place.file, frozen: false, imported: false }
  const { path } = place
  return { path, owner, content: undefined, cached: true, push: true, remote: undefined }
}

/** Records a whole out as it is now: its hash in its file, its bytes in the cache, its path in what Git ignores. */
export async function saveOut(
  dependencies: DataDependencies,
  out: Out,
  how: AddHow,
): Promise<Added> {
  const { workspace, catalog, versionControl, tree, trackedFiles } = dependencies
  const { path } = out
  const { file } = out.owner
  if (out.cached && how.noCommit !== true) await tree.ownLinks(path)
  const measured = await measuredAgain(dependencies, out)
  const files = [file]
  if (out.cached) {
    if (how.noCommit !== true) await workspace.keep(path, measured, how)
    const ignoreFile = await versionControl.ignore(path)
    if (ignoreFile !== undefined) files.push(ignoreFile)
  }
  const { content } = measured
  const isNew = !trackedFiles.exists(file)
  await catalog.saveTracked(file, path, content)
  const change = isNew ? 'new' : sameContent(out.content, content) ? 'unchanged' : 'changed'
  return { path, file, content, change, files }
}

/** Data of DVC 2 keeps the hash of that time for as long as it does not change. */
async function measuredAgain({ workspace }: DataDependencies, out: Out): Promise<Measured> {
  const before = out.content
  if (before?.legacy === true) {
    const measured = await workspace.measure(out.path, { legacy: true })
    if (measured !== undefined && sameContent(measured.content, before)) return measured
  }
  const measured = await workspace.measure(out.path)
  if (measured === undefined)
    throw new Problem('not-found', `cannot add ${out.path}: there is no such file or folder`)
  return measured
}

async function addPart(
  dependencies: DataDependencies,
  { out, part }: Extract<Place, { kind: 'part' }>,
  how: AddHow,
): Promise<Added> {
  const { workspace, cache, catalog, tree, versionControl } = dependencies
  const path = `${out.path}/${part}`
  // Hashes of two kinds cannot stand in one list, so all of such a folder is hashed anew.
  if (out.content?.legacy === true) return saveOut(dependencies, out, how)
  if (how.noCommit !== true) await tree.ownLinks(path)
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
  if (measured !== undefined && how.noCommit !== true) await workspace.keep(path, measured, how)
  const entries = withPart(before, part, entriesAt(part, measured))
  const md5 = await cache.keepTree(entries)
  const content = contentWithPart(
    out.content,
    { md5, files: entries.length },
    { sizeBytes: measured?.content.sizeBytes ?? 0, appended: !replaced && measured !== undefined },
  )
  await catalog.saveTracked(out.owner.file, out.path, content)
  const ignoreFile = out.cached ? await versionControl.ignore(out.path) : undefined
  const change = sameContent(out.content, content) ? 'unchanged' : 'changed'
  const files = [out.owner.file, ...(ignoreFile === undefined ? [] : [ignoreFile])]
  return { path, file: out.owner.file, content, change, files }
}
