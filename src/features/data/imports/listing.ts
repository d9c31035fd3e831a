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
  readonly deep: boolean
  /** Leaves out what version control keeps. */
  readonly dataOnly: boolean
}

/** What lies in a folder of a repository, whoever keeps it, in the order of the paths. */
export async function listingOf(source: Source, path: string, how: ListingHow): Promise<Listed[]> {
  const rows = new Map<string, Listed>()
  const take = (row: Listed) => rows.set(row.path, mergedRow(rows.get(row.path), row))
  let exists = path === ''
  for (const row of await keptRows(source, path, how)) {
    exists = true
    take(row)
  }
  for (const out of await source.outs()) {
    if (!out.cached) continue
    const found = await outRows(source, out, { path, ...how })
    exists ||= found.length > 0 || out.path === path
    for (const row of found) take(row)
  }
  if (!exists)
    throw new Problem(
      'not-found',
      `${source.url} has no ${path}; list a folder above it to see what it has`,
    )
  return [...rows.values()]
    .filter((row) => !how.dataOnly || row.isOut || leadsToData(row, rows))
    .toSorted((one, other) => byPath(one.path, other.path))
}

/** Where a folder both lies on disk and is an out, it is one row. */
function mergedRow(before: Listed | undefined, row: Listed): Listed {
  if (before === undefined) return row
  const [known, told] = before.isOut ? [row, before] : [before, row]
  return { ...known, isOut: told.isOut, md5: told.md5 ?? known.md5 }
}

function leadsToData(row: Listed, rows: ReadonlyMap<string, Listed>): boolean {
  return (
    row.isFolder && [...rows.values()].some((each) => each.isOut && isWithin(each.path, row.path))
  )
}

async function keptRows(source: Source, path: string, how: ListingHow): Promise<Listed[]> {
  const inside = await source.kept(path, { deep: how.deep, sizes: true })
  const slash = path.lastIndexOf('/')
  const kept =
    inside ??
    (
      await source.kept(slash < 0 ? '' : path.slice(0, slash), { deep: false, sizes: true })
    )?.filter((each) => each.path === path) ??
    []
  return kept
    .filter(({ kind }) => !how.deep || kind !== 'folder')
    .map((each) => ({
      path: nameBelow(each.path, path),
      isOut: false,
      isFolder: each.kind === 'folder',
      executable: each.executable,
      sizeBytes: each.sizeBytes,
      md5: undefined,
    }))
}

function nameBelow(whole: string, path: string): string {
  if (whole === path) return path.slice(path.lastIndexOf('/') + 1)
  return path === '' ? whole : whole.slice(path.length + 1)
}

/** What one out adds to the listing of a folder, or of itself. */
async function outRows(
  source: Source,
  out: Out,
  how: ListingHow & { path: string },
): Promise<Listed[]> {
  const { path, deep } = how
  if (!isWithin(out.path, path) && !isWithin(path, out.path)) return []
  const { content } = out
  const own = rowOf(nameBelow(out.path, path), {
    isFolder: content !== undefined && isFolder(content),
    md5: content?.md5,
    sizeBytes: content?.sizeBytes,
  })
  const isAbove = isWithin(out.path, path) && out.path !== path
  if (isAbove && !deep) return [nearest(own, { isOut: false })]
  if (!own.isFolder) return [own]
  const entries = (await source.tree(out)) ?? []
  const rows = entries
    .map((entry) => ({ whole: `${out.path}/${entry.path}`, md5: entry.md5 }))
    .filter(({ whole }) => isWithin(whole, path))
    .map(({ whole, md5 }) => {
      const row = rowOf(nameBelow(whole, path), { isFolder: false, md5, sizeBytes: undefined })
      return deep ? row : nearest(row, { isOut: isWithin(path, out.path) })
    })
  return [...new Map(rows.map((row) => [row.path, row])).values()]
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
  if (rest.length === 0) return row
  return {
    path: first,
    isOut,
    isFolder: true,
    executable: false,
    sizeBytes: undefined,
    md5: undefined,
  }
}
