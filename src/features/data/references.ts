import { isFolder, type Content, type TreeEntry } from './content.ts'
import { nameOf, type Out } from './out.ts'
import type { Revision } from './revisions.ts'
import { keyOf } from './shelf.ts'
import type { ObjectName } from './store.ts'
import { membersOf, objectOf } from './transfer.ts'

/** Why an object is needed: what holds it, by whose word. */
export interface Use {
  readonly path: string
  /** The file or the stage that names it. */
  readonly owner: string
  readonly by: UsedBy
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
  readonly size: number
}

/** The files of a folder; undefined where its list is not to be had. */
export type ListOf = (folder: Content) => Promise<readonly TreeEntry[] | undefined>

export function openReferences(listOf: ListOf): References {
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
    get size() {
      return uses.size
    },
    addOut: async (out, by) => {
      const use = { path: out.path, owner: nameOf(out.owner), by }
      for (const content of contentsOf(out)) {
        const object = objectOf({ content })
        if (uses.has(keyOf(object))) continue
        add(object, use)
        if (!isFolder(content)) continue
        const entries = await listOf(content)
        if (entries === undefined) unlisted.push(use)
        else for (const member of membersOf(content, entries)) add(member, use)
      }
    },
  }
}

function contentsOf(out: Out): Content[] {
  return out.content === undefined ? [] : [out.content]
}

/** How people call what needs an object. */
export function wordsOfUser(by: UsedBy): string {
  switch (by.kind) {
    case 'workspace':
      return 'the workspace'
    case 'revision':
      return by.name
    case 'project':
      return `the project ${by.root}`
    case 'run':
      return 'the run cache'
    case 'server':
      return by.what
  }
}

export function byRevision({ commit, names }: Revision): UsedBy {
  return { kind: 'revision', commit, name: names[0] ?? commit.slice(0, 7) }
}
