import type { TreeEntry } from '#data'
import { asciiString, compareCodePoints } from './python.ts'

/** The list of a folder's files, whose MD5 names the folder: the JSON that DVC writes, to the byte. */
export function printTree(entries: readonly TreeEntry[]): string {
  const sorted = entries.toSorted((one, other) => compareCodePoints(one.path, other.path))
  const items = sorted.map(
    ({ path, md5 }) => `{"md5": ${asciiString(md5)}, "relpath": ${asciiString(path)}}`,
  )
  return `[${items.join(', ')}]`
}

/** Undefined for a text that is no such list, or whose paths lead out of the folder. */
export function readTree(text: string): TreeEntry[] | undefined {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(list)) return undefined
  const entries: TreeEntry[] = []
  for (const item of list as { md5?: unknown; relpath?: unknown }[]) {
    if (typeof item?.md5 !== 'string' || typeof item.relpath !== 'string') return undefined
    if (!isHash(item.md5) || !staysInside(item.relpath)) return undefined
    entries.push({ path: item.relpath, md5: item.md5 })
  }
  return entries
}

/** Hashes become paths of the cache, so nothing else may pass for one. */
export function isHash(text: string): boolean {
  return /^[0-9a-f]{32}(?:\.dir)?$/.test(text)
}

/** A list is read from a remote that others write to: it must not name files outside its folder. */
function staysInside(path: string): boolean {
  return (
    path !== '' &&
    !path.startsWith('/') &&
    !path.includes('\0') &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  )
}
