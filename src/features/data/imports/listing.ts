import { Problem } from '#base/problem'
import { isFolder } from '../content.ts'
import { byPath } from '../history/difference.ts'
import { isWithin, type Out } from '../out.ts'
import type { Source } from './source.ts'

/** One line of what a repository has. */
export interface Listed {
  /** Below what was listed. */
  readonly path: string
  /** Whether data tracking keeps it, as an out or within one. */
  readonly isOut: boolean
  readonly isFolder: boolean
  readonly executable: boolean
  readonly sizeBytes: number | undefined
  readonly md5: string | undefined
}

export interface ListingHow {
  /** So many folders deep: 1 is what lies in the folder itself. Folders at the edge are told of, too. */
  readonly level: number
  /** With the folders on the way. */
  readonly folders?: boolean
  /** Leaves out what version control keeps. */
  readonly dataOnly: boolean
}

/** What lies in a folder of a repository, whoever keeps it, in the order of the paths. */
export async function listingOf(source: Source, path: string, how: ListingHow): Promise<Listed[]> {
  const rows = new Map<string, Listed>()
  const take = (row: Listed) => rows.set(row.path, mergedRow(rows.get(row.path), row))
  const deep = how.level > 1
  let exists = path === ''
  for (const row of await keptRows(source, path, deep)) {
    exists = true
    if (!how.dataOnly) take(row)
  }
  for (const out of await source.outs()) {
    if (!out.cached) continue
    const found = await outRows(source, out, { path, deep })
    exists ||= found.length > 0 || out.path === path
    for (const row of found) take(row)
  }
  if (!exists) throw nothingAt(source, path)
  return [...rows.values()]
    .filter((row) => isShown(row, how))
    .toSorted((one, other) => byPath(one.path, other.path))
}

/** The row of a path itself, as the folder above it lists it. */
export async function rowAt(source: Source, path: string): Promise<Listed> {
  if (path === '') return folderRow('.', { isOut: false })
  const [above, name] = [parentOf(path), nameBelow(path, path)]
  const beside = await listingOf(source, above, { level: 1, dataOnly: false })
  const row = beside.find((each) => each.path === name)
  if (row === undefined) throw nothingAt(source, path)
  return row
}

function nothingAt({ url }: Source, path: string): Problem {
  return new Problem(
    'not-found',
    `${url} has no ${path}; list a folder above it to see what it has`,
  )
}

/** Of folders that are looked into, what lies in them tells enough. */
function isShown(row: Listed, { level, folders }: ListingHow): boolean {
  const depth = row.path.split('/').length
  return depth <= level && (!row.isFolder || folders === true || depth === level)
}

/** Where a folder both lies on disk and is an out, it is one row. */
function mergedRow(before: Listed | undefined, row: Listed): Listed {
  if (before === undefined) return row
  const [known, told] = before.isOut ? [row, before] : [before, row]
  return { ...known, isOut: told.isOut, md5: told.md5 ?? known.md5 }
}

async function keptRows(source: Source, path: string, deep: boolean): Promise<Listed[]> {
  const inside = await source.kept(path, { deep, sizes: true })
  const kept =
    inside ??
    (await source.kept(parentOf(path), { deep: false, sizes: true }))?.filter(
      (each) => each.path === path,
    ) ??
    []
  return kept.map((each) => ({
    path: nameBelow(each.path, path),
    isOut: false,
    isFolder: each.kind === 'folder',
    executable: each.executable,
    sizeBytes: each.sizeBytes,
    md5: undefined,
  }))
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function nameBelow(whole: string, path: string): string {
  if (whole === path) return path.slice(path.lastIndexOf('/') + 1)
  return path === '' ? whole : whole.slice(path.length + 1)
}

/** What one out adds to the listing of a folder, or of itself. */
async function outRows(
  source: Source,
  out: Out,
  how: { path: string; deep: boolean },
): Promise<Listed[]> {
  const { path, deep } = how
  if (!isWithin(out.path, path) && !isWithin(path, out.path)) return []
  const { content } = out
  const own = rowOf(nameBelow(out.path, path), {
    isFolder: content !== undefined && isFolder(content),
    md5: content?.md5,
    sizeBytes: content?.sizeBytes,
  })
  const isBelow = isWithin(out.path, path) && out.path !== path
  if (isBelow && !deep) return [nearest(own, { isOut: false })]
  if (!own.isFolder) return deep ? withFolders([own], own.path) : [own]
  const entries = (await source.tree(out)) ?? []
  const rows = entries
    .map((entry) => ({ whole: `${out.path}/${entry.path}`, md5: entry.md5 }))
    .filter(({ whole }) => isWithin(whole, path))
    .map(({ whole, md5 }) =>
      rowOf(nameBelow(whole, path), { isFolder: false, md5, sizeBytes: undefined }),
    )
  if (deep) return withFolders(isBelow ? [own, ...rows] : rows, isBelow ? own.path : '')
  const first = rows.map((row) => nearest(row, { isOut: isWithin(path, out.path) }))
  return [...new Map(first.map((row) => [row.path, row])).values()]
}

/** The rows, and the folders that lead to them; those in `top` are data themselves. */
function withFolders(rows: readonly Listed[], top: string): Listed[] {
  const found = new Map(rows.map((row) => [row.path, row]))
  for (const { path } of rows)
    for (let above = parentOf(path); above !== '' && !found.has(above); above = parentOf(above))
      found.set(above, folderRow(above, { isOut: isWithin(above, top) }))
  return [...found.values()]
}

function rowOf(
  path: string,
  at: { isFolder: boolean; md5: string | undefined; sizeBytes: number | undefined },
): Listed {
  return { path, isOut: true, executable: false, ...at }
}

/** The first step of a path that leads further down. */
function nearest(row: Listed, { isOut }: { isOut: boolean }): Listed {
  const [first = '', ...rest] = row.path.split('/')
  return rest.length === 0 ? row : folderRow(first, { isOut })
}

function folderRow(path: string, { isOut }: { isOut: boolean }): Listed {
  return {
    path,
    isOut,
    isFolder: true,
    executable: false,
    sizeBytes: undefined,
    md5: undefined,
  }
}
