import { Problem } from '#base/problem'
import { sha256 } from '#base/digest'
import { canonicalJson } from '#base/json'

/** A file in the artifact tree; paths have `/` between their parts and no leading one. */
export interface ArtifactFile {
  readonly path: string
  /** SHA-256 of its bytes. */
  readonly digest: string
  readonly sizeBytes: number
}

/** One line of a listing: a file, or a folder of which only the name is known. */
export type ArtifactEntry =
  | { readonly kind: 'file'; readonly name: string; readonly sizeBytes: number }
  | { readonly kind: 'folder'; readonly name: string }

const SCHEME = 'mlflow-artifacts:'
/** The server's own artifact tree. */
export const OWN_ROOT = `${SCHEME}/`
const PROXY = '/api/2.0/mlflow-artifacts/artifacts/'
const PATH_BYTES_MAX = 4096

/** The address of a path in the artifact tree, as clients know it. */
export function artifactUri(path: string): string {
  return `${SCHEME}/${path}`
}

/** The path in our artifact tree that an address means, or undefined when it lies elsewhere (S3, a disk). */
export function pathOfUri(uri: string): string | undefined {
  if (uri.startsWith(SCHEME)) return trimmed(uri.slice(SCHEME.length).replace(/^\/\/[^/]*/, ''))
  if (!/^https?:\/\//.test(uri)) return undefined
  const at = uri.indexOf(PROXY)
  return at === -1 ? undefined : trimmed(uri.slice(at + PROXY.length))
}

/** An address below another: `more` is put on its path, and what follows a `?` stays at the end. */
export function joinUri(uri: string, ...more: readonly string[]): string {
  const [base = '', query] = uri.split('?', 2)
  const joined = [base.replace(/\/+$/, ''), ...more].join('/')
  return query === undefined ? joined : `${joined}?${query}`
}

/** The path if it stays inside the tree. Throws `invalid` for `..`, absolute paths and control characters. */
export function checkedArtifactPath(path: string): string {
  const parts = path.split('/')
  const strange =
    path === '' ||
    path.startsWith('/') ||
    path.includes('\\') ||
    // The separators of other systems and the rest of ASCII that no file name needs.
    // oxlint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f]|^[A-Za-z]:[/]/.test(path) ||
    parts.some((part) => part === '..' || part === '.' || part === '')
  if (strange || Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw new Problem(
      'invalid',
      `Invalid path: ${JSON.stringify(path.slice(0, 200))} is no relative path of plain names; drop "..", empty parts and control characters`,
    )
  return path
}

/** What stands directly below `folder`, sorted by name, of the files that stand anywhere below it. */
export function entriesBelow(folder: string, files: readonly ArtifactFile[]): ArtifactEntry[] {
  const start = folder === '' ? 0 : folder.length + 1
  const entries = new Map<string, ArtifactEntry>()
  for (const file of files) {
    const [name = '', ...deeper] = file.path.slice(start).split('/')
    if (deeper.length > 0) entries.set(name, { kind: 'folder', name })
    else entries.set(name, { kind: 'file', name, sizeBytes: file.sizeBytes })
  }
  return [...entries.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** The files that stand below `folder`, with paths that start there. */
export function relativeTo(folder: string, files: readonly ArtifactFile[]): ArtifactFile[] {
  return files.map(({ path, digest, sizeBytes }) => ({
    path: path.slice(folder.length + 1),
    digest,
    sizeBytes,
  }))
}

/** The folders above a path, outermost first. */
export function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** One digest for a tree of files: any other content, name or place gives another one. */
export function treeDigest(files: readonly ArtifactFile[]): string {
  const listed = files
    .map(({ path, digest }) => ({ path, digest }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
  return sha256(canonicalJson(listed))
}

function trimmed(path: string): string {
  return path.replace(/^\/+|\/+$/g, '')
}
