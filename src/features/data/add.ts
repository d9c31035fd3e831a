import { Problem } from '#base/problem'
import { isFolder, sameContent, type Content, type Measured, type TreeEntry } from './content.ts'
import { isWithin, nameOf, overlaps, type Out } from './out.ts'

/** Where a path that is added belongs: an out of its own, an out that is there, or a part of one. */
export type Place =
  | { readonly kind: 'new'; readonly path: string; readonly file: string }
  | { readonly kind: 'known'; readonly out: Out }
  | { readonly kind: 'part'; readonly out: Out; readonly part: string }

/** Finds the place of a path among the outs. Throws a `Problem` where adding it would make two owners of one file. */
export function placeOf(path: string, outs: readonly Out[]): Place {
  checkName(path)
  const near = outs.filter((out) => overlaps(out.path, path))
  const owner = near.find((out) => isWithin(path, out.path))
  if (owner === undefined) {
    const inside = near[0]
    if (inside !== undefined)
      throw new Problem(
        'conflict',
        `cannot add ${path}: ${inside.path} in it is already tracked by ${nameOf(inside.owner)}; remove that file first, or add only what is beside it`,
      )
    return { kind: 'new', path, file: `${path}.dvc` }
  }
  if (owner.owner.kind === 'stage')
    throw new Problem(
      'conflict',
      `cannot add ${path}: it is written by the stage ${owner.owner.address}; run \`orrery repro ${owner.owner.address}\` instead`,
    )
  if (owner.path === path) return { kind: 'known', out: owner }
  if (owner.content !== undefined && !isFolder(owner.content))
    throw new Problem('conflict', `cannot add ${path}: ${owner.path} is tracked as a single file`)
  return { kind: 'part', out: owner, part: path.slice(owner.path.length + 1) }
}

/** A folder's files after the part of it at `part` became `entries`. */
export function withPart(
  before: readonly TreeEntry[],
  part: string,
  entries: readonly TreeEntry[],
): TreeEntry[] {
  return [...before.filter((entry) => !isWithin(entry.path, part)), ...entries]
}

/** The files of something measured at `part` of a folder, by their paths in that folder. */
export function entriesAt(part: string, measured: Measured | undefined): TreeEntry[] {
  if (measured === undefined) return []
  if (measured.entries === undefined) return [{ path: part, md5: measured.content.md5 }]
  return measured.entries.map((entry) => ({ path: `${part}/${entry.path}`, md5: entry.md5 }))
}

/**
 * What DVC writes for a folder of which one part was added: the size is known only if files were
 * merely appended, or nothing changed.
 */
export function contentWithPart(
  before: Content | undefined,
  after: { md5: string; files: number },
  added: { sizeBytes: number; appended: boolean },
): Content {
  const known = { md5: after.md5, files: after.files }
  const size = before?.sizeBytes
  if (size === undefined) return known
  if (sameContent(before, known)) return { ...known, sizeBytes: size }
  return added.appended ? { ...known, sizeBytes: size + added.sizeBytes } : known
}

function checkName(path: string): void {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (path === '')
    throw new Problem('invalid', 'cannot add the whole project; name a file or a folder in it')
  if (name.endsWith('.dvc') || name === 'dvc.yaml' || name === 'dvc.lock')
    throw new Problem('invalid', `cannot add ${path}: it describes data and is kept by Git itself`)
  if (isWithin(path, '.dvc') || isWithin(path, '.git'))
    throw new Problem(
      'invalid',
      `cannot add ${path}: the folder belongs to ${path.split('/')[0] ?? ''}`,
    )
}
