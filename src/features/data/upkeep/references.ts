import { isFolder, type Content, type TreeEntry } from '../content.ts'
import { nameOf, type Out } from '../out.ts'
import type { Revision } from '../history/revisions.ts'
import { isRightOn, keyOf, type Shelf } from './shelf.ts'
import type { ObjectName } from '../store.ts'
import { objectOf } from '../transfer.ts'

/** Why an object is needed: what holds it, by whose word. */
export interface Use {
  readonly path: string
  /** The file of a folder, where that was asked for. */
  readonly part?: string
  /** The file or the stage that names it. */
  readonly owner: string
  readonly by: UsedBy
  /** The only remote that it is shared on; null for what is never shared. */
  readonly goesTo?: string | null
}

export type UsedBy =
  | { readonly kind: 'workspace' }
  | { readonly kind: 'revision'; readonly commit: string; readonly name: string }
  | { readonly kind: 'project'; readonly root: string }
  | { readonly kind: 'run' }
  | { readonly kind: 'server'; readonly what: string }

/** Every object that something needs, with the first that was found to need it. */
export interface References {
  find(object: ObjectName): Use | undefined
  add(object: ObjectName, use: Use): void
  /** Takes an out with all files of a folder. */
  addOut(out: Out, by: UsedBy): Promise<void>
  /** Folders whose list is nowhere, so that their files cannot be told. */
  readonly unlisted: readonly Use[]
  all(): Iterable<{ readonly object: ObjectName; readonly use: Use }>
}

/** The files of a folder; undefined where its list is not to be had. */
export type ListOf = (folder: Content) => Promise<readonly TreeEntry[] | undefined>

/** Lists as they lie on the first of the shelves that has one with the right bytes. */
export function listsOn(
  shelves: readonly Shelf[],
  read: (text: string) => readonly TreeEntry[] | undefined,
  onUnusable: (shelf: Shelf, folder: ObjectName, why: 'damaged' | 'refused') => void,
): ListOf {
  return async (content) => {
    const folder = objectOf({ content })
    for (const shelf of shelves) {
      const text = await shelf.text(folder)
      if (text === undefined) continue
      const isRight = await isRightOn(shelf, folder)
      const entries = isRight ? read(text) : undefined
      if (entries !== undefined) return entries
      onUnusable(shelf, folder, isRight ? 'refused' : 'damaged')
    }
    return undefined
  }
}

export function openReferences(
  listOf: ListOf,
  how: { parts: boolean } = { parts: false },
): References {
  const uses = new Map<string, Use>()
  const unlisted: Use[] = []
  const add = (object: ObjectName, use: Use) => {
    const key = keyOf(object)
    if (!uses.has(key)) uses.set(key, use)
  }
  return {
    add,
    find: (object) => uses.get(keyOf(object)),
    unlisted,
    *all() {
      for (const [key, use] of uses) {
        const [md5 = '', legacy] = key.split(' ')
        yield { object: { md5, legacy: legacy !== undefined }, use }
      }
    },
    addOut: async (out, by) => {
      const goesTo = out.push ? out.remote : null
      const use: Use = {
        path: out.path,
        owner: nameOf(out.owner),
        by,
        ...(goesTo === undefined ? {} : { goesTo }),
      }
      for (const { path, md5 } of out.files ?? [])
        add({ md5, legacy: false }, how.parts ? { ...use, part: path } : use)
      for (const content of contentsOf(out)) {
        const object = objectOf({ content })
        if (uses.has(keyOf(object))) continue
        add(object, use)
        if (!isFolder(content)) continue
        const entries = out.files ?? (await listOf(content))
        if (entries === undefined) unlisted.push(use)
        else
          for (const { path, md5 } of entries)
            add({ md5, legacy: content.legacy ?? false }, how.parts ? { ...use, part: path } : use)
      }
    },
  }
}

function contentsOf(out: Out): Content[] {
  return out.content === undefined ? [] : [out.content]
}

/** How people call what needs an object. */
export function wordsOfUser(by: UsedBy): string {
  if (by.kind === 'revision') return by.name
  if (by.kind === 'project') return `the project ${by.root}`
  if (by.kind === 'server') return by.what
  return by.kind === 'run' ? 'the run cache' : 'the workspace'
}

export function byRevision({ commit, names }: Revision): UsedBy {
  // Who asks for all commits is given each by its whole hash, which says no more than its start.
  return {
    kind: 'revision',
    commit,
    name: names.find((name) => name !== commit) ?? commit.slice(0, 7),
  }
}
