import { isWithin } from '../out.ts'
import type { DataEntry, DataVersion } from './version.ts'

/** How one path differs between two versions; `unknown` where a folder's list is missing. */
export type DataChange =
  | { readonly kind: 'added'; readonly new: DataEntry }
  | { readonly kind: 'deleted'; readonly old: DataEntry }
  | { readonly kind: 'modified' | 'unchanged'; readonly old: DataEntry; readonly new: DataEntry }
  /** The same bytes under another path. */
  | { readonly kind: 'renamed'; readonly old: DataEntry; readonly new: DataEntry }
  | { readonly kind: 'unknown'; readonly at: DataEntry }

/** Every path of two versions with what became of it, in the order of the paths. */
export function differences(old: DataVersion, now: DataVersion): DataChange[] {
  const unlisted = [...old.unlisted, ...now.unlisted]
  const isUnknown = ({ path }: DataEntry) =>
    unlisted.some((folder) => path !== folder && isWithin(path, folder))
  const paths = [...new Set([...old.entries.keys(), ...now.entries.keys()])].toSorted(byPath)
  const changes = paths.flatMap((path): DataChange[] => {
    const [before, after] = [old.entries.get(path), now.entries.get(path)]
    const at = after ?? before
    if (at !== undefined && isUnknown(at))
      return after === undefined ? [] : [{ kind: 'unknown', at }]
    if (before !== undefined && after !== undefined)
      return [
        { kind: sameEntry(before, after) ? 'unchanged' : 'modified', old: before, new: after },
      ]
    if (before !== undefined) return [{ kind: 'deleted', old: before }]
    return after === undefined ? [] : [{ kind: 'added', new: after }]
  })
  return withRenames(changes)
}

export function byPath(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function sameEntry(one: DataEntry, other: DataEntry): boolean {
  return keyOf(one) === keyOf(other)
}

function keyOf({ object }: DataEntry): string {
  return `${object.md5}${object.legacy ? ' legacy' : ''}`
}

/** A path that went and one that came with the same bytes are one that moved. */
function withRenames(changes: readonly DataChange[]): DataChange[] {
  const gone = new Map<string, DataEntry[]>()
  for (const change of changes)
    if (change.kind === 'deleted') {
      const list = gone.get(keyOf(change.old)) ?? []
      list.push(change.old)
      gone.set(keyOf(change.old), list)
    }
  const moved = new Set<DataEntry>()
  const found = changes.map((change): DataChange => {
    if (change.kind !== 'added') return change
    const old = gone.get(keyOf(change.new))?.shift()
    if (old === undefined) return change
    moved.add(old)
    return { kind: 'renamed', old, new: change.new }
  })
  return found.filter((change) => change.kind !== 'deleted' || !moved.has(change.old))
}
