import type { Cache, Content, TreeEntry, Workspace } from '#data'
import type { PlainValue } from './param.ts'
import { inWords, type FolderChange, type Reason } from './staleness.ts'
import type { Stage } from './stage.ts'

/** The reasons with what differs inside folders, as far as the cache still has the lists of their files. */
export async function withFiles(
  ground: { readonly workspace: Workspace; readonly cache: Cache },
  reasons: readonly Reason[],
): Promise<Reason[]> {
  return Promise.all(
    reasons.map(async (reason) => {
      if (reason.kind !== 'dep' && reason.kind !== 'out') return reason
      const { before, after, path } = reason
      if (!isFolderContent(before) || !isFolderContent(after)) return reason
      const old = await ground.cache.tree(before)
      const now = (await ground.workspace.measure(path, { legacy: after.legacy ?? false }))?.entries
      if (old === undefined || now === undefined) return reason
      return { ...reason, files: folderChange(old, now) }
    }),
  )
}

/** A reason in one line, with old and new, and as few names as help. */
export function explained(reason: Reason): string {
  if (reason.kind === 'command' && reason.after !== undefined)
    return `command: ${commandText(reason.before)} -> ${commandText(reason.after)}`
  if (reason.kind === 'param')
    return `${reason.path}: ${reason.name} ${valueText(reason.before)} -> ${valueText(reason.after)}`
  if (reason.kind === 'parts') return `${inWords(reason)}${namesText(reason)}`
  if (reason.kind !== 'dep' && reason.kind !== 'out') return inWords(reason)
  const { before, after, files } = reason
  if (before === undefined && after === undefined) return inWords(reason)
  const words = `${inWords(reason)}: ${sideText(before)} -> ${sideText(after)}`
  return files === undefined ? words : `${words}; ${filesText(files)}`
}

const NAMES_SHOWN = 5

function filesText({ added, modified, deleted }: FolderChange): string {
  const counts = [
    [added.length, 'added'],
    [modified.length, 'modified'],
    [deleted.length, 'deleted'],
  ] as const
  const said = counts.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`]))
  return `${said.join(', ')}${namesText({ added, modified, deleted })}`
}

function namesText({ added, modified, deleted }: FolderChange): string {
  const named = [...modified, ...added, ...deleted]
  const more = named.length > NAMES_SHOWN ? ', …' : ''
  return named.length === 0 ? '' : `: ${named.slice(0, NAMES_SHOWN).join(', ')}${more}`
}

function folderChange(old: readonly TreeEntry[], now: readonly TreeEntry[]): FolderChange {
  const before = new Map(old.map(({ path, md5 }) => [path, md5]))
  const after = new Map(now.map(({ path, md5 }) => [path, md5]))
  const names = [...after.keys()]
  return {
    added: names.filter((name) => !before.has(name)),
    modified: names.filter((name) => before.has(name) && before.get(name) !== after.get(name)),
    deleted: [...before.keys()].filter((name) => !after.has(name)),
  }
}

function isContent(side: Content | PlainValue | undefined): side is Content {
  return typeof side === 'object' && side !== null && 'md5' in side && typeof side.md5 === 'string'
}

function isFolderContent(side: Content | PlainValue | undefined): side is Content {
  return isContent(side) && side.md5.endsWith('.dir')
}

function sideText(side: Content | PlainValue | undefined): string {
  if (side === undefined) return 'nothing'
  if (!isContent(side)) return valueText(side)
  const { md5, sizeBytes, files } = side
  const told = [
    ...(files === undefined ? [] : [`${files} ${files === 1 ? 'file' : 'files'}`]),
    ...(sizeBytes === undefined ? [] : [`${sizeBytes} bytes`]),
  ]
  return told.length === 0 ? md5.slice(0, 8) : `${md5.slice(0, 8)} (${told.join(', ')})`
}

const TEXT_SHOWN = 200

function valueText(value: PlainValue | undefined): string {
  return value === undefined ? 'nothing' : shortened(JSON.stringify(value))
}

function commandText(command: Stage['cmd'] | undefined): string {
  return valueText(command)
}

function shortened(text: string): string {
  return text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN)}…` : text
}
