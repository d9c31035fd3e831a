import { hash } from 'node:crypto'
import type { TreeEntry } from '#data'
import { asciiString, compareCodePoints } from './python.ts'
import { listedPathsFault } from './safe-path.ts'

/** The list of a folder's files, whose MD5 names the folder: the JSON that DVC writes, to the byte. */
export function printTree(entries: readonly TreeEntry[]): string {
  const sorted = entries.toSorted((one, other) => compareCodePoints(one.path, other.path))
  const items = sorted.map(
    ({ path, md5 }) => `{"md5": ${asciiString(md5)}, "relpath": ${asciiString(path)}}`,
  )
  return `[${items.join(', ')}]`
}

/** Undefined for a text that is no such list, or names what no list may name; `treeFault` says why. */
export function readTree(text: string): TreeEntry[] | undefined {
  const entries = entriesIn(text)
  if (entries === undefined) return undefined
  return listedPathsFault(entries.map(({ path }) => path)) === undefined ? entries : undefined
}

/** Why `readTree` refuses a text. */
export function treeFault(text: string): string {
  const paths = entriesIn(text)?.map(({ path }) => path)
  return (paths === undefined ? undefined : listedPathsFault(paths)) ?? 'is not as DVC writes it'
}

function entriesIn(text: string): TreeEntry[] | undefined {
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
    if (!isHash(item.md5)) return undefined
    entries.push({ path: item.relpath, md5: item.md5 })
  }
  return entries
}

/** Hashes become paths of the cache, so nothing else may pass for one. */
export function isHash(text: string): boolean {
  return /^[0-9a-f]{32}(?:\.dir)?$/.test(text)
}

/** DVC's sum over a folder of an object store: as that of a folder, of what the store calls the files. */
export function listingSum(files: readonly { path: string; etag: string }[]): string {
  const sorted = files.toSorted((one, other) => compareCodePoints(one.path, other.path))
  const items = sorted.map(
    ({ path, etag }) => `{"etag": ${asciiString(etag)}, "relpath": ${asciiString(path)}}`,
  )
  return `${hash('md5', `[${items.join(', ')}]`)}.dir`
}
