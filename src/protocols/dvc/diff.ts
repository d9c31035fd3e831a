import type { DataDiff, DataEntry } from '#data'

type Hash = string | { old: string; new: string }

export interface DvcDiffItem {
  readonly path: string | { old: string; new: string }
  readonly hash?: Hash
}

export type DvcDiffGroup = 'added' | 'deleted' | 'modified' | 'renamed' | 'not in cache'

export type DvcDiff = Partial<Record<DvcDiffGroup, DvcDiffItem[]>>

/** What became of data, in the shape of `dvc diff --json`; empty when nothing did. */
export function diffJson(
  { changes, notInCache }: DataDiff,
  how: { hashes: boolean; missing: boolean },
): DvcDiff {
  const groups = {
    added: [] as DvcDiffItem[],
    deleted: [] as DvcDiffItem[],
    modified: [] as DvcDiffItem[],
    renamed: [] as DvcDiffItem[],
  }
  const item = (path: DvcDiffItem['path'], hash: Hash) => (how.hashes ? { path, hash } : { path })
  for (const change of changes) {
    if (change.kind === 'added')
      groups.added.push(item(shownPath(change.new), change.new.object.md5))
    else if (change.kind === 'deleted')
      groups.deleted.push(item(shownPath(change.old), change.old.object.md5))
    else if (change.kind === 'modified')
      groups.modified.push(
        item(shownPath(change.old), { old: change.old.object.md5, new: change.new.object.md5 }),
      )
    else if (change.kind === 'renamed')
      groups.renamed.push(
        item({ old: shownPath(change.old), new: shownPath(change.new) }, change.old.object.md5),
      )
  }
  if (changes.length === 0 && notInCache.length === 0) return {}
  if (!how.missing) return groups
  const missing = notInCache.map((entry) => item(shownPath(entry), entry.object.md5))
  return { ...groups, 'not in cache': missing }
}

/** Folders end with a slash. */
export function shownPath({ path, isFolder }: DataEntry): string {
  return isFolder ? `${path}/` : path
}

/** The groups that have something, as text for a terminal; dvc's words. */
export function diffLines(diff: DvcDiff): string[] {
  const lines: string[] = []
  const counts: string[] = []
  for (const [group, items] of groupsOf(diff)) {
    lines.push(`${group[0]?.toUpperCase() ?? ''}${group.slice(1)}:`)
    const hashes = items.map(({ hash }) => shortHash(hash))
    const width = Math.max(...hashes.map((hash) => hash.length))
    for (const [index, { path }] of items.entries())
      lines.push(
        `    ${width === 0 ? '' : `${(hashes[index] ?? '').padEnd(width)}  `}${pathText(path)}`,
      )
    lines.push('')
    const files = items.filter(({ path }) => !pathText(path).endsWith('/')).length
    if (files > 0) counts.push(`${files} ${group}`)
  }
  if (counts.length > 0) lines.push(`files summary: ${counts.join(', ')}`)
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

/** The same as a table in Markdown. */
export function diffTable(diff: DvcDiff): string[] {
  const withHashes = groupsOf(diff).some(([, items]) =>
    items.some(({ hash }) => hash !== undefined),
  )
  const heads = withHashes ? ['Status', 'Hash', 'Path'] : ['Status', 'Path']
  const rows = groupsOf(diff).flatMap(([group, items]) =>
    items.map(({ path, hash }) =>
      withHashes ? [group, shortHash(hash), pathText(path)] : [group, pathText(path)],
    ),
  )
  const widths = heads.map((head, at) =>
    Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  return [
    line(heads),
    `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
    ...rows.map((row) => line(row.map((cell) => cell.replaceAll('|', '\\|')))),
    '',
  ]
}

function groupsOf(diff: DvcDiff): [DvcDiffGroup, DvcDiffItem[]][] {
  const order: DvcDiffGroup[] = ['added', 'deleted', 'renamed', 'modified', 'not in cache']
  return order.flatMap((group): [DvcDiffGroup, DvcDiffItem[]][] => {
    const items = diff[group] ?? []
    return items.length === 0 ? [] : [[group, items]]
  })
}

function pathText(path: DvcDiffItem['path']): string {
  return typeof path === 'string' ? path : `${path.old} -> ${path.new}`
}

function shortHash(hash: Hash | undefined): string {
  if (hash === undefined) return ''
  return typeof hash === 'string'
    ? hash.slice(0, 8)
    : `${hash.old.slice(0, 8)}..${hash.new.slice(0, 8)}`
}
