import { Problem } from '#base/problem'
import { contentWithPart, entriesAt, placeOf, withPart, type Place } from './add.ts'
import { sameContent, type Content } from './content.ts'
import type { DataDependencies } from './dependencies.ts'
import { isWithin, type Out, type Owner } from './out.ts'

export interface Added {
  readonly path: string
  readonly file: string
  readonly content: Content
  readonly change: 'new' | 'changed' | 'unchanged'
  /** Files that Git should be told of. */
  readonly files: readonly string[]
}

/** All are checked before anything is written. */
export async function addAll(
  dependencies: DataDependencies,
  paths: readonly string[],
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
