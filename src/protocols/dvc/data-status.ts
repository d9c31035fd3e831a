import type { DataChange, Standing } from '#data'
import { shownPath } from './diff.ts'

type Rename = { old: string; new: string }
type Group = 'modified' | 'added' | 'deleted' | 'renamed' | 'unknown'
export type DvcChanges = Partial<Record<Group, (string | Rename)[]>>

export interface DvcDataStatus {
  readonly not_in_cache?: string[]
  readonly not_in_remote?: string[]
  readonly committed?: DvcChanges
  readonly uncommitted?: DvcChanges
  readonly untracked?: readonly string[]
  readonly unchanged?: string[]
}

/** Where data stands, in the shape of `dvc data status --json`: groups that have nothing are left out. */
export function dataStatusJson(
  standing: Standing,
  how: { unchanged: boolean; untracked: boolean },
): DvcDataStatus {
  const groups: DvcDataStatus = {
    not_in_cache: standing.notInCache.map(shownPath),
    not_in_remote: standing.notInRemote.map(shownPath),
    committed: changesOf(standing.committed),
    uncommitted: changesOf(standing.uncommitted),
    untracked: how.untracked ? standing.untracked : [],
    unchanged: how.unchanged ? standing.unchanged.map(shownPath) : [],
  }
  return Object.fromEntries(
    Object.entries(groups).filter(([, group]) => Object.keys(group as object).length > 0),
  )
}

function changesOf(changes: readonly DataChange[]): DvcChanges {
  const groups: DvcChanges = {}
  const add = (group: Group, item: string | Rename) => (groups[group] ??= []).push(item)
  for (const change of changes) {
    if (change.kind === 'renamed')
      add('renamed', { old: shownPath(change.old), new: shownPath(change.new) })
    else if (change.kind === 'unknown') add('unknown', shownPath(change.at))
    else if (change.kind === 'deleted') add('deleted', shownPath(change.old))
    else if (change.kind === 'added' || change.kind === 'modified')
      add(change.kind, shownPath(change.new))
  }
  return groups
}

const HEADS: Readonly<Record<keyof DvcDataStatus, readonly string[]>> = {
  not_in_cache: ['Not in cache:', '  (use "orrery fetch <file>..." to download files)'],
  not_in_remote: ['Not in remote:', '  (use "orrery push <file>..." to upload files)'],
  committed: [
    'DVC committed changes:',
    '  (git commit the corresponding dvc files to update the repo)',
  ],
  uncommitted: [
    'DVC uncommitted changes:',
    '  (use "orrery commit <file>..." to track changes)',
    '  (use "orrery checkout <file>..." to discard changes)',
  ],
  untracked: [
    'Untracked files:',
    '  (use "git add <file> ..." or "orrery add <file>..." to commit to git or to dvc)',
  ],
  unchanged: ['DVC unchanged files:'],
}

/** The same for people. */
export function dataStatusLines(status: DvcDataStatus): string[] {
  const lines: string[] = []
  for (const [name, head] of Object.entries(HEADS)) {
    const group = status[name as keyof DvcDataStatus]
    if (group === undefined) continue
    const items = Array.isArray(group)
      ? group
      : Object.entries(group as DvcChanges).flatMap(([kind, changes]) =>
          changes.map((change) => `${kind}: ${itemText(change)}`),
        )
    if (lines.length > 0) lines.push('')
    lines.push(...head, ...items.map((item) => `        ${item}`))
  }
  return lines.length === 0 ? ['No changes.'] : lines
}

function itemText(item: string | Rename): string {
  return typeof item === 'string' ? item : `${item.old} -> ${item.new}`
}
